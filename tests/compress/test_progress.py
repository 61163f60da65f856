"""What a compression tells of itself where no live line can."""

from __future__ import annotations

import pytest

from edgelens.compress import progress
from edgelens.compress.progress import Progress


def test_a_log_hears_of_a_long_step_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Progress()
    said.update("step 1")
    monkeypatch.setattr(progress, "_SILENT_S", -1.0)
    said.update("step 2")
    assert capsys.readouterr().err == "step 2\n"
