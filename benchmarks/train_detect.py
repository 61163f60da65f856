"""Detectors trained by the kit: mAP in float and in 8 bits on pictures that had no say in the training.

    python benchmarks/train_detect.py DIR --runs DIR [--sets bccd raccoons boards] [--folds 0] [--seed N] [--threads N]

DIR holds bccd_voc/, raccoon_voc/ and boards_coco/, as far as they are there. BCCD is asked on its own test list once,
its train and val lists being what is learnt from. Boards are asked on their val list, which chose the epoch too;
raccoons by five folds over all pictures, pooled (those of `--folds`, if there is no time for all). A run that is there
is not trained again. Each row is merged into results/train_detect.json as soon as it is there, each class beside the
mean: about half of BCCD's red cells have no box, which caps theirs.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.datasets.boxset import BoxSet
from edgelens.runtime.datasets.catalog import load_boxes
from edgelens.runtime.host.files import write_text
from edgelens.runtime.metrics.detection import Boxes, average_precision
from edgelens.runtime.model.evaluate import evaluate
from edgelens.runtime.model.network import choose_file
from edgelens.runtime.tasks.detector_report import DetectorReport
from edgelens.train import Run, TrainConfig, fit, resume
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize import allocator as memory
from edgelens.train.runs.run import LAST

RESULTS = Path(__file__).resolve().parent / "results" / "train_detect.json"
FILES = (("onnxruntime", "float32"), ("onnxruntime", "int8"), ("tflite", "int8"))
SETS: dict[str, dict[str, Any]] = {
    "bccd": {
        "path": "bccd_voc/BCCD", "ask": "test", "bars": (0.90, 0.60),
        "config": {"model": "lens-det-s", "augment": "from-above", "folds": 8, "size": (256, 320), "epochs": 58},
        "then": {"size": (384, 512), "epochs": 45, "rate": 0.0015, "ema": 0.998},  # chosen by the val list's pictures
    },
    "boards": {
        "path": "boards_coco/boards", "ask": "val", "bars": (0.90, None),
        "config": {"model": "lens-det-s", "augment": "from-above", "size": (512, 512), "epochs": 60, "batch": 8},
        "options": {"finest": 4},
        "then": {"epochs": 180, "rate": 0.0015},  # 200 pictures: the first 1,500 steps are too few from random weights
    },
    "raccoons": {
        "path": "raccoon_voc/raccoon", "ask": "folds", "bars": (0.88, 0.58),
        "config": {},  # what is there by itself: lite0, eight pictures a step
    },
}  # fmt: skip
FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=Path, default=Path("runs/train_detect"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--folds", type=int, nargs="+", choices=range(FOLDS), default=list(range(FOLDS)))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    memory.keep_large_blocks()
    rows = json.loads(RESULTS.read_text()).get("rows", {}) if RESULTS.exists() else {}
    for name in options.sets:
        entry = SETS[name]
        folds = options.folds if entry["ask"] == "folds" else [None]
        row = f"{name}, seed {options.seed}" if options.seed else name
        rows[row] = measured(row, options, entry, folds)
        print(row, json.dumps(rows[row], indent=1))
        written = {"command": "python benchmarks/train_detect.py DIR", "machine": platform.processor(), "rows": rows}
        write_text(RESULTS, json.dumps(written, indent=1, ensure_ascii=False) + "\n")


def measured(
    row: str, asked_for: argparse.Namespace, entry: dict[str, Any], folds: Sequence[int | None]
) -> dict[str, Any]:
    """One set's figures a model file, over one run or over some folds."""
    data, out = asked_for.data / entry["path"], asked_for.runs / row.replace(", ", "-").replace(" ", "-")
    usual = {"task": "detect", "ema": 0.999, "threads": asked_for.threads, "seed": asked_for.seed}
    options = ModelOptions(**entry.get("options", {}))
    config = TrainConfig(str(data), str(out), options=options, **usual, **entry["config"])
    every = load_boxes(data)
    reports: dict[tuple[str, str], list[DetectorReport]] = {file: [] for file in FILES}
    facts: dict[str, Any] = {}
    for fold in folds:
        run, asked = trained(config, every, entry["ask"], fold, entry.get("then"))
        facts = {"model": run.config.model, "size": [run.pixels.height, run.pixels.width], **run.facts.network}
        facts |= {"epochs": (run.facts.metrics or {}).get("epochs"), "settings": entry["config"]}
        facts |= {"options": entry["options"]} if "options" in entry else {}
        facts |= {"then": entry["then"]} if "then" in entry else {}
        bundle = bundled(run)
        for engine, precision in FILES:
            file = choose_file(bundle.manifest.main, engine, precision)
            report = evaluate(bundle, asked, file=file).report
            assert isinstance(report, DetectorReport)
            reports[engine, precision].append(report)
    bars = dict(zip(("map50", "map50_95"), entry["bars"], strict=True))
    figures = {f"{engine} {precision}": pooled(found) for (engine, precision), found in reports.items()}
    facts |= {} if None in folds else {"folds": folds}
    return {"asked": entry["ask"], "bars": bars, **facts, "files": figures}


def trained(
    config: TrainConfig, every: BoxSet, ask: str, fold: int | None, then: dict[str, Any] | None
) -> tuple[Run, BoxSet]:
    """A run, where it says so of two trainings, and the pictures that it is asked about."""
    if fold is not None:
        config = replace(config, out=f"{config.out}-{fold}", folds=FOLDS, fold=fold)
    run = made(config)
    if then is not None:
        run = made(replace(config, out=f"{config.out}-then", start=str(run.path), **then))
    split = "val" if fold is not None else ask
    where = {str(n) for n in run.split(split).names} if fold is not None else None
    rows = [i for i, name in enumerate(every.names) if (name in where if where is not None else every.splits[i] == ask)]
    return run, every.select(rows)


def made(config: TrainConfig) -> Run:
    """The run, trained where it is not there and gone on with where it was stopped."""
    return resume(config.out) if (Path(config.out) / LAST).exists() else fit(config)


def bundled(run: Run) -> Bundle:
    """The run's bundle, made where it is not there."""
    out = run.path.with_suffix(".edge")
    if not out.exists():
        compress_run(run.path, out, CompressConfig())
    return Bundle.open(out)


def pooled(reports: list[DetectorReport]) -> dict[str, Any]:
    """Average precision over the pictures of all reports together, with each class's."""
    highest = [int(max(r.truth.images.max(initial=0), r.found.images.max(initial=0))) for r in reports]
    offsets = np.cumsum([0, *(last + 1 for last in highest)])
    truth, found = (joined(parts, offsets) for parts in ([r.truth for r in reports], [r.found for r in reports]))
    classes = reports[0].classes
    scores = average_precision(truth, found, len(classes))
    return {
        "images": sum(report.images for report in reports),
        "map50": round(scores.mean(iou=0.5), 4),
        "map50_95": round(scores.mean(), 4),
        "by_size": {area: round(scores.mean(area), 4) for area in ("small", "medium", "large")},
        "classes": {
            name: {"map50": round(scores.of_class(c, 0.5), 4), "map50_95": round(scores.of_class(c), 4)}
            for c, name in enumerate(classes)
        },
    }


def joined(parts: list[Boxes], offsets: np.ndarray[Any, Any]) -> Boxes:
    """Boxes of several sets of pictures, numbered on."""

    def column(pick: Callable[[Boxes], Any]) -> Any:
        values = [pick(part) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    images = np.concatenate([part.images + offset for part, offset in zip(parts, offsets, strict=False)])
    return Boxes(
        images,
        column(lambda b: b.labels),
        column(lambda b: b.boxes),
        scores=column(lambda b: b.scores),
        crowd=column(lambda b: b.crowd),
        areas=column(lambda b: b.areas),
    )


if __name__ == "__main__":
    main()
