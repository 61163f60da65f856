"""Fixtures that several folders of tests share."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# what tests of several folders use; test cameras and brokers are modules of their own: benchmarks use them too
sys.path[:0] = [str(ROOT / "tests" / "fixtures"), str(ROOT / "tests" / "servers")]
pytest_plugins = [
    "mqtt_watcher",
    "shapes",
    "small_disk",
    "small_models",
    "staged_loop",
    "systemd_machine",
    "teachable_loop",
    "told_models",
    "trained_run",
]
SHARED = ROOT.parent / "shared"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure() -> None:
    """What a script starts with `&` ignores Ctrl-C, and so would all that the tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Two processes share the tests by file, so that its fixtures are made once; the boards' tests all go to one."""
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            group = "boards" if item.get_closest_marker("board") else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data, models and videos beside the checkout."""
    if not (SHARED / "data" / "README.md").is_file():
        pytest.skip("the folder of shared test data is not beside this checkout")
    return SHARED / "data"


@pytest.fixture(scope="session")
def shared_data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared data sets in the formats people have on disk, unpacked once."""
    base = tmp_path_factory.getbasetemp()
    target = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base).parent / "edgelens-unpacked"
    if not target.exists():
        own = tmp_path_factory.mktemp("unpacked")
        subprocess.run([sys.executable, SHARED / "tools" / "unpack_data.py", own], check=True, capture_output=True)
        with contextlib.suppress(OSError):  # another process was first
            own.rename(target)
    return target


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium of the system; one driver a session, since a thread holds only one."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium here")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield browser
        browser.close()
