"""Few photos from the shipped backbone against random weights: when a training should start from it by itself.

    python benchmarks/train_few.py --data DIR --runs DIR [--threads N]

DIR holds clothing10/ and sign_digits/. The first of five folds validates (by signer for the signs), the rest is cut to
shares; nothing else differs between the two trainings of a pair. Each pair is merged into results/train_few.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from train_accuracy import PHOTOS, groups_file

from edgelens.train import TrainConfig, fit
from edgelens.train.config import BACKBONE
from edgelens.train.optimize import allocator as memory
from edgelens.train.start.pretrained import provenance

RESULTS = Path(__file__).resolve().parent / "results" / "train_few.json"
SHARES = (0.125, 0.5, 1.0)
SETS: dict[str, dict[str, Any]] = {
    "clothing10/train": {"augment": "default"},
    "sign_digits": {"augment": "default+camera", "mirror": True},
}
EPOCHS = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/train_few"))
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    memory.keep_large_blocks()
    found: dict[str, Any] = {"backbone": str(provenance()), "epochs": EPOCHS, "pairs": []}
    for share in SHARES:
        for name, settings in SETS.items():
            config = replace(
                TrainConfig(str(options.data / name), "", threads=options.threads),
                **(PHOTOS | settings | {"epochs": EPOCHS, "folds": 5, "share": share}),
                groups=str(groups_file(options.data, options.runs)) if name == "sign_digits" else None,
            )
            found["pairs"].append({"data": name, **pair(config, options.runs / f"{name}-{share}")})
            print(json.dumps(found["pairs"][-1]), flush=True)
            RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def pair(config: TrainConfig, runs: Path) -> dict[str, Any]:
    """What the two starts reach on the validation images, in per cent."""
    out: dict[str, Any] = {}
    for how, start in (("scratch", {"scratch": True}), ("backbone", {"start": BACKBONE})):
        run = fit(replace(config, out=str(runs / how), **start), quiet=True, overwrite=True)
        out["images"] = run.facts.data["images"]["train"]
        out[how] = round(100 * float((run.facts.metrics or {})["val_accuracy"]), 2)
    return out


if __name__ == "__main__":
    main()
