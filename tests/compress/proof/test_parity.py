"""Rows of a proof: every output judged, numbers without end written as JSON can hold them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from torch import nn

from edgelens.compress.export.exported import export
from edgelens.compress.files.int8 import int8_artifacts
from edgelens.compress.network.graph import trace
from edgelens.compress.proof.limits import limits_of
from edgelens.compress.proof.parity import FileParity, Parity, finite_db, first_parting
from edgelens.compress.quantize.observers import observe
from edgelens.compress.quantize.plan import make_plan
from edgelens.compress.quantize.ranges import agree_on_ranges
from edgelens.runtime.metrics.signal import distance_of
from edgelens.runtime.preprocess import PixelContract

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


@pytest.mark.parametrize("channels", [8, 6])  # of the first map, which has 6 × 6 places: shapes tell no layouts there
def test_what_is_far_off_is_named_by_the_first_layer_that_is_in_both_formats(channels) -> None:
    layers = [nn.Conv2d(3, channels, 3), nn.ReLU(), nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.Flatten()]
    layers.append(nn.Linear(8 * 16, 4))
    network, pixels = nn.Sequential(*layers).eval(), PixelContract(8, 8, "rgb")
    graph = trace(network, pixels)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    exported = export(graph, graph, pixels, outputs=("logits",))
    seen = observe(graph, pictures)
    most = seen["relu_1"][1]
    seen |= dict.fromkeys(("relu_1", "flatten"), (0.0, most / 50))  # most of what the second layer says is cut off
    files = int8_artifacts(exported, agree_on_ranges(graph, make_plan(graph, outputs=("logits",)), seen))
    for file in files:
        assert first_parting(exported, file, pictures).partition(" ")[0] == "relu_1"


def test_of_files_that_were_left_out_nothing_is_said() -> None:
    rows = [
        FileParity(f"models/main.{precision}.{kind}", kind, precision, 50.0, 1.0, 0.0, 1.0)
        for precision in ("float32", "int8")
        for kind in ("onnx", "tflite")
    ]
    both = Parity(10, 1.0, tuple(rows), 0.9, {"float32": 1.0, "int8": 0.9})
    kept = both.only([rows[0].path, rows[1].path, rows[2].path])
    assert [row.path for row in kept.files] == [row.path for row in rows[:3]]
    assert kept.between_formats is None
    assert kept.closely == {"float32": 1.0}
    assert both.only([row.path for row in rows]) == both
