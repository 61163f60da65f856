"""The parts of a report that every task has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from edgelens.train.report.findings import Findings
from edgelens.train.report.sections import cost


@pytest.mark.parametrize(
    ("count", "said"),
    [(804_352, "804,352"), (3_390_022, "3.39 M"), (125_400_000, "125.4 M"), (4_089_000_000, "4,089.0 M")],
)
def test_counts_fit_their_cards(count: int, said: str) -> None:
    found = SimpleNamespace(network={"parameters": count, "macs": count})
    assert cost(cast("Findings", found)) == [(said, "weights"), (said, "multiply-adds")]
