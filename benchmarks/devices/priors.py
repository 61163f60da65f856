"""Do priors keep their word? What was left out of the fit *and* of the interval, then asked.

`python benchmarks/devices/priors.py`; writes results/devices_priors.json, and the prior that ships,
devices/predict/prior.json. Float rows are left out by board, 8-bit rows by publisher: all rows of one table err
together.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.devices.predict.priors import fit_prior, left_out_errors, publishers_left_out
from edgelens.devices.predict.published import TimedNetwork, published
from edgelens.devices.profile import profile_names

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_priors.json"
SHIPPED = Path(__file__).resolve().parents[2] / "devices" / "predict" / "prior.json"
BAR = {"float": {"inside": 0.7, "width": 2.5}, "int8": {"inside": 0.7, "width": 2.4, "rows": 30}}


def board_left_out(board: str, points: list[TimedNetwork]) -> dict[str, Any]:
    """One board's points: the interval never saw the board, the estimates neither the board nor the network."""
    others = fit_prior([point for point in points if point.board != board]).float32
    errors = left_out_errors(points, board)
    inside = [math.log(others.low) <= error <= math.log(others.high) for error in errors]
    return {
        "board": board,
        "points": len(errors),
        "inside": round(float(np.mean(inside)), 3) if inside else None,
        "width": round(others.high / others.low, 3),
        "median_factor": round(math.exp(float(np.median(np.abs(errors)))), 3) if errors else None,
    }


def publisher_left_out(publisher: str, points: list[TimedNetwork]) -> dict[str, Any]:
    """One publisher's 8-bit rows: neither the estimates nor the interval saw anything of that publisher."""
    others = fit_prior([point for point in points if point.publisher != publisher]).int8
    errors = publishers_left_out(points)[publisher]
    inside = [math.log(others.low) <= error <= math.log(others.high) for error in errors]
    return {
        "publisher": publisher,
        "rows": len(errors),
        "inside": sum(inside),
        "width": round(others.high / others.low, 3),
        "median_factor": round(math.exp(float(np.median(errors))), 3),
    }


def main() -> None:
    """Every board and every publisher in turn, and the intervals that ship."""
    points = published()
    asked_for = sorted({p.board for p in points if p.precision == "float32"} & set(profile_names()))
    boards = [board_left_out(board, points) for board in asked_for]
    publishers = [publisher_left_out(name, points) for name in publishers_left_out(points)]
    for row in (*boards, *publishers):
        print(row)
    asked = sum(row["points"] for row in boards)
    rows = sum(row["rows"] for row in publishers)
    shipped = fit_prior(points)
    SHIPPED.write_text(json.dumps(shipped.as_dict(), indent=1) + "\n")
    result = {
        "command": "python benchmarks/devices/priors.py",
        "bar": BAR,
        "published_points": len(points),
        "float": {
            "inside": round(sum(row["points"] * row["inside"] for row in boards if row["points"]) / asked, 3),
            "widest_interval": max(row["width"] for row in boards if row["points"]),
            "boards": boards,
        },
        "int8": {
            "rows": rows,
            "inside": round(sum(row["inside"] for row in publishers) / rows, 3),
            "widest_interval": max(row["width"] for row in publishers),
            "publishers": publishers,
        },
        "shipped": shipped.as_dict(),
    }
    for kind in ("float", "int8"):
        print(f"{kind}: {result[kind]['inside']:.1%} inside, no interval wider than {result[kind]['widest_interval']}")
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
