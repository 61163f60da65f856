"""Random budgets for one run: every answer is measured again, and none may break its budget beyond the noise.

python benchmarks/compress_search.py runs/digits --budgets 10
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import Artifact
from edgelens.compress.progress import Progress
from edgelens.compress.search.budget import Budget
from edgelens.compress.search.memory import memory_mb
from edgelens.compress.search.search import SearchConfig, search_run
from edgelens.compress.timing.timing import time_artifacts
from edgelens.runtime.errors import WorkError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--budgets", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--study", help="where candidates are kept between searches; the run's own folder unless given")
    parser.add_argument("--json", default=str(Path(__file__).parent / "results" / "compress_search.json"))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    rows = []
    for number in range(options.budgets):
        budget = Budget(
            latency_ms=float(np.exp(rng.uniform(np.log(0.005), np.log(0.2)))),
            size_bytes=int(np.exp(rng.uniform(np.log(12_000), np.log(300_000)))),
            memory_mb=float(rng.uniform(1, 30)),
            max_drop=float(rng.choice([0.5, 1.0, 2.0, 5.0])),
        )
        rows.append(searched(options, budget, number))
        print(json.dumps(rows[-1]))
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


def searched(options: Any, budget: Budget, number: int) -> dict[str, Any]:
    start = time.perf_counter()
    config = SearchConfig(budget, CompressConfig(), study=options.study, minutes=options.minutes)
    row: dict[str, Any] = {"budget": budget.words()}
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = search_run(options.run, Path(folder) / f"{number}.edge", config, progress=Progress())
        except WorkError as error:
            return {**row, "infeasible": str(error), "seconds": time.perf_counter() - start}
        network = found.bundle.manifest.main
        file = next(f for f in network.files if f.path == network.preferred)
        artifact = Artifact(file.engine, file.precision, found.bundle.read(file.path), file.tensor, file.outputs)
        picture = np.zeros((network.pixels.height, network.pixels.width, network.pixels.channels), np.uint8)
        p95 = [time_artifacts([artifact], picture)[artifact.path].p95_ms for _ in range(3)]
        return {
            **row,
            "file": file.path,
            "bytes": file.bytes,
            "p95_ms_again": p95,
            "memory_mb_again": memory_mb(artifact),
            "keeps": bool(
                sorted(p95)[1] <= (budget.latency_ms or np.inf)
                and file.bytes <= (budget.size_bytes or np.inf)
                and memory_mb(artifact) <= (budget.memory_mb or np.inf) * 1.05
            ),
            "seconds": time.perf_counter() - start,
        }


if __name__ == "__main__":
    main()
