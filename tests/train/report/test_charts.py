"""Charts: round ticks, places that are where the numbers are, figures that stay inside the frame."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

from edgelens.train.report.charts import HEIGHT, WIDTH, Dot, Series, bar_chart, line_chart, scatter_chart, ticks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.91, 0.985, [0.92, 0.94, 0.96, 0.98]),
        (0, 9000, [0, 2000, 4000, 6000, 8000]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_ticks_of_nothing() -> None:
    assert ticks(3, 3)
    assert ticks(0, 0)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1, 3, [1, 2, 3]), (0.5, 1.5, [1]), (0, 12, [0, 5, 10]), (1, 7, [2, 4, 6]), (0, 45, [0, 10, 20, 30, 40])],
)
def test_what_is_counted_has_no_halves(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, whole=True) == expected


def test_epochs_are_whole_and_the_best_is_named_above_the_lines() -> None:
    svg = line_chart([Series("a", [1, 2, 3], [0.1, 0.5, 0.9])], x_label="epoch", y_label="y", mark=(3, "best"))
    texts = {text.text: float(text.get("y", 0)) for text in ET.fromstring(svg).iter("text")}
    assert not {"1.5", "2.5"} & set(texts)
    assert {"1", "2", "3"} <= set(texts)
    assert 8 < texts["best"] < min(float(c.get("cy", 0)) for c in ET.fromstring(svg).iter("circle"))


def test_lines_go_through_their_points() -> None:
    svg = line_chart([Series("a & b", [0, 10], [0.0, 1.0])], x_label="epoch", y_label="y")
    root = ET.fromstring(svg)
    places = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in root.iter("circle")]
    (x0, y0), (x1, y1) = places
    assert 0 <= x0 < x1 <= WIDTH
    assert 0 <= y1 < y0 <= HEIGHT
    assert line_chart([], x_label="", y_label="") == ""


def test_numbers_that_are_none_leave_gaps() -> None:
    svg = line_chart([Series("a", [1, 2, 3], [1.0, float("nan"), 2.0])], x_label="", y_label="")
    assert "nan" not in svg
    assert svg.count("<circle") == 2


def test_log_axes_spread_powers_evenly() -> None:
    svg = scatter_chart([Dot(10.0**i, 0.5, str(i)) for i in range(4)], x_label="", y_label="", log_x=True)
    places = [float(x) for x in re.findall(r'cx="([\d.]+)"', svg)]
    gaps = [b - a for a, b in itertools.pairwise(places)]
    assert max(gaps) - min(gaps) < 0.3


def test_bars_are_whole() -> None:
    ET.fromstring(bar_chart([("rate", 0.7), ("depth", 0.3)], label="importance"))
