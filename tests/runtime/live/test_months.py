"""Heat, systemd, and what a person asks a service that has run for weeks."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import WorkError
from edgelens.runtime.live.http.access import Access
from edgelens.runtime.live.running import running_here
from edgelens.runtime.loop.board import BoardReading
from edgelens.runtime.loop.heat import HeatLimit, HeatPolicy
from edgelens.runtime.loop.sdnotify import SystemdNotifier

ROOT = Path(__file__).resolve().parents[3]


class Board:
    """A board with the kernel's thermal files, as the emulated ones have them."""

    def __init__(self, root: Path) -> None:
        self.zone = root / "sys/class/thermal/thermal_zone0"
        self.zone.mkdir(parents=True)
        (self.zone / "type").write_text("cpu-thermal\n")
        self.heat(50)
        self.root = root

    def heat(self, celsius: float) -> None:
        (self.zone / "temp").write_text(f"{celsius * 1000:.0f}\n")

    def read(self) -> BoardReading:
        from edgelens.devices.probes.temperature import temperature_c

        return BoardReading(temperature_c=temperature_c(self.root))


def test_heat_lowers_the_rate_in_steps_and_cooling_raises_it_again(tmp_path: Path) -> None:
    board, now, said = Board(tmp_path), [0.0], []
    policy = HeatPolicy(limit_c=80, recover_below_c=5, factor=0.5, full_fps=20, least_fps=2, step_s=5)
    limit = HeatLimit(board, policy, say=said.append, clock=lambda: now[0])

    def after(seconds: float, celsius: float) -> float | None:
        board.heat(celsius)
        for _ in range(int(seconds)):
            now[0] += 1
            allowed = limit.fps()
        return allowed

    assert after(20, 79) is None
    assert after(1, 80) == 10
    assert after(3, 85) == 10, "heat answers slowly: one step at a time"
    assert after(3, 85) == 5
    assert after(30, 85) == 2, "never below the least"
    assert after(30, 78) == 2, "between the two temperatures nothing swings"
    assert after(3, 70) == 4
    assert after(30, 70) is None
    assert len(said) == 8, said
    assert "80 °C" in said[0]
    assert "full speed" in said[-1]


def test_throttling_counts_as_heat() -> None:
    class Throttled:
        def read(self) -> BoardReading:
            return BoardReading(throttled=True)

    assert HeatLimit(Throttled(), HeatPolicy(full_fps=30, factor=0.5)).fps() == 15


def test_a_board_without_sensors_is_never_slowed() -> None:
    class Blind:
        def read(self) -> BoardReading:
            return BoardReading()

    assert HeatLimit(Blind()).fps() is None


def test_systemd_is_told_that_it_is_ready_and_alive(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(1)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        with SystemdNotifier(environment) as notifier:
            notifier.ready("watching")
            assert systemd.recv(200) == b"READY=1\nSTATUS=watching"
            for _ in range(100):
                notifier.alive()
            assert systemd.recv(200) == b"WATCHDOG=1"
            systemd.setblocking(False)
            with pytest.raises(BlockingIOError):
                systemd.recv(200)
            systemd.setblocking(True)
        assert systemd.recv(200) == b"STOPPING=1"


def test_without_systemd_nothing_is_said() -> None:
    with SystemdNotifier({}) as notifier:
        notifier.ready()
        notifier.alive()
    with SystemdNotifier({"NOTIFY_SOCKET": "/nowhere/at/all"}) as notifier:
        notifier.ready()


def test_status_finds_what_runs_and_says_how_it_is(
    staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    token.chmod(0o600)
    staged(fps=0, access=Access(token="a-token-of-some-length", token_file=token))
    answer = CliRunner().invoke(cli, ["status"])
    assert answer.exit_code == 0, answer.output
    assert "digits on onnxruntime int8" in answer.output
    assert "61 °C" in answer.output
    assert "camera" in answer.output
    told = json.loads(CliRunner().invoke(cli, ["status", "--json", "-"]).stdout)
    assert told[0]["loop"]["sources"][0]["name"] == "camera"


def test_status_from_another_session_finds_it_too(staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over SSH there may be no XDG_RUNTIME_DIR, and TMPDIR is another."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", None)
    loop = staged(fps=0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert f"{loop.base}/" in [running.url for running in running_here()]


def test_a_killed_process_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (tmp_path,))
    note = tmp_path / "99999999-80.json"
    note.write_text('{"pid": 99999999, "url": "http://127.0.0.1:80/", "token_file": null}')
    assert running_here() == []
    assert not note.exists()


def test_status_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "edgelens"
    folder.mkdir()
    (folder / "1.json").write_text('{"pid": 99999999, "url": "http://127.0.0.1:1/", "token_file": null}')
    (folder / "2.json").write_text("rubbish")
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (folder,))
    answer = CliRunner().invoke(cli, ["status"])
    assert isinstance(answer.exception, WorkError)
    assert "nothing runs here" in str(answer.exception)
    answer = CliRunner().invoke(cli, ["status", "--url", "http://127.0.0.1:1/"])
    assert (answer.exit_code, "does not answer" in answer.output) == (1, True)


def test_serve_from_start_to_end(tmp_path: Path, colour_bundle: Any) -> None:
    model = tmp_path / "colour.onnx"
    model.write_bytes(colour_bundle.read("models/colour.onnx"))
    words = [sys.executable, "-m", "edgelens", "serve", str(model), "--preview", "0", "--duration", "1"]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert "serving colour" in answer.stderr
    refused = CliRunner().invoke(cli, ["serve", str(model), "--cert", "only.pem"])
    assert "belong together" in str(refused.exception)


def test_the_container_file() -> None:
    """hadolint where it is installed; what matters most, everywhere."""
    text = (ROOT / "Dockerfile").read_text()
    steps = [line.split()[0] for line in text.splitlines() if line and line[0].isupper()]
    assert steps[0] == "FROM"
    assert {"USER", "HEALTHCHECK", "ENTRYPOINT"} <= set(steps)
    assert ":latest" not in text
    assert "USER 10001" in text
    assert "--no-cache-dir" in text
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint:
        subprocess.run([hadolint, ROOT / "Dockerfile"], check=True)
