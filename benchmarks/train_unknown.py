"""How many pictures of other things are taken for what a network knows, at 95 % of its right answers kept.

    python benchmarks/train_unknown.py --data DIR [--side 160] [--out results/train_unknown.json]

DIR holds clothing10/, cifar10_folders/, orl_faces_s01_s30/ and magnetic_tile/, as far as they are there. Of ten kinds
of clothes two are left out, five times; a head on lite0's frozen features learns the other eight, and the limits of
three signs are set by its out-of-fold answers alone: the best class's score, the distance to the nearest learned
pictures, and both together as a device has them. Shown are then the clothes that were left out, and the other sets.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgelens.runtime.decode.classify import softmax
from edgelens.runtime.decode.known import Known, known_from, known_to_bytes
from edgelens.runtime.images.read import SUFFIXES, read_image
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.train.config import BACKBONE, TrainConfig
from edgelens.train.data.folder import cache_folder
from edgelens.train.head.features import features_of, trunk_key
from edgelens.train.head.regression import regress
from edgelens.train.known.fit import fit_known
from edgelens.train.start.transfer import start_from
from edgelens.train.tasks.catalog import make_network

KEEP, FOLDS, CHOICES = 0.95, 5, 5
FOREIGN = {"cifar10": "cifar10_folders", "faces": "orl_faces_s01_s30", "tiles": "magnetic_tile"}


@dataclass(frozen=True)
class Rows:
    """Frozen features of pictures, (N, …) each."""

    head: NDArray[np.float32]
    alike: NDArray[np.float32]

    def of(self, which: NDArray[np.bool_]) -> Rows:
        """Some of them."""
        return Rows(self.head[which], self.alike[which])


class Pictures:
    """Files as the pictures that a network sees."""

    def __init__(self, files: list[Path], pixels: PixelContract) -> None:
        self.files, self.pixels = files, pixels

    def __len__(self) -> int:
        return len(self.files)

    def take(self, rows: slice | NDArray[np.intp]) -> NDArray[np.uint8]:
        """Some of them."""
        chosen = self.files[rows] if isinstance(rows, slice) else [self.files[i] for i in rows.tolist()]
        return np.stack([fit_frame(read_image(file), self.pixels)[0] for file in chosen])


def files_in(folder: Path, most: int) -> list[Path]:
    """Pictures below a folder, at most so many by chance; masks are none."""
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and "mask" not in p.parent.name)
    return [found[i] for i in np.sort(np.random.default_rng(0).permutation(len(found))[:most])]


def features(files: list[Path], side: int) -> Rows:
    """What lite0 makes of pictures: rows for a head, and those that say how alike two are."""
    pixels = PixelContract(side, side)
    network = make_network(TrainConfig("", "", model="lite0"), tuple("ab"), pixels)
    start_from(network, BACKBONE, model="lite0")
    rows = features_of(network.eval(), Pictures(files, pixels), cache_folder(None), key=trunk_key(network))
    return Rows(rows, network.likeness(torch.from_numpy(rows)).numpy())  # type: ignore[operator]


def by_score(_: NDArray[np.float32], score: float, __: Known) -> float:
    """How unusual the score alone is."""
    return -score


def by_distance(row: NDArray[np.float32], _: float, known: Known) -> float:
    """How unusual the distance alone is."""
    return known.distance(row)


def by_both(row: NDArray[np.float32], score: float, known: Known) -> float:
    """How unusual both are, as a bundle's decoder has it."""
    return known.unusual(row, score)


SIGNS = {"score": by_score, "distance": by_distance, "both": by_both}


def each(
    judge: Callable[[NDArray[np.float32], float, Known], float],
    rows: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    known: Known,
) -> NDArray[np.float64]:
    """A sign of every picture."""
    return np.array([judge(row, float(s), known) for row, s in zip(rows, probabilities.max(1), strict=True)])


def one_choice(
    rows: Rows,
    labels: NDArray[np.str_],
    left: list[str],
    foreign: dict[str, Rows],
    seed: int,
) -> dict[str, dict[str, float]]:
    """Shares taken for known, by sign and set, when two kinds are left out."""
    inside = ~np.isin(labels, left)
    classes, ids = np.unique(labels[inside], return_inverse=True)
    mine, fold = rows.of(inside), np.random.default_rng(seed).permutation(int(inside.sum())) % FOLDS
    head, own = regress(mine.head, ids.astype(np.int64), len(classes), fold_of=fold), mine.alike
    scores = softmax(head.out_of_fold).astype(np.float32)
    right = scores.argmax(1) == ids
    strange = {"other clothes": rows.of(~inside), **foreign}
    shown = {name: those.alike for name, those in strange.items()}
    answers = {n: softmax(those.head @ head.weight.T + head.bias).astype(np.float32) for n, those in strange.items()}
    known = fit_known(own, ids, own[right], scores.max(1)[right], KEEP, learned_groups=fold, honest_groups=fold[right])
    assert known is not None
    known = known_from(known_to_bytes(known), "known", own.shape[1])
    found: dict[str, dict[str, float]] = {}
    for sign, judge in SIGNS.items():
        if sign == "both":
            limit = known.limit
        else:  # each picture against a bank that its fold is not in
            usual = np.zeros(len(own))
            for part in range(FOLDS):
                held = fold == part
                bank = fit_known(own[~held], ids[~held], own[right], scores.max(1)[right], KEEP)
                assert bank is not None
                usual[held] = each(judge, own[held], scores[held], bank)
            limit = np.sort(usual[right])[int(np.ceil(KEEP * (right.sum() + 1))) - 1]
        found[sign] = {n: float((each(judge, shown[n], answers[n], known) <= limit).mean()) for n in shown}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "train_unknown.json")
    options = parser.parse_args()
    files = files_in(options.data / "clothing10" / "train", 10_000)
    labels, rows = np.array([file.parent.name for file in files]), features(files, options.side)
    foreign = {
        name: features(files_in(options.data / folder, 400), options.side)
        for name, folder in FOREIGN.items()
        if (options.data / folder).is_dir()
    }
    kinds = np.unique(labels)[np.random.default_rng(0).permutation(len(np.unique(labels)))]
    pairs = [kinds[2 * i : 2 * i + 2].tolist() for i in range(min(CHOICES, len(kinds) // 2))]
    runs = [one_choice(rows, labels, left, foreign, i) for i, left in enumerate(pairs)]
    table = {s: {n: round(100 * float(np.mean([r[s][n] for r in runs])), 1) for n in runs[0][s]} for s in SIGNS}
    result = {"side": options.side, "kept": KEEP, "choices": len(runs), "taken for known, %": table}
    print(json.dumps(result, indent=1))
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
