"""The most accurate 8-bit files of a size: against MLPerf Tiny's int8 ResNet-8, on the same images and in one engine.

    python benchmarks/compress_small.py runs/lens-s runs/resnet8 --mlperf SHARED/data/models/mlperf_tiny

The test images are asked once. The files land in benchmarks/weights/, named after their runs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from edgelens.compress.bundle.assemble import processor
from edgelens.compress.candidate import candidate_of
from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import INT8_PIXELS, Artifact, file_outputs
from edgelens.compress.files.model_files import with_metadata
from edgelens.compress.ingredients import Ingredients, ingredients_of
from edgelens.compress.progress import Progress
from edgelens.compress.timing.timing import time_artifacts
from edgelens.runtime.formats.catalog import describe
from edgelens.train.runs.run import Run

HERE = Path(__file__).resolve().parent
SMALL = 98_496  # bytes of MLPerf's file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--mlperf", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=HERE / "weights")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "compress_small.json")
    options = parser.parse_args()
    data = (options.mlperf / "pretrainedResnet_quant.tflite").read_bytes()
    names = tuple(output.name for output in describe(data, "mlperf.tflite").outputs)
    theirs = Artifact("tflite", "mlperf", data, INT8_PIXELS, names)
    kept: dict[str, Any] = json.loads(options.json.read_text()) if options.json.exists() else {}
    kept["processor"] = processor()
    options.weights.mkdir(exist_ok=True)
    for path in options.runs:
        run = Run.open(path)
        made_of = ingredients_of(run, CompressConfig())
        kept.setdefault("MLPerf Tiny ResNet-8, int8", judged_theirs(theirs, made_of))
        kept[path.name] = judged(path.name, made_of, theirs, options.weights)
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
        print(json.dumps({path.name: kept[path.name]}, indent=1))


def judged(name: str, made_of: Ingredients, theirs: Artifact, weights: Path) -> dict[str, Any]:
    """A run's 8-bit files: accuracy, size, and how many times as fast as MLPerf's in TFLite on one thread."""
    config = CompressConfig(precisions=("int8",))
    candidate = candidate_of(made_of.network, made_of, config, Progress())
    files = with_metadata(candidate.artifacts, name, made_of.task, made_of.run.classes, made_of.pixels)
    timings = time_artifacts([*files, theirs], made_of.golden.pictures[0], rounds=60)
    found: dict[str, Any] = {"on": made_of.evaluated_on, "float": 100 * candidate.parity.torch_accuracy}
    for file in files:
        place = weights / f"{name}.int8{Path(file.path).suffix}"
        place.write_bytes(file.data)
        found[file.title] = {
            "file": place.name,
            "bytes": len(file.data),
            "not larger than MLPerf's": len(file.data) <= SMALL,
            "accuracy": 100 * candidate.parity.of(file.path).accuracy,
            "p50_ms": timings[file.path].p50_ms,
            "times as fast as MLPerf's": timings[theirs.path].ratio(timings[file.path]),
        }
    return found


def judged_theirs(theirs: Artifact, made_of: Ingredients) -> dict[str, Any]:
    held = made_of.evaluation
    right = file_outputs(theirs, held.pixels)[theirs.outputs[0]].argmax(1) == held.labels
    return {"bytes": len(theirs.data), "accuracy": 100 * float(right.mean())}


if __name__ == "__main__":
    main()
