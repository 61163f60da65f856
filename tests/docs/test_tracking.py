"""The Python that the page shows runs as it stands there, on what a run wrote."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tracking.md"


def test_the_pages_python_scores_what_a_run_wrote(tmp_path, monkeypatch, capsys, halves_bundle: Bundle):
    monkeypatch.chdir(tmp_path)
    writer = cv2.VideoWriter("clip.avi", cv2.VideoWriter.fourcc(*"MJPG"), 10, (60, 40))
    for _ in range(12):
        writer.write(np.zeros((40, 60, 3), np.uint8))
    writer.release()
    asked = ["run", str(halves_bundle.path), "--source", "clip.avi", "--track", "--json", "found.jsonl", "--no-preview"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 0, done.output
    rows = [(frame + 1, side, 30 * side, 0, 30, 40, 1, 1, 1) for frame in range(12) for side in range(2)]
    Path("gt.txt").write_text("\n".join(",".join(map(str, row)) for row in rows))
    capsys.readouterr()
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(code, {})  # the page of this repository
    said = capsys.readouterr().out
    assert "missed=2" in said, "a thing has a number from its second frame on"
    assert "false=0" in said
    assert "switches=0" in said
