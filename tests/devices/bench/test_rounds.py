"""Several processes: which of their blocks count, and what other programs' share of the machine is."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from edgelens.devices.bench.cases import Case
from edgelens.devices.bench.occupation import Occupation
from edgelens.devices.bench.rounds import Measured, measured_facts
from edgelens.devices.bench.ruler import Ruler
from edgelens.devices.bench.spec import Target

CASE = Case("m.onnx", "m.onnx", "int8", "", 0, Target("m.onnx", "onnxruntime"), False)


def process(*blocks: tuple[float, float], others: float = 0.0, waited: float = 0.0) -> dict[str, Any]:
    """A process's answer from (the model's time, the ruler's) of each block."""
    rows = [
        {"samples_ms": [ms] * 4, "cpu_ms": [ms] * 4, "before_ms": ruler, "after_ms": ruler, "waited": waited}
        for ms, ruler in blocks
    ]
    return {"blocks": rows, "occupied": {"others_cores": others, "waited": waited}}


def test_only_moments_count_in_which_the_machine_was_left_alone() -> None:
    each = Measured(CASE, processes=[process((1.0, 0.01), (1.6, 0.016), (1.01, 0.0102)), process((1.6, 0.016))])
    _, facts = measured_facts(each)
    assert [p["quiet_ms"] for p in facts["processes"]] == [pytest.approx(1.0, abs=0.01), None]
    assert facts["ruler_ms"] == 0.01


def test_a_long_run_is_counted_less_what_it_waited_for_a_core() -> None:
    rows = [{"samples_ms": [40.0], "cpu_ms": [20.0], "before_ms": 0.01, "after_ms": 0.01, "waited": 0.5}] * 3
    each = Measured(CASE, processes=[{"blocks": rows, "occupied": {"others_cores": 1.0, "waited": 0.5}}])
    _, facts = measured_facts(each)
    assert facts["processes"][0]["quiet_ms"] == pytest.approx(20.0)


def test_a_program_that_computes_beside_it_is_seen() -> None:
    """Two steady ones passed as clean: what is always there makes no noise."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as hog:
        try:
            occupation = Occupation()
            time.sleep(0.6)
            others = occupation.so_far().others_cores
        finally:
            hog.kill()
    assert others is not None
    assert others > 0.4


def test_the_ruler_tells_a_time() -> None:
    assert 0 < Ruler().read_ms() < 100
