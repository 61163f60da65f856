"""The unit: sound to systemd itself, hardened, the same whatever is deployed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgelens.devices.deploy.unit import unit_text

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder that only a person would make up."""
    odd = tmp_path / "it's 50% $HOME; a \\ folder"
    odd.mkdir()
    (odd / "python3").symlink_to("/bin/true")
    return odd


def test_systemd_takes_it(place: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: run tests/board/prepare.sh")
    unit = tmp_path / "edgelens.service"
    for jetson in (False, True):
        unit.write_text(unit_text(str(place), "root", python="/usr/bin/python3", jetson=jetson))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        rated = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=40", unit], capture_output=True, text=True
        )
        assert rated.returncode == 0, rated.stdout[-300:]


def test_it_may_write_its_state_and_nothing_else(place: Path) -> None:
    lines = unit_text(str(place), "pi").splitlines()
    assert {"ProtectSystem=strict", "ProtectHome=read-only", "StateDirectory=edgelens"} <= set(lines)
    assert not [line for line in lines if line.startswith(("ReadWritePaths", "BindPaths", "ReadWriteDirectories"))]
    assert "WorkingDirectory=%S/edgelens" in lines


def test_a_jetsons_camera_daemon_is_reached(place: Path) -> None:
    assert "PrivateTmp=yes" in unit_text(str(place), "pi", jetson=False)
    assert "PrivateTmp=no" in unit_text(str(place), "pi", jetson=True)  # /tmp/argus_socket


def test_variables_reach_a_service_that_nobody_else_may_read(place: Path) -> None:
    """The documented way for a camera's login: a file of root's, which need not be there, not a line of the unit."""
    documented = re.search(r"variables in `([^`]+)`, which the unit reads", (DOCS / "deploying.md").read_text("utf-8"))
    assert documented is not None
    lines = unit_text(str(place), "pi").splitlines()
    assert f"EnvironmentFile=-{documented[1]}" in lines
    assert not [line for line in lines if line.startswith("Environment=") and "TMPDIR" not in line]
