"""Does `bench compare` keep its word on separate runs? Pairs of equal runs that it calls different, and of truly slower
ones that it finds.

    python benchmarks/devices/separate_runs.py MODEL… [--equal 100] [--slower 50]

Every run is a whole `bench` of one model on one thread, and both runs of a pair are wholly apart. A MODEL is a file of
one network in one precision, .onnx or .tflite: a bundle would give several rows. The slower networks
have 21 equal layers where the others have 20. Writes results/devices_separate_runs.json, after every pair anew. What
else the machine did stands beside each pair: a busy one is the harder test.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from bench_honesty import chain

from edgelens.devices.bench.cases import Selection
from edgelens.devices.bench.compare import compare_reports, unfit
from edgelens.devices.bench.session import BenchPlan, bench
from edgelens.devices.here import this_machine

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_separate_runs.json"
BAR = {"equal_flagged": 9, "of_equal": 100, "slower_found": 45, "of_slower": 50}
SHAPES = ((16, 28), (32, 12), (8, 40), (24, 16))  # channels and side of the chains' layers
PLAN = BenchPlan(Selection(threads=(1,)), end_to_end=False, pairs=0)


def pair(old: str, new: str) -> dict[str, Any]:
    """Two runs, one after the other, and what their comparison says."""
    start = time.perf_counter()
    before, after = bench([old], PLAN), bench([new], PLAN)
    for row in after["cases"]:
        row["model"] = before["cases"][0]["model"]  # so that they are taken for one model's
    (change,) = compare_reports(before, after)
    return {
        "models": [Path(old).name, Path(new).name],
        **{key: round(value, 5) if isinstance(value, float) else value for key, value in asdict(change).items()},
        "different": change.different,
        "refused": unfit(before, after),
        "others_cores": [round(report["others_cores"], 2) for report in (before, after)],
        "seconds": round(time.perf_counter() - start, 1),
    }


def summary(equal: Sequence[dict[str, Any]], slower: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts, over all pairs and over those that compare would not refuse."""

    def of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        widths = [row["high"] / row["low"] - 1 for row in rows]
        return {
            "pairs": len(rows),
            "different": sum(row["different"] for row in rows),
            "found_slower": sum(row["different"] and row["ratio"] > 1 for row in rows),
            "refused": sum(bool(row["refused"]) for row in rows),
            "different_of_those_not_refused": sum(row["different"] and not row["refused"] for row in rows),
            "median_interval_width": round(float(np.median(widths)), 4) if widths else None,
        }

    return {"equal": of(equal), "slower": of(slower)}


def main() -> None:
    """Equal and slower pairs in turn, so that both see the same machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--equal", type=int, default=100)
    parser.add_argument("--slower", type=int, default=50)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    machine = this_machine()
    equal: list[dict[str, Any]] = []
    slower: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        while len(equal) < options.equal or len(slower) < options.slower:
            if len(equal) * options.slower <= len(slower) * options.equal and len(equal) < options.equal:
                model = options.models[len(equal) % len(options.models)]
                equal.append(pair(model, model))
                print("equal", json.dumps(equal[-1]), flush=True)
            else:
                channels, side = SHAPES[len(slower) % len(SHAPES)]
                paths = [chain(Path(name), layers, channels, side).model for layers in (20, 21)]
                slower.append(pair(*paths))
                print("slower", json.dumps(slower[-1]), flush=True)
            names = " ".join(Path(model).name for model in options.models)
            result = {
                "command": f"python benchmarks/devices/separate_runs.py {names}",
                "machine": {"cpu": machine.cpu, "cores": machine.cores},
                "bar": BAR,
                **summary(equal, slower),
                "rows": {"equal": equal, "slower": slower},
            }
            options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(summary(equal, slower), indent=1))


if __name__ == "__main__":
    main()
