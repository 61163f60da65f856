"""A head on frozen lite0 features against scikit-learn's regression on the same ones: how good the first answer is.

    python benchmarks/train_head.py --data DIR [--sizes 160 224]

DIR holds clothing10/ with its train and val folders. Five folds within the training photos, three seeds; all of them
asked about the val photos; then five draws of 10 and of 30 photos a class. Results go to results/train_head.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.config import BACKBONE
from edgelens.train.data.config import DataConfig
from edgelens.train.data.folder import cache_folder
from edgelens.train.data.prepare import prepare
from edgelens.train.data.splits import folds
from edgelens.train.data.train_data import TrainData
from edgelens.train.head.features import features_of, trunk_key
from edgelens.train.head.regression import regress
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.start.imagenet import ORIGIN
from edgelens.train.start.transfer import start_from

RESULTS = Path(__file__).resolve().parent / "results" / "train_head.json"
THEIRS_C = 0.01
DRAWS, PER_CLASS = 5, (10, 30)
Rows = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 224])
    options = parser.parse_args()
    found: dict[str, Any] = {"start": ORIGIN, "sizes": {}}
    for size in options.sizes:
        found["sizes"][size] = measured(options.data / "clothing10", size)
        print(size, json.dumps(found["sizes"][size]), flush=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def measured(data: Path, size: int) -> dict[str, Any]:
    """Every figure at one picture size, in per cent."""
    pictures = prepare(DataConfig(str(data)), PixelContract(size, size, "rgb", "crop"))
    start = time.process_time()
    train, val = (looked_at(pictures, split, size) for split in ("train", "val"))
    seconds = time.process_time() - start
    names, labels, asked = pictures.train.images.names, pictures.train.labels, pictures.val.labels
    classes = len(pictures.classes)
    crossed = []
    for seed in range(3):
        found = regress(train, labels, classes, fold_of=folds(labels, names, 5, seed))
        crossed.append(right(found.out_of_fold, labels))
    whole = right(val @ found.weight.T + found.bias, asked)
    row: dict[str, Any] = {"features_cpu_s": round(seconds, 1), "five_folds": spread(crossed), "val": round(whole, 2)}
    row["val_scikit_learn"] = round(theirs(train, labels, val, asked), 2)
    for count in PER_CLASS:
        ours, other = [], []
        for seed in range(DRAWS):
            rows = drawn(labels, count, seed)
            few, few_labels = train[rows], labels[rows]
            head = regress(few, few_labels, classes, fold_of=folds(few_labels, [names[i] for i in rows], 5, seed))
            ours.append(right(val @ head.weight.T + head.bias, asked))
            other.append(theirs(few, few_labels, val, asked))
        row[f"{count}_a_class"] = {"ours": spread(ours), "scikit_learn": spread(other)}
    return row


def looked_at(data: TrainData, split: str, size: int) -> Rows:
    """A split's features, from the cache where they are known."""
    network = build("lite0", ModelOptions(), channels=3, classes=1000, size=(size, size)).eval()
    start_from(network, BACKBONE, model="lite0")
    part = data.train if split == "train" else data.val
    return features_of(network, part.pictures, cache_folder(None), key=trunk_key(network))


def theirs(train: Rows, labels: NDArray[np.int64], val: Rows, asked: NDArray[np.int64]) -> float:
    mean, spread_ = train.mean(0), train.std(0) + 1e-6
    fitted = LogisticRegression(C=THEIRS_C, max_iter=300).fit((train - mean) / spread_, labels)
    return 100 * float(fitted.score((val - mean) / spread_, asked))


def drawn(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.intp]:
    draw = np.random.default_rng(seed)
    return np.sort(np.concatenate([draw.choice(np.flatnonzero(labels == c), count, False) for c in np.unique(labels)]))


def right(logits: Rows, labels: NDArray[np.int64]) -> float:
    return 100 * float((logits.argmax(1) == labels).mean())


def spread(values: list[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(values)), 2), "deviation": round(float(np.std(values, ddof=1)), 2)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
