"""What a TFLite file's operators take: its Python package gives no profile, so a cost model shares the time out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgelens.runtime.errors import EdgelensError

__all__ = ["estimated"]


def estimated(report: Mapping[str, Any], models: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """The report with estimated operators in the rows whose engine told nothing of them."""
    return {
        **report,
        "cases": [_filled(row, models, options, str(report["device"]["profile"])) for row in report["cases"]],
    }


def _filled(row: Mapping[str, Any], models: Sequence[str], options: Mapping[str, Any], board: str) -> Mapping[str, Any]:
    model = next((name for name in models if Path(name).name == row["model"]), None)
    if "error" not in row.get("operators", {}) or row["engine"] != "tflite" or model is None:
        return row
    try:
        operators = _operators(model, row, options, board)
    except EdgelensError:  # then what stands there already says why
        return row
    return {**row, "operators": operators or row["operators"]}


def _operators(model: str, row: Mapping[str, Any], options: Mapping[str, Any], board: str) -> dict[str, Any] | None:
    from edgelens.devices.bench.cases import Selection
    from edgelens.devices.predict.predict import predict

    precision = None if row["precision"] == "as is" or model.endswith(".tflite") else row["precision"]
    choice = Selection("tflite", precision, (row["threads"],), options=options)
    with tempfile.TemporaryDirectory() as folder:
        cases = predict([model], board, choice, Path(folder), most=1000)["cases"]
    fitting = (case for case in cases if (case["step"], case["precision"]) == (row.get("step"), row["precision"]))
    told = next(fitting, None)
    if told is None:
        return None
    return {"estimated": True, "sum_ms": told["ms"], "rows": told["operators"]}
