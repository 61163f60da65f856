"""What people type wrong is one line and exit code 2; a closed stream is no reason to fall over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

COMMANDS = [
    ["inspect", "--bogus"],
    ["evaluate"],
    ["bundle", "digits", "--out", "OUT/x.edge"],
    ["bundle", "MODEL", "--out", "OUT/x.edge", "--name", "two\nlines"],
    ["run", "--source", "demo", "--size", "1x1", "--no-preview", "--duration", "1"],
    ["run", "--source", "http://[::1", "--no-preview", "--duration", "1"],
    ["run", "--source", "rtsp://[", "--no-preview", "--duration", "1"],
    ["status", "--url", "http://[::1"],
    ["doctor", "--engine", "tflite"],
    ["collect", "--label", "a", "--out", "OUT/c", "--source", "MODEL", "--size", "64x48"],
    ["teach", "a", "--source", "MODEL", "--size", "64x48"],
]


def edgelens(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "edgelens", *words], text=True, timeout=60, **options)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words).replace("\n", " "))
def test_odd_words_are_one_line(words: list[str], tmp_path: Path, color_onnx: Callable[..., bytes]) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(color_onnx())
    given = [word.replace("OUT", str(tmp_path)).replace("MODEL", str(model)) for word in words]
    done = edgelens(*given, capture_output=True)
    said = [line for line in done.stderr.splitlines() if not line.startswith("live page")]
    assert done.returncode == 2, done.stderr
    assert len(said) == 1, done.stderr
    assert said[0].startswith("edgelens: ")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_the_output_s_encoding_cannot_say_is_written_with_escapes(encoding: str, tmp_path: Path) -> None:
    photo = tmp_path / b"caf\xe9.png".decode("utf-8", "surrogateescape")
    photo.write_bytes(cv2.imencode(".png", np.full((28, 28), 255, np.uint8))[1].tobytes())
    words = ["run", "digits", "--source", str(tmp_path), "--no-preview"]
    done = edgelens(*words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"})
    assert done.returncode == 0, done.stderr
    assert r"caf\udce9.png: " in done.stdout


def test_inspect_shows_the_built_in_without_a_word() -> None:
    assert "digits" in edgelens("inspect", capture_output=True).stdout


@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_take_what_is_written(closing: str, tmp_path: Path) -> None:
    script = f"{sys.executable} -m edgelens run --source demo --duration 0.3 --no-preview --json - {closing}"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr
