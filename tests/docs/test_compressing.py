"""The Python that the guide shows runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "compressing.md"


def test_the_guides_python_runs(run_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "cups").symlink_to(run_folder)
    whole, steps = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    exec(whole, {})  # the guide of this repository
    assert (tmp_path / "cups.edge").exists() and (tmp_path / "small.edge").exists()
    assert "int8 TFLite: " in capsys.readouterr().out
    names: dict = {}
    exec(steps, names)
    assert [row.precision for row in names["parity"].files] == ["float32", "float32", "int8", "int8"]
    assert names["parity"].between_formats >= 0.99
