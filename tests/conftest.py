"""Fixtures that several folders of tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data, models and videos beside the checkout."""
    if not (SHARED / "data" / "README.md").is_file():
        pytest.skip("the folder of shared test data is not beside this checkout")
    return SHARED / "data"


@pytest.fixture(scope="session")
def shared_data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared data sets in the formats people have on disk, unpacked once a session."""
    target = tmp_path_factory.getbasetemp().parent / "edgelens-unpacked"
    done = target / ".complete"
    if not done.exists():
        subprocess.run([sys.executable, SHARED / "tools" / "unpack_data.py", target], check=True, capture_output=True)
        done.touch()
    return target
