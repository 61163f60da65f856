"""Whether a run's own figures hold: the accuracy that it promises, and the share of right answers that it keeps.

    python benchmarks/train_promise.py --data DIR [--size 224]

DIR holds clothing10/. Of its training photos each of five folds is set aside in turn; a head on lite0 is trained on the
rest as `edgelens train --minutes 0` does it, and promises an accuracy with an interval. Then the fold is asked: how
many of it are right, and how many right answers the default limits call unknown. Results go to
results/train_promise.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.decode.classify import softmax
from edgelens.runtime.decode.known import known_from
from edgelens.runtime.metrics.interval import wilson
from edgelens.train import Run, TrainConfig, fit
from edgelens.train.data.config import DataConfig
from edgelens.train.data.folder import cache_folder
from edgelens.train.data.prepare import prepare
from edgelens.train.data.splits import folds
from edgelens.train.data.train_data import TrainData
from edgelens.train.head.features import features_of, trunk_key
from edgelens.train.runs.run import KNOWN

RESULTS = Path(__file__).resolve().parent / "results" / "train_promise.json"
FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--size", type=int, default=224)
    options = parser.parse_args()
    photos = options.data / "clothing10" / "train"
    images = load_images(photos)
    files = [photos / name for name in images.names]
    fold_of = folds(images.labels, images.names, FOLDS, 0)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for fold in range(FOLDS):
            data = Path(scratch) / f"fold-{fold}"
            shared_out(files, fold_of == fold, data)
            rows.append(asked(data, Path(scratch) / f"run-{fold}", options.size))
            print(json.dumps(rows[-1]), flush=True)
    kept = [row["right_called_unknown"] for row in rows]
    result = {
        "size": options.size,
        "folds": rows,
        "within": sum(row["within"] for row in rows),
        "right_called_unknown": round(float(np.mean(kept)), 2),
    }
    print(json.dumps(result, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def shared_out(files: list[Path], held: np.ndarray[Any, Any], out: Path) -> None:
    """A data set of links: what is held back is its test split."""
    for file, test in zip(files, held, strict=True):
        place = out / ("test" if test else "train") / file.parent.name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(file.absolute())


def asked(data: Path, out: Path, size: int) -> dict[str, Any]:
    """A training's promise beside what its test split says, in per cent."""
    run = fit(TrainConfig(str(data), str(out), model="lite0", minutes=0.0, size=(size, size)), quiet=True)
    metrics = run.facts.metrics or {}
    promised, count = float(metrics["val_accuracy"]), run.judged_count
    low, high = wilson(promised, count)
    right, unknown = answered(run, prepare(DataConfig(str(data)), run.pixels))
    reached = float(right.mean())
    return {
        "promised": round(100 * promised, 2),
        "interval": [round(100 * low, 2), round(100 * high, 2)],
        "judged_on": count,
        "reached": round(100 * reached, 2),
        "asked": len(right),
        "within": low <= reached <= high,
        "right_called_unknown": round(100 * float(unknown[right].mean()), 2),
        "wrong_called_unknown": round(100 * float(unknown[~right].mean()), 2),
    }


def answered(run: Run, data: TrainData) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Which pictures of the test split are right, and which a device calls unknown."""
    assert data.test is not None
    network = run.model()
    rows = features_of(network, data.test.pictures, cache_folder(None), key=trunk_key(network))
    with torch.inference_mode():
        logits = network.get_submodule("classifier")(torch.from_numpy(rows)).numpy()
        alike = network.likeness(torch.from_numpy(rows)).numpy()  # type: ignore[operator]
    scores = softmax(logits, float(run.decode.options.get("temperature", 1.0))).astype(np.float32)
    known = known_from((run.path / KNOWN).read_bytes(), KNOWN)
    unknown = [known.familiarity(row, float(best)) < 1 for row, best in zip(alike, scores.max(1), strict=True)]
    return scores.argmax(1) == data.test.labels, np.array(unknown)


if __name__ == "__main__":
    main()
