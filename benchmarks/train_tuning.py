"""What fine-tuning lite0 is worth on few photos, against the head that it starts from: five folds, then others once.

    python benchmarks/train_tuning.py --data DIR [--folds 0 1] [--epochs 12] [--set NAME=VALUE …] [--name NAME] [--ask]

DIR holds clothing10/. Each fold in turn validates a training on the rest, as `edgelens train` does it; `--set` lays
settings of `TrainConfig` over the kit's own, such as rate=0.001. `--ask` then trains on all of the training photos and
asks the val photos, once, when all is chosen; `--folds` with none of them does that alone. Every training is merged
into results/train_tuning.json as soon as it ends, under the name of its settings, with the seconds of processor that it
took.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.train import TrainConfig, fit
from edgelens.train.optimize import allocator as memory

RESULTS = Path(__file__).resolve().parent / "results" / "train_tuning.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--name", default="the kit's own")
    parser.add_argument("--ask", action="store_true")
    options = parser.parse_args()
    memory.keep_large_blocks()
    settings: dict[str, Any] = {name: json.loads(value) for name, _, value in (s.partition("=") for s in options.set)}
    settings |= {"epochs": options.epochs, "size": (options.size, options.size), "threads": options.threads}
    photos = options.data / "clothing10"
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    rows = found.setdefault(options.name, {"settings": options.set, "epochs": options.epochs, "folds": {}})
    with tempfile.TemporaryDirectory() as scratch:
        out = str(Path(scratch) / "run")
        if options.ask:
            rows["val"] = trained(TrainConfig(str(photos), out, model="lite0"), settings)
        for fold in options.folds:
            config = TrainConfig(str(photos / "train"), out, model="lite0", folds=5, fold=fold)
            rows["folds"][str(fold)] = trained(config, settings)
            print(fold, json.dumps(rows["folds"][str(fold)]), flush=True)
            RESULTS.write_text(json.dumps(summed(found), indent=1) + "\n")
    RESULTS.write_text(json.dumps(summed(found), indent=1) + "\n")
    print(json.dumps(rows, indent=1))


def trained(config: TrainConfig, settings: dict[str, Any]) -> dict[str, Any]:
    """One training with the head that came before it, in per cent; the epoch is chosen by pictures of other parts."""
    began, cpu = time.monotonic(), time.process_time()
    head = fit(replace(config, size=settings["size"], minutes=0.0), quiet=True, overwrite=True)
    before = float((head.facts.metrics or {})["val_accuracy"])
    run = fit(replace(config, **settings), quiet=True, overwrite=True)
    metrics = run.facts.metrics or {}
    return {
        "head": round(100 * before, 2),
        "fine_tuned": round(100 * float(metrics["val_accuracy"]), 2),
        "best_epoch": metrics["best_epoch"],
        "precision": run.facts.environment["precision"],
        "seconds": round(time.monotonic() - began, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
    }


def summed(found: dict[str, Any]) -> dict[str, Any]:
    """Each name's mean over its folds."""
    for rows in found.values():
        folds = list(rows["folds"].values())
        for figure in ("head", "fine_tuned"):
            if folds:
                rows[figure] = round(float(np.mean([row[figure] for row in folds])), 2)
    return found


if __name__ == "__main__":
    main()
