"""Which start wins where photos are few: heads on lite0 and on the kit's small backbone, or all of a small network.

    python benchmarks/train_few.py --data DIR [--sets clothing10] [--counts 10 30] [--trained]

DIR holds clothing10/, sign_digits/, grocery61/ and cifar10_folders/, as far as they are there. The first of five folds
is asked (by signer for the signs); of the rest 10, 30, 100 and 300 photos a class are drawn three times, as far as
there are so many. `--trained` also trains lens-s whole, 30 epochs, from its backbone and from chance, on the first
draw. Rows are merged into results/train_few.json, a set at a time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from train_accuracy import groups_file

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.train import TrainConfig, fit
from edgelens.train.config import BACKBONE
from edgelens.train.data.folder import cache_folder
from edgelens.train.data.groups import groups_from_file
from edgelens.train.data.splits import folds
from edgelens.train.head.features import features_of, trunk_key
from edgelens.train.head.regression import regress
from edgelens.train.start.pretrained import STARTS
from edgelens.train.tasks.catalog import make_network

RESULTS = Path(__file__).resolve().parent / "results" / "train_few.json"
COUNTS, DRAWS, EPOCHS = (10, 30, 100, 300), 3, 30
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Set:
    """Where photos are, and at how many pixels a side each network looks at them."""

    path: str
    sides: dict[str, int]
    grouped: bool = False


SETS = {
    "clothing10": Set("clothing10/train", {"lite0": 160, "lens-s": 64}),
    "sign_digits": Set("sign_digits", {"lite0": 96, "lens-s": 64}, grouped=True),
    "grocery61": Set("grocery61", {"lite0": 160, "lens-s": 64}),
    "cifar10": Set("cifar10_folders", {"lite0": 96, "lens-s": 32}),
}


class Pictures:
    """Some images of a set as the pictures that a network sees."""

    def __init__(self, images: ImageSet, side: int) -> None:
        self.images, self.pixels = images, PixelContract(side, side)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Any) -> NDArray[np.uint8]:
        """Some of them."""
        chosen = np.arange(len(self))[rows]
        return np.stack([fit_frame(self.images.image(int(i)), self.pixels)[0] for i in chosen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS))
    parser.add_argument("--trained", action="store_true")
    options = parser.parse_args()
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found |= {"draws": DRAWS, "epochs": EPOCHS}
    rows = found.setdefault("rows", {})
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.sets:
            if (options.data / SETS[name].path).exists():
                measured(name, options.data, options.counts, rows, Path(scratch), trained=options.trained)
                RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def measured(name: str, data: Path, counts: list[int], rows: dict[str, Any], scratch: Path, *, trained: bool) -> None:
    """Every row of a set."""
    here = SETS[name]
    images = load_images(data / here.path)
    images = images.select(images.splits != "test")
    groups = list(images.names)
    if here.grouped:
        groups = groups_from_file(images.names, groups_file(data, scratch))
    asked = folds(images.labels, groups, 5, 0) == 0
    images, asked, groups = fewer(images, asked, groups, max(counts))
    looked = {model: looked_at(images, model, side) for model, side in here.sides.items()}
    for count in counts:
        if np.bincount(images.labels[~asked]).min() < count:
            continue
        drawn = [draw(images.labels, ~asked, count, seed) for seed in range(DRAWS)]
        row: dict[str, Any] = rows.setdefault(f"{name}, {count} a class", {})
        for model, features in looked.items():
            found = [head(features, images.labels, part, asked, groups) for part in drawn]
            row[f"head on {model}"] = {"mean": round(np.mean(found), 2), "deviation": round(np.std(found, ddof=1), 2)}
        if trained:
            row |= whole(images, drawn[0], asked, here.sides["lens-s"], scratch / f"{name}-{count}")
        print(name, count, json.dumps(row), flush=True)


def fewer(
    images: ImageSet, asked: NDArray[np.bool_], groups: list[str], most: int
) -> tuple[ImageSet, NDArray[np.bool_], list[str]]:
    """No more photos than are needed: so many and a half a class to draw from, all that are asked."""
    kept = asked.copy()
    order = np.random.default_rng(0).permutation(len(images))
    for label in np.unique(images.labels):
        own = order[(images.labels[order] == label) & ~asked[order]]
        kept[own[: most + most // 2]] = True
    return images.select(kept), asked[kept], [group for group, here in zip(groups, kept, strict=True) if here]


def looked_at(images: ImageSet, model: str, side: int) -> Rows:
    """What a frozen network makes of photos, from the cache where that is known."""
    network = make_network(TrainConfig("", "", model=model), images.classes, PixelContract(side, side))
    own, weights = network.state_dict(), STARTS[model].weights(network)
    network.load_state_dict({n: w for n, w in weights.items() if n in own and own[n].shape == w.shape}, strict=False)
    return features_of(network.eval(), Pictures(images, side), cache_folder(None), key=trunk_key(network))


def draw(labels: NDArray[Any], free: NDArray[np.bool_], count: int, seed: int) -> NDArray[np.intp]:
    """So many photos of each class, by chance."""
    chance = np.random.default_rng(seed)
    return np.sort(
        np.concatenate(
            [chance.choice(np.flatnonzero(free & (labels == c)), count, replace=False) for c in np.unique(labels)]
        )
    )


def head(
    features: Rows, labels: NDArray[Any], part: NDArray[np.intp], asked: NDArray[np.bool_], groups: list[str]
) -> float:
    """How many of the asked photos a head that was fitted on a draw gets right, in per cent."""
    known = labels.astype(np.int64)
    fold_of = folds(labels[part], [groups[i] for i in part.tolist()], 5, 0)
    found = regress(features[part], known[part], int(known.max()) + 1, fold_of=fold_of)
    answers = (features[asked] @ found.weight.T + found.bias).argmax(1)
    return 100 * float((answers == known[asked]).mean())


def whole(
    images: ImageSet, part: NDArray[np.intp], asked: NDArray[np.bool_], side: int, out: Path
) -> dict[str, dict[str, float]]:
    """What lens-s reaches that learns all of its weights, from its backbone and from chance."""
    for split, rows in (("train", part), ("val", np.flatnonzero(asked))):
        for i in rows.tolist():
            place = out / "data" / split / images.classes[images.labels[i]] / f"{i}{Path(images.names[i]).suffix}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to((Path(images.root) / images.names[i]).absolute())
    found = {}
    plain = {"model": "lens-s", "size": (side, side), "color": "rgb", "epochs": EPOCHS, "batch": 32, "ema": 0.99}
    for how, start in (("backbone", {"start": BACKBONE}), ("chance", {"scratch": True})):
        run = fit(TrainConfig(str(out / "data"), str(out / how), **plain, **start), quiet=True, overwrite=True)
        found[f"lens-s from {how}"] = {"mean": round(100 * float((run.facts.metrics or {})["val_accuracy"]), 2)}
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
