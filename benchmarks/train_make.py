"""From photos to a verified bundle in one go: how long it takes, and whether it ever refuses.

    python benchmarks/train_make.py --data DIR [--draws 20] [--whole] [--minutes M]

DIR holds clothing10/. Each draw takes 24 photos of each of four kinds and runs `edgelens make --recipe quick` on them
in a process and with caches of its own; the bundle is then asked about the other photos of those kinds. `--whole` makes
one of all training photos: the time to the first complete run, and with `--minutes` that with fine-tuning. Seconds
stand beside the processor's seconds: on a busy machine only the latter say something. Results are merged into
results/train_make.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.metrics.interval import wilson
from edgelens.runtime.model.evaluate import evaluate

RESULTS = Path(__file__).resolve().parent / "results" / "train_make.json"
KINDS, EACH, BAR_S = 4, 24, 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--minutes", type=float, default=0.0)
    options = parser.parse_args()
    photos = options.data / "clothing10" / "train"
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if options.whole:
        with tempfile.TemporaryDirectory() as scratch:
            how = f"{options.minutes:g} minutes" if options.minutes else "quick"
            found.setdefault("whole", {})[how] = made(photos, Path(scratch), options.minutes)
        options.draws = 0
    draws = found.setdefault("draws", {})
    for seed in range(options.draws):
        if str(seed) in draws:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            chosen, others = drawn(photos, Path(scratch), seed)
            draws[str(seed)] = made(chosen, Path(scratch), 0.0) | asked(Path(scratch), others)
        print(seed, json.dumps(draws[str(seed)]), flush=True)
        RESULTS.write_text(json.dumps(summed(found), indent=1) + "\n")
    RESULTS.write_text(json.dumps(summed(found), indent=1) + "\n")
    print(json.dumps({name: value for name, value in found.items() if name != "draws"}, indent=1))


def drawn(photos: Path, scratch: Path, seed: int) -> tuple[Path, Path]:
    """A folder of links to the photos that are drawn, and one to all others of their kinds."""
    draw = np.random.default_rng(seed)
    kinds = sorted(folder for folder in photos.iterdir() if folder.is_dir())
    for at in draw.choice(len(kinds), KINDS, replace=False):
        files = sorted(kinds[at].iterdir())
        taken = set(draw.choice(len(files), EACH, replace=False).tolist())
        for i, file in enumerate(files):
            place = scratch / ("few" if i in taken else "others") / kinds[at].name / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file.absolute())
    return scratch / "few", scratch / "others"


def made(photos: Path, scratch: Path, minutes: float) -> dict[str, Any]:
    """One `edgelens make`, with what it took and what it said."""
    told, out = scratch / "told.json", scratch / "made.edge"
    how = ["--minutes", f"{minutes:g}"] if minutes else ["--recipe", "quick"]
    command = [sys.executable, "-m", "edgelens", "make", str(photos), "--out", str(out), "--json", str(told), *how]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    first = None
    env = os.environ | {"XDG_CACHE_HOME": str(scratch / "cache")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line.rstrip())
            if "is a whole run already" in line:
                first = time.monotonic() - began
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    row: dict[str, Any] = {
        "made": process.returncode == 0,
        "seconds": round(seconds, 1),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_gb": round(after.ru_maxrss / 1e6, 2),
        "load": round(os.getloadavg()[1], 1),
        "first_run_s": None if first is None else round(first, 1),
    }
    if process.returncode:
        return row | {"said": said[-3:]}
    card = json.loads(told.read_text())
    found = card["metrics"]["val"]
    low, high = wilson(found["accuracy"], found["images"])
    return row | {
        "proven": card["proven"],
        "promised": round(100 * found["accuracy"], 2),
        "interval": [round(100 * low, 1), round(100 * high, 1)],
    }


def asked(scratch: Path, others: Path) -> dict[str, Any]:
    """What the bundle does on photos that it has not seen, in per cent."""
    if not (scratch / "made.edge").exists():
        return {}
    bundle, images = Bundle.open(scratch / "made.edge"), load_images(others)
    report = evaluate(bundle, images).report.to_json()
    return {"reached": round(100 * float(report["accuracy"]), 2), "asked": len(images)}


def summed(found: dict[str, Any]) -> dict[str, Any]:
    """The draws in a few numbers, before them."""
    rows = list(found.get("draws", {}).values())
    if rows:
        found["summary"] = {
            "draws": len(rows),
            "bundles": sum(row["made"] for row in rows),
            "seconds": round(float(np.median([row["seconds"] for row in rows])), 1),
            "cpu_s": round(float(np.median([row["cpu_s"] for row in rows])), 1),
            "peak_gb": max(row["peak_gb"] for row in rows),
            "within_interval": sum(
                row["interval"][0] <= row["reached"] <= row["interval"][1] for row in rows if "reached" in row
            ),
        }
    return found


if __name__ == "__main__":
    main()
