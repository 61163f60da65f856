"""How far predictions are off after `devices calibrate` on this machine, on models the calibration never saw.

    python benchmarks/devices/kit_networks.py FOLDER
    python benchmarks/devices/prediction.py digits sign-digits FOLDER/* MODEL… [--calibration FILE]

Writes results/devices_prediction.json. A model under a millisecond may be 20 µs off; of a slower one all counts. What
is predicted is the time of a run that nothing disturbs, as calibration took it of its kernels: of five processes the
best lower tenth. On a quiet machine the median, which stands beside it, is the same.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.devices.bench.cases import Selection, cases_of
from edgelens.devices.bench.processes import measure
from edgelens.devices.bench.spec import MeasureSpec
from edgelens.devices.here import this_machine
from edgelens.devices.predict.calibrate import calibrate
from edgelens.devices.predict.predict import predict

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_prediction.json"
BAR = {"mean_error": 0.10, "worst_error": 0.25}
ALLOWED_MS = 0.02
_PROCESSES = 5


def judged(model: str, calibration: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Each of a model's files, predicted and measured on one thread."""
    choice = Selection(threads=(1,))
    predicted = predict([model], calibration, choice, folder)["cases"]
    for case, row in zip(cases_of(model, choice, 1, folder), predicted, strict=True):
        processes = [measure(MeasureSpec(case.target, duration_s=0.7))["blocks"] for _ in range(_PROCESSES)]
        samples = [[ms for block in blocks for ms in block["samples_ms"]] for blocks in processes]
        quiet = [float(np.quantile(each, 0.1)) for each in samples]
        real = min(quiet)
        off = abs(row["ms"] - real)
        yield {
            "model": row["model"],
            "engine": row["engine"],
            "precision": row["precision"],
            "ms": round(real, 4),
            "median_ms": round(min(float(np.median(each)) for each in samples), 4),
            "repeats": round(float(np.median(quiet)) / real - 1, 4),
            "predicted_ms": row["ms"],
            "error": round((max(off - ALLOWED_MS, 0.0) if real < 1 else off) / real, 4),
            "error_without_allowance": round(off / real, 4),
            "inside_80": row["low_ms"] <= real <= row["high_ms"],
        }


def main() -> None:
    """Calibrate where no calibration is given, predict, measure, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--calibration")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        path = options.calibration or f"{name}/calibration.json"
        if not options.calibration:
            Path(path).write_text(json.dumps(calibrate(("tflite", "onnxruntime"), (1,), 0.06, print)))
        fits = json.loads(Path(path).read_text())["fits"]
        for model in options.models:
            for row in judged(model, path, Path(name)):
                rows.append(row)
                print(row, flush=True)
    machine, errors = this_machine(), [row["error"] for row in rows]
    result = {
        "command": "python benchmarks/devices/prediction.py digits sign-digits KIT/* MODELS/*",
        "machine": {"cpu": machine.cpu, "cores": machine.cores},
        "bar": BAR,
        "mean_error": round(float(np.mean(errors)), 4),
        "worst_error": max(errors),
        "mean_error_without_allowance": round(float(np.mean([row["error_without_allowance"] for row in rows])), 4),
        "inside_80": round(float(np.mean([row["inside_80"] for row in rows])), 3),
        "noise_floor": {
            "calibration": {key: round(fit["noise"], 4) for key, fit in fits.items()},
            "repeats": round(float(np.median([row["repeats"] for row in rows])), 4),
        },
        "rows": rows,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"mean error {result['mean_error']:.1%}, worst {result['worst_error']:.1%} of {len(rows)} model files")


if __name__ == "__main__":
    main()
