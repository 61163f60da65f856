"""Where things are kept, also for a user whom the machine does not know."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

PLACES = """
import os
from edgelens.runtime.host import places
os.setuid(54321)
for find in (places.state_folder, places.config_folder, places.data_folder, places.kept_folder, places.run_folder):
    print(find())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_user_without_an_entry_keeps_things_too(tmp_path: Path) -> None:
    without = {key: value for key, value in os.environ.items() if key != "HOME" and not key.startswith("XDG_")}
    there = {**without, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", PLACES], capture_output=True, text=True, env=there)
    assert done.returncode == 0, done.stderr
    places = done.stdout.split()
    assert len({*places}) == 5
    assert all("/edgelens-54321" in place for place in places)


def test_a_user_without_a_home_is_told_where_things_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from edgelens.devices.doctor.system import _disk
    from edgelens.devices.predict.calibrate import saved_calibration

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert saved_calibration("rpi4").is_relative_to(tmp_path)
    finding = _disk(Path("/"))
    assert "no home folder" in str(finding) and str(tmp_path) in str(finding)


def test_a_service_keeps_everything_in_its_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from edgelens.runtime.host import places

    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    monkeypatch.delenv("CONFIGURATION_DIRECTORY", raising=False)
    assert {places.state_folder(), places.config_folder(), places.kept_folder()} == {tmp_path}
