"""Do priors keep their word? Boards and networks left out of the fit *and* of the interval, then asked.

`python benchmarks/devices/priors.py`; writes results/devices_priors.json.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.devices.predict.priors import TimedNetwork, fit_prior, left_out_errors, published

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_priors.json"
BAR = {"inside": 0.7, "width": 2.5}


def board_left_out(board: str, points: list[TimedNetwork]) -> dict[str, Any]:
    """One board's points: the interval never saw the board, the estimates neither the board nor the network."""
    others = fit_prior([point for point in points if point.board != board])
    errors = left_out_errors(points, board)
    inside = [math.log(others.low) <= error <= math.log(others.high) for error in errors]
    return {
        "board": board,
        "points": len(errors),
        "inside": round(float(np.mean(inside)), 3) if inside else None,
        "width": round(others.high / others.low, 3),
        "median_factor": round(math.exp(float(np.median(np.abs(errors)))), 3) if errors else None,
    }


def main() -> None:
    """Every board in turn, and the interval that ships."""
    points = published()
    rows = [board_left_out(board, points) for board in sorted({point.board for point in points})]
    for row in rows:
        print(row)
    asked = sum(row["points"] for row in rows)
    inside = sum(row["points"] * row["inside"] for row in rows if row["points"]) / asked
    shipped = fit_prior(points)
    result = {
        "command": "python benchmarks/devices/priors.py",
        "bar": BAR,
        "published_points": len(points),
        "inside": round(inside, 3),
        "widest_interval": max(row["width"] for row in rows if row["points"]),
        "shipped_interval": [round(shipped.low, 3), round(shipped.high, 3), round(shipped.high / shipped.low, 3)],
        "boards": rows,
    }
    print(result["inside"], result["widest_interval"], result["shipped_interval"])
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
