"""How far predictions are off after `devices calibrate` on this machine, on models the calibration never saw.

`python benchmarks/devices/prediction.py MODEL… [--calibration FILE]`; writes prediction.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np

from edgelens.devices.bench.cases import Choice, cases_of
from edgelens.devices.bench.processes import measure
from edgelens.devices.bench.spec import MeasureSpec
from edgelens.devices.predict.calibrate import calibrate
from edgelens.devices.predict.predict import predict


def main() -> None:
    """Calibrate where no calibration is given, predict, measure, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--calibration")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        path = options.calibration or f"{name}/calibration.json"
        if not options.calibration:
            Path(path).write_text(json.dumps(calibrate(("tflite", "onnxruntime"), (1,), 0.06, print)))
        choice = Choice(threads=(1,))
        for model in options.models:
            predicted = predict([model], path, choice, Path(name))["cases"]
            cases = cases_of(model, choice, 1, Path(name))
            for case, row in zip(cases, predicted, strict=True):
                real = float(np.median(measure(MeasureSpec(case.target, duration_s=1.0))["samples_ms"]))
                off = abs(row["ms"] - real)
                error = max(off - 0.02, 0.0) / real if real < 1 else off / real
                rows.append({"model": row["model"], "engine": row["engine"], "precision": row["precision"],
                             "ms": round(real, 4), "predicted_ms": row["ms"], "error": round(error, 4),
                             "inside": row["low_ms"] <= real <= row["high_ms"]})  # fmt: skip
                print(rows[-1])
    errors = [row["error"] for row in rows]
    result = {"mean_error": round(float(np.mean(errors)), 4), "worst_error": max(errors), "rows": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"mean error {result['mean_error']:.1%}, worst {result['worst_error']:.1%} of {len(rows)} model files")


if __name__ == "__main__":
    main()
