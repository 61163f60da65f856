"""The Python that the page shows runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def test_the_pages_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for place in ("photo.png", "photos/a.png"):
        cv2.imwrite(place, np.full((90, 120, 3), 120, np.uint8))
    one, several = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(one, {})  # the page of this repository
    assert cv2.imread("drawn.png") is not None
    assert capsys.readouterr().out
    exec(several.replace("duration_s=5", "duration_s=1"), {})
    said = capsys.readouterr().out
    assert "demo" in said
    assert "photos" in said
