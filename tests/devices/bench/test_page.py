"""The page of a report: labels whole, axes with round numbers, names once, nothing drawn of what was not told."""

from __future__ import annotations

import re

import pytest

from edgelens.devices.bench.axes import log_ticks, ticks, written
from edgelens.devices.bench.graph_names import short
from edgelens.devices.bench.html import page
from edgelens.devices.bench.svg import Series, bars, boxes, lines
from edgelens.devices.bench.table import operator_rows, operator_words, per_second

LONG = "a_model_of_somebody_with_a_rather_long_name_v12_final.onnx onnxruntime float32 16 threads"


PLOTS = (
    bars([(LONG, 25400.0, "a")], "ms"),
    boxes([(LONG, [1.0] * 41)], "ms"),
    lines([Series(LONG, [(1, 25400.0), (4, 61000.0)])], "threads", "a second"),
)


@pytest.mark.parametrize("plot", PLOTS)
def test_no_label_is_cut_off_and_no_number_has_an_exponent(plot: str) -> None:
    width = float(re.search(r'viewBox="0 0 (\d+)', plot)[1])  # type: ignore[index]
    for x, anchor, words in re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="(\w+)"[^>]*>([^<]*)<', plot):
        length = 6.4 * len(words)  # of 12 pixel sans-serif
        left = float(x) - {"end": length, "middle": length / 2, "start": 0}[anchor]
        assert left >= -1, words
        assert left + length <= width + 1, words
        assert not re.search(r"\de[+-]?\d", words)


def test_axes_have_round_numbers() -> None:
    assert ticks(0, 254000) == [0, 100000, 200000, 300000]
    assert ticks(3, 3) != []
    assert log_ticks(0.03, 12) == [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
    assert [written(v) for v in (254000, 0.2, 12.345, 0.000123, 0)] == ["254,000", "0.2", "12.3", "0.000123", "0"]


def test_what_happens_seldom_is_not_never() -> None:
    assert [per_second(value) for value in (0.07, 0.41, 3.46, 250.4)] == ["0.07", "0.41", "3.5", "250"]


def _report(**device: object) -> dict[str, object]:
    told = {"model": "AMD EPYC", "cpu": "AMD EPYC", "cores": 2, "system": "Debian", "governor": None,
            "missing_sensors": ["temperature"], **device}  # fmt: skip
    looks = [{"at_s": s, "temperature_c": None, "clock_mhz": 2100, "power_w": None} for s in (0, 1)]
    return {"device": told, "cases": [], "pairs": [], "noisy": [], "throttled": None, "heat": looks, "kit": "1",
            "when": "2026-01-02T03:04:05+00:00"}  # fmt: skip


def test_a_processor_is_named_once_and_heat_that_nobody_told_is_not_drawn() -> None:
    made = page(_report())
    assert made.count("AMD EPYC") == 2  # in the title and in the first line
    assert "<h2>Heat" not in made
    assert "<svg" not in made.split("The board meanwhile")[1]
    assert "2,100 MHz throughout" in made


def test_operators_are_laid_on_the_measured_time_and_their_sum_is_explained() -> None:
    rows = [{"name": f"op{i}", "kind": "Conv", "ms": 1.0, "share": 0.05} for i in range(20)]
    row = {"steady": {"p50": 10.0}, "operators": {"sum_ms": 20.0, "rows": rows}}
    shown = operator_rows(row, 15)
    assert shown[-1][0] == "5 more"
    assert sum(float(str(cells[2])) for cells in shown) == pytest.approx(10.0)
    assert "they took 20.00 ms together" in operator_words(row)
    row["steady"] = {"p50": 25.0}
    assert sum(float(str(cells[2])) for cells in operator_rows(row, 15)) == pytest.approx(20.0)
    assert "5.000 ms of an inference" in operator_words(row)


def test_a_joined_name_is_its_first_part_and_a_long_one_keeps_both_ends() -> None:
    assert short("model/relu/Relu;model/bn/FusedBatchNormV3;model/conv/Conv2D") == "model/relu/Relu"
    cut = short("a" * 40 + "b" * 40, 21)
    assert (len(cut), cut[0], cut[-1]) == (21, "a", "b")
