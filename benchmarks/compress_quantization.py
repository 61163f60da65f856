"""8 bits against float on every test image of trained runs, both formats, paired: post-training and trained in 8 bits.

python benchmarks/compress_quantization.py runs/resnet8 runs/mobilenet --qat 10 --seeds 3
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

from compress_pairs import paired

from edgelens.compress.bundle.assemble import processor
from edgelens.compress.candidate import candidate_of
from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import file_outputs
from edgelens.compress.ingredients import Ingredients, ingredients_of
from edgelens.compress.learn.finetune import FineTune
from edgelens.compress.progress import Progress
from edgelens.compress.quantize.qat import QatConfig
from edgelens.train.optimize import allocator as memory
from edgelens.train.runs.run import Run


def measured(made_of: Ingredients, config: CompressConfig) -> dict[str, Any]:
    """One compression of a run and its files against the float network, image by image."""
    start = time.perf_counter()
    candidate = candidate_of(made_of.network, made_of, config, Progress())
    held = made_of.evaluation
    logits = made_of.answers(made_of.network, held.pixels)["logits"]
    right = logits.argmax(1) == held.labels
    rows, best = {}, {}
    for artifact in candidate.artifacts:
        values = file_outputs(artifact, held.pixels)["logits"]
        best[artifact.title] = values.argmax(1)
        rows[artifact.title] = {
            "bytes": len(artifact.data),
            "agreement_with_torch": float((values.argmax(1) == logits.argmax(1)).mean()),
            "max_difference": float(abs(values - logits).max()),
            "snr_db": candidate.parity.of(artifact.path).snr_db,
            **paired(right, best[artifact.title] == held.labels),
        }
    taken = list(candidate.choice.taken) if candidate.choice else ["calibrated per format"]
    between = candidate.parity.between_formats
    return {"taken": taken, "seconds": time.perf_counter() - start, "between_formats": between, "files": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--qat", type=float, default=0.0, help="epochs of training in 8 bits")
    parser.add_argument("--seeds", type=int, default=3, help="of training in 8 bits")
    parser.add_argument("--json", default=str(Path(__file__).parent / "results" / "compress_quantization.json"))
    options = parser.parse_args()
    memory.keep_large_blocks()
    for path in options.runs:
        run = Run.open(path)
        config = CompressConfig(allow_mismatch=True, sensitivity=False)
        made_of = ingredients_of(run, config)
        row: dict[str, Any] = {"model": run.config.model, "on": made_of.evaluated_on, "epochs in 8 bits": options.qat}
        row["post-training"] = measured(made_of, config)
        keep(options.json, path, row)
        for seed in range(options.seeds if options.qat else 0):
            tuning = FineTune(epochs=options.qat, rate=2e-4, weight_decay=0.0, seed=seed)
            trained = dataclasses.replace(config, precisions=("int8",), qat=QatConfig(tuning))
            row[f"trained in 8 bits, seed {seed}"] = measured(made_of, trained)
            keep(options.json, path, row)
        show(Path(path).name, row)


def keep(file: str, path: str, row: dict[str, Any]) -> None:
    """Merge what is known of a run into the committed file: later steps take long."""
    place = Path(file)
    kept = json.loads(place.read_text()) if place.exists() else {}
    kept |= {"processor": processor(), Path(path).name: row}
    place.write_text(json.dumps(kept, indent=1) + "\n")


def show(name: str, row: dict[str, Any]) -> None:
    print(f"{name} ({row['model']}), {row['on']}")
    for how, found in row.items():
        if isinstance(found, dict):
            print(f"  {how}: formats agree on {100 * (found['between_formats'] or 0):.2f} %")
            for title, file in found["files"].items():
                bounds = f"{file['change']:+.2f} points [{file['low']:+.2f}, {file['high']:+.2f}]"
                print(
                    f"    {title:16} {file['after']:6.2f} %  {bounds}  {file['bytes']:,} B  p={file['mcnemar_p']:.2g}"
                )


if __name__ == "__main__":
    main()
