"""A classifier's own charts: every count is in the matrix, the calibration plot is whole."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from edgelens.train.report.matrix import matrix_chart
from edgelens.train.tasks.classify.metrics import ReliabilityBin
from edgelens.train.tasks.classify.reliability import reliability_chart


def test_the_matrix_has_every_count() -> None:
    svg = matrix_chart([[8, 2], [0, 5]], ["<cat>", "dog"])
    root = ET.fromstring(svg)
    told = [t.text for t in root.iter("title")]
    assert told == [
        "<cat> → <cat>: 8 (80.0 %)",
        "<cat> → dog: 2 (20.0 %)",
        "dog → <cat>: 0 (0.0 %)",
        "dog → dog: 5 (100.0 %)",
    ]
    ET.fromstring(matrix_chart([[1] * 120] * 120, [f"class {i}" for i in range(120)]))


def test_the_matrix_of_hundreds_of_classes_is_as_large_as_what_was_said() -> None:
    size = 300
    counts = [[3 if row == column else int(column == row + 1) for column in range(size)] for row in range(size)]
    svg = matrix_chart(counts, [f"class {i}" for i in range(size)])
    told = [t.text for t in ET.fromstring(svg).iter("title")]
    assert len(told) == 2 * size - 1
    assert told[1] == "class 0 → class 1: 1 (25.0 %)"
    assert len(svg) < 200_000


def test_the_calibration_plot_is_whole() -> None:
    chart = reliability_chart([ReliabilityBin(0.8, 0.9, 10, 0.85, 0.8)], [ReliabilityBin(0.9, 1.0, 10, 0.95, 0.8)])
    ET.fromstring(f"<div>{chart}</div>")
