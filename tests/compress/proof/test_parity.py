"""Rows of a proof: every output judged, numbers without end written as JSON can hold them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from edgelens.compress.proof.limits import limits_of
from edgelens.compress.proof.parity import FileParity, finite_db
from edgelens.runtime.metrics.signal import distance_of

THERE = np.ones((4, 3), np.float32)


def strict(value: object) -> object:
    """As JSON, in which no number is infinite."""
    return json.loads(json.dumps(value, allow_nan=False))


def test_the_worst_output_counts() -> None:
    snr, difference = distance_of({"near": THERE, "far": THERE}, {"near": THERE, "far": THERE * 1.1})
    assert snr == pytest.approx(20, abs=0.01)
    assert difference == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize(
    "values, least, most", [(THERE, 200, 200), (np.full_like(THERE, np.inf), -200, -200), (THERE * 0.9, 19, 21)]
)
def test_rows_are_plain_json_however_near_or_far_a_file_is(values, least, most) -> None:
    snr, difference = distance_of({"a": THERE}, {"a": values})
    row = strict(FileParity("f", "float16 ONNX", "float16", snr, 1.0, difference, 1.0).to_json())
    assert least <= row["snr_db"] <= most
    assert (row["max_difference"] is None) == math.isinf(difference)
    for precision in ("float32", "int8"):
        strict(vars(limits_of(precision, 1.0, finite_db(snr), slack=0.1)))
