"""Other people's classifiers on the data they were published for: accuracy, and time an image of the whole verb.

    python benchmarks/runtime_evaluate.py SHARED/data UNPACKED [--out benchmarks/results/runtime_evaluate.json]

UNPACKED holds `cifar10` (binary batches) and `mnist` (IDX). The bars: MLPerf Tiny's 8-bit ResNet-8 86.75 % ± 0.05 on
the 8,000 test images, and mnist.onnx 98.7 % on the first 1,000 test digits.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgelens.runtime.host.files import write_text


@dataclass(frozen=True)
class Case:
    """A model, its data, and what it must reach."""

    model: str
    data: str
    options: tuple[str, ...]
    bar: float
    tolerance: float


CASES = (
    Case("mlperf_tiny/pretrainedResnet_quant.tflite", "cifar10", ("--split", "test"), 0.8675, 0.0005),
    Case("mnist_onnx/mnist.onnx", "mnist", ("--split", "test", "--limit", "1000"), 0.987, 0.0),
)


def main() -> None:
    """Evaluate both; print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("unpacked", type=Path)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    rows = [measured(case, arguments.data, arguments.unpacked) for case in CASES]
    print("model                                      images  right  accuracy  bar     ms an image")
    for row in rows:
        print(
            f"{row['model']:41}  {row['images']:6}  {row['right']:5}  {row['accuracy']:8.4f}  {row['bar']:.4f}  "
            f"{row['total_ms']['p50']:11.3f}"
        )
    if arguments.out:
        write_text(arguments.out, json.dumps({"models": rows}, indent=1) + "\n", named=True)
    sys.exit(not all(row["met"] for row in rows))


def measured(case: Case, data: Path, unpacked: Path) -> dict[str, Any]:
    """What `edgelens evaluate` says."""
    command = [sys.executable, "-m", "edgelens", "evaluate", str(data / "models" / case.model)]
    command += [str(unpacked / case.data), *case.options, "--threads", "1", "--json", "-"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {
        "model": case.model,
        "data": case.data,
        "engine": found["engine"],
        "images": found["images"],
        "right": found["right"],
        "accuracy": found["accuracy"],
        "bar": case.bar,
        "met": abs(found["accuracy"] - case.bar) <= case.tolerance + 1e-9,
        "total_ms": found["stages_ms"]["total"],
    }


if __name__ == "__main__":
    main()
