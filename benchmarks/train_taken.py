"""By which rule few validation photos take a fine-tuned network where it is better, and leave it where it is worse.

    python benchmarks/train_taken.py --data DIR [--counts 10 30] [--draws 0 1] [--size 96] [--epochs 4] [--rate R]

DIR holds clothing10/. Of its training photos so many a class are drawn, and lite0 is fine-tuned on them as `edgelens
train` does it; after each epoch, the val photos are answered. Some of these are then drawn, many times, to decide
whether the network or the head that it started from is taken, and the rest tells what that was worth. A training is
merged into results/train_taken.json as soon as it ends.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from edgelens.train import TrainConfig, fit
from edgelens.train.optimize import allocator as memory
from edgelens.train.runs.run import LAST

RESULTS = Path(__file__).resolve().parent / "results" / "train_taken.json"
JUDGES, DRAWS = (15, 45, 90, 180), 400


@dataclass(frozen=True)
class Answered:
    """What the head (row 0) and then each epoch's network answered to photos: (K, N)."""

    right: NDArray[np.bool_]
    loss: NDArray[np.float32]  # how unlikely the right answer was held

    def of(self, photos: NDArray[np.intp]) -> Answered:
        """Those photos only."""
        return Answered(self.right[:, photos], self.loss[:, photos])


def by_score(seen: Answered) -> int:
    """The luckiest epoch, where it gets more right than the head."""
    right, loss = seen.right.sum(1), seen.loss.sum(1)
    best = max(range(1, len(right)), key=lambda k: (right[k], -loss[k]))
    return best if right[best] > right[0] else 0


def by_loss(seen: Answered) -> int:
    """What has the lowest loss."""
    return int(seen.loss.mean(1).argmin())


def by_loss_and_score(seen: Answered) -> int:
    """The lowest loss of the epochs that get no fewer right than the head, where it is below the head's."""
    right = seen.right.sum(1)
    return int(min(np.flatnonzero(right >= right[0]), key=lambda k: float(seen.loss[k].mean())))


def by_loss_surely(seen: Answered) -> int:
    """The epoch of the lowest loss, where it is one standard error of the paired differences below the head's."""
    best = 1 + int(seen.loss[1:].mean(1).argmin())
    gains = seen.loss[0] - seen.loss[best]
    return best if gains.mean() > gains.std(ddof=1) / np.sqrt(len(gains)) else 0


def by_sign_test(seen: Answered) -> int:
    """The luckiest epoch, where the exact sign test says by five in a hundred that it is better."""
    best = 1 + int(seen.right[1:].sum(1).argmax())
    won, lost = (int((a & ~b).sum()) for a, b in ((seen.right[best], seen.right[0]), (seen.right[0], seen.right[best])))
    chance = sum(comb(won + lost, k) for k in range(won, won + lost + 1)) / 2 ** (won + lost)
    return best if chance < 0.05 else 0


RULES: dict[str, Callable[[Answered], int]] = {
    "score": by_score,
    "loss": by_loss,
    "loss, no fewer right": by_loss_and_score,
    "loss, one standard error": by_loss_surely,
    "sign test": by_sign_test,
    "always the last": lambda seen: len(seen.right) - 1,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 30])
    parser.add_argument("--draws", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float)
    options = parser.parse_args()
    memory.keep_large_blocks()
    torch.set_num_threads(1)
    for draw in options.draws:
        for count in options.counts:
            name = f"{count} a class, draw {draw}, {options.size} pixels, {options.epochs} epochs"
            name += f", rate {options.rate:g}" if options.rate else ""
            with tempfile.TemporaryDirectory() as scratch:
                drawn(options.data / "clothing10", count, draw, Path(scratch) / "data")
                settings = {"size": (options.size, options.size), "epochs": options.epochs, "rate": options.rate}
                answered = trained(Path(scratch), settings)
            row = {"right": [round(100 * float(each), 1) for each in answered.right.mean(1)], **judged(answered)}
            print(name, json.dumps(row), flush=True)
            found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            RESULTS.write_text(json.dumps(found | {name: row}, indent=1) + "\n")


def drawn(photos: Path, count: int, seed: int, out: Path) -> None:
    """A data set of links: so many training photos a class, and all val photos."""
    chance = np.random.default_rng(seed)
    for folder in sorted(path for path in (photos / "train").iterdir() if path.is_dir()):
        files = sorted(folder.iterdir())
        chosen = [files[i] for i in chance.choice(len(files), count, replace=False)]
        for split, some in (("train", chosen), ("val", sorted((photos / "val" / folder.name).iterdir()))):
            place = out / split / folder.name
            place.mkdir(parents=True)
            for file in some:
                (place / file.name).symlink_to(file.absolute())


def trained(scratch: Path, settings: dict[str, Any]) -> Answered:
    """A training's answers: of few photos it keeps each epoch's."""
    plain: dict[str, Any] = {"model": "lite0", "minutes": 600.0, "precision": "channels-last", "threads": 1}
    config = TrainConfig(str(scratch / "data"), str(scratch / "run"), **plain, **settings)
    run = fit(config, quiet=True)
    labels = torch.from_numpy(run.split("val").labels.astype(np.int64))
    kept = torch.load(run.path / LAST, weights_only=True)["candidates"]
    logits = [outputs["logits"] for _, outputs in kept]
    right = torch.stack([each.argmax(1) == labels for each in logits])
    loss = torch.stack([F.cross_entropy(each, labels, reduction="none") for each in logits])
    return Answered(right.numpy(), loss.numpy())


def judged(answered: Answered) -> dict[str, Any]:
    """For each number of photos that decide: what each rule gains in points over the head, and how often it takes it.

    `worse` is how often it takes a network that gets fewer of the other photos right than the head.
    """
    count, rows = answered.right.shape[1], dict[str, Any]()
    for judges in JUDGES:
        chance = np.random.default_rng(judges)
        orders = [chance.permutation(count) for _ in range(DRAWS)]
        for name, rule in RULES.items():
            taken = np.array([rule(answered.of(order[:judges])) for order in orders])
            others = [answered.of(order[judges:]).right.mean(1) for order in orders]
            gains = np.array([each[k] - each[0] for each, k in zip(others, taken, strict=True)])
            rows.setdefault(f"{judges} photos decide", {})[name] = {
                "gain": round(100 * float(gains.mean()), 2),
                "taken": round(100 * float((taken > 0).mean())),
                "worse": round(100 * float((gains < 0).mean())),
            }
    return rows


if __name__ == "__main__":
    main()
