"""`edgelens serve` as a process of its own."""

from __future__ import annotations

import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli


def test_serve_from_start_to_end(tmp_path: Path, colour_bundle: Any) -> None:
    model = tmp_path / "colour.onnx"
    model.write_bytes(colour_bundle.read("models/colour.onnx"))
    words = [sys.executable, "-m", "edgelens", "serve", str(model), "--preview", "0", "--duration", "1"]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert "serving colour" in answer.stderr
    refused = CliRunner().invoke(cli, ["serve", str(model), "--cert", "only.pem"])
    assert "belong together" in str(refused.exception)


def test_results_carry_the_name_that_the_environment_gives_the_device(
    tmp_path: Path, colour_bundle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGELENS_DEVICE_ID", "lens-9")
    picture = bytes(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1])
    with serving(tmp_path, colour_bundle) as (_, url), httpx.Client(timeout=20) as client:
        answer = client.post(url, content=picture, headers={"content-type": "image/png"}).json()
    assert answer["device"] == "lens-9"


@contextmanager
def serving(folder: Path, bundle: Any) -> Iterator[tuple[int, str]]:
    """A running service: its process id and where it is asked."""
    model = folder / "colour.onnx"
    model.write_bytes(bundle.read("models/colour.onnx"))
    words = [sys.executable, "-m", "edgelens", "serve", str(model), "--preview", "0"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        yield process.pid, next(found[1] for line in process.stderr if (found := re.search(r"POST (\S+)", line)))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130


def page_faults(pid: int) -> int:
    """How many pages the kernel has had to bring in."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_pictures_are_not_paged_in_again_with_every_request(tmp_path: Path, colour_bundle: Any) -> None:
    picture = bytes(cv2.imencode(".jpg", np.full((1080, 1920, 3), 99, np.uint8))[1])
    with serving(tmp_path, colour_bundle) as (pid, url), httpx.Client(timeout=20) as client:

        def ask(times: int) -> None:
            for _ in range(times):
                assert client.post(url, content=picture).status_code == 200

        ask(30)  # every worker has had its turn
        before = page_faults(pid)
        ask(20)
        assert page_faults(pid) - before < 20 * 500, "a 1080p picture alone has 1,519 pages"
