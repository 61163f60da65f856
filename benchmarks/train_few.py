"""Which start wins where photos are few: a head on lite0, the kit's small backbone, random weights.

    python benchmarks/train_few.py --data DIR --runs DIR [--counts 10 30] [--sets clothing10] [--threads N]

DIR holds clothing10/, sign_digits/, grocery61/ and cifar10/, as far as they are there. The first of five folds
validates (by signer for the signs); of the rest about so many photos a class train. Each row is merged into
results/train_few.json as soon as it is there, with its seconds: nothing but the start differs within a row.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from train_accuracy import PHOTOS, groups_file

from edgelens.runtime.datasets.catalog import load_images
from edgelens.train import TrainConfig, fit
from edgelens.train.config import BACKBONE
from edgelens.train.optimize import allocator as memory
from edgelens.train.start.imagenet import ORIGIN
from edgelens.train.start.pretrained import provenance

RESULTS = Path(__file__).resolve().parent / "results" / "train_few.json"
COUNTS = (10, 30, 100, 300)
SETS: dict[str, dict[str, Any]] = {
    "clothing10": {"path": "clothing10/train", "augment": "default"},
    "sign_digits": {"path": "sign_digits", "augment": "default+camera", "mirror": True},
    "grocery61": {"path": "grocery61", "augment": "default"},
    "cifar10": {"path": "cifar10", "augment": "default"},
}
EPOCHS = 30
STARTS: dict[str, dict[str, Any]] = {
    "lite0's head": {"model": "lite0", "start": BACKBONE, "minutes": 0.0, "size": None},
    "lens-s backbone": {"model": "lens-s", "start": BACKBONE, "epochs": EPOCHS},
    "lens-s from chance": {"model": "lens-s", "scratch": True, "epochs": EPOCHS},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/train_few"))
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    memory.keep_large_blocks()
    rows: dict[str, Any] = {}
    if RESULTS.exists():
        rows = json.loads(RESULTS.read_text()).get("rows", {})
    for count in options.counts:
        for name in options.sets:
            settings = dict(SETS[name])
            data = options.data / settings.pop("path")
            share = share_of(data, count)
            if share is None:
                continue
            config = replace(
                TrainConfig(str(data), "", threads=options.threads),
                **(PHOTOS | settings | {"folds": 5, "share": share}),
                groups=str(groups_file(options.data, options.runs)) if name == "sign_digits" else None,
            )
            rows[f"{name}, {count} a class"] = row(config, options.runs / f"{name}-{count}")
            print(name, count, json.dumps(rows[f"{name}, {count} a class"]), flush=True)
            found = {"lite0": ORIGIN, "backbone": str(provenance()), "epochs": EPOCHS, "rows": rows}
            RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def share_of(data: Path, count: int) -> float | None:
    """What share of four fifths so many photos a class are; None where there are not that many, or no such set."""
    if not data.exists():
        return None
    images = load_images(data)
    there = int((images.splits != "test").sum()) * 4 / 5
    wanted = count * len(images.classes)
    return wanted / there if wanted <= there else None


def row(config: TrainConfig, runs: Path) -> dict[str, Any]:
    """What every start reaches on the validation images, in per cent, and in how many seconds."""
    out: dict[str, Any] = {}
    for how, start in STARTS.items():
        began = time.perf_counter()
        run = fit(replace(config, out=str(runs / how.replace(" ", "-")), **start), quiet=True, overwrite=True)
        out["images"] = run.facts.data["images"]["train"]
        right = round(100 * float((run.facts.metrics or {})["val_accuracy"]), 2)
        out[how] = {"right": right, "seconds": round(time.perf_counter() - began, 1)}
    return out


if __name__ == "__main__":
    main()
