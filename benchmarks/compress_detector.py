"""A trained detector pruned to half of its multiply-adds, learning from what it was: mAP lost, time won, in 8 bits too.

    python benchmarks/compress_detector.py RUN --data DIR [--split val] [--share .5] [--epochs E] [--name boards]

RUN is one that train_detect.py left (boards-then), DIR the boxes that it learned from, of which `--split` is asked: for
boards the split that chose the epoch, too. Both bundles are made by `compress`, and their files take turns on one
thread. The bars: at most 1.5 points of mAP50 lost, and 1.5 times as fast. The row is merged into results/.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from train_detect import FILES, bundled, pooled
from train_detect_speed import timed

from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.compress.prune.iterative import PruneConfig
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.datasets.boxset import BoxSet
from edgelens.runtime.datasets.catalog import load_boxes
from edgelens.runtime.model.evaluate import evaluate
from edgelens.runtime.model.network import choose_file
from edgelens.runtime.tasks.detector_report import DetectorReport
from edgelens.train import Run
from edgelens.train.optimize import allocator as memory

RESULTS = Path(__file__).resolve().parent / "results" / "compress_detector.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--epochs", type=float, help="of recovery; as `compress` has them unless given")
    parser.add_argument("--name")
    options = parser.parse_args()
    memory.keep_large_blocks()
    run, every = Run.open(options.run), load_boxes(options.data)
    asked = every.select([i for i, split in enumerate(every.splits) if split == options.split])
    prune = PruneConfig(options.share)
    if options.epochs:
        prune = replace(prune, tuning=replace(prune.tuning, epochs=options.epochs, least_steps=0))
    out = run.path.with_name(f"{run.path.name}-{options.share:g}.edge")
    out.unlink(missing_ok=True)
    compress_run(run.path, out, CompressConfig(prune=prune))
    bundles = {"whole": bundled(run), "pruned": Bundle.open(out)}
    row: dict[str, Any] = {name: figures(bundle, asked) for name, bundle in bundles.items()}
    row["share"], row["epochs"], row["steps"] = options.share, prune.tuning.epochs, prune.tuning.least_steps
    for precision in ("float32", "int8"):
        times = timed({name: onnx_file(bundle, precision) for name, bundle in bundles.items()})
        row[f"onnxruntime {precision} speed-up"] = round(times["whole"] / times["pruned"], 2)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[options.name or run.path.name] = row
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(row, indent=1))


def figures(bundle: Bundle, asked: BoxSet) -> dict[str, Any]:
    """mAP of every file over the asked pictures."""
    found = {}
    for engine, precision in FILES:
        file = choose_file(bundle.manifest.main, engine, precision)
        report = evaluate(bundle, asked, file=file).report
        assert isinstance(report, DetectorReport)
        scores = pooled([report])
        found[f"{engine} {precision}"] = {key: scores[key] for key in ("map50", "map50_95")} | {"bytes": file.bytes}
    return found


def onnx_file(bundle: Bundle, precision: str) -> bytes:
    """The bytes of one of its files."""
    return bundle.read(choose_file(bundle.manifest.main, "onnxruntime", precision).path)


if __name__ == "__main__":
    main()
