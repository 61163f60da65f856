"""The launcher: starts the current slot in its kit with its variables, and nothing that was changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgelens.devices.deploy import launch
from edgelens.devices.deploy.launch import file_hash, tree_hash

KIT = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.environ.get("SECRET"), sys.path[:1], os.environ["PYTHONPATH"]]))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A device's folder with one slot, whose kit says how it was started."""
    kit, slot = tmp_path / "site/kit-1/edgelens", tmp_path / "slots/a"
    kit.mkdir(parents=True)
    slot.mkdir(parents=True)
    (kit / "__init__.py").touch()
    (kit / "__main__.py").write_text(KIT)
    (slot / "bundle.edge").write_bytes(b"bundle")
    (slot / "environment").write_text("SECRET=a = b\nnothing\n")
    (slot / "config.toml").touch()
    (tmp_path / "current").symlink_to("slots/a")
    shutil.copy(launch.__file__, tmp_path / "launch.py")
    write(tmp_path, layer_hashes={"kit-1": tree_hash(str(kit.parent))})
    return tmp_path


def write(root: Path, **more: Any) -> None:
    slot = root / "slots/a"
    record = {"sha256": file_hash(str(slot / "bundle.edge")), "layers": ["kit-1"], "engine": "auto", "config": True,
              "precision": "int8", "arguments": ["--source", "it's"], **more}  # fmt: skip
    (slot / "slot.json").write_text(json.dumps(record))


def start(root: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", str(root / "launch.py")]
    environment = {**os.environ, "PYTHONPATH": "/nowhere"}
    return subprocess.run(words, capture_output=True, text=True, cwd=root, env=environment)


def test_the_slot_is_started_with_all_that_is_its_own(root: Path) -> None:
    (root / "json.py").write_text("raise SystemExit('the folder it was started in is not searched')")
    done = start(root)
    assert done.returncode == 0, done.stderr
    words, secret, path, python_path = json.loads(done.stdout)
    bundle, config = str(root / "slots/a/bundle.edge"), str(root / "slots/a/config.toml")
    assert words == ["run", bundle, "--engine", "auto", "--precision", "int8", "--config", config, "--source", "it's"]
    assert secret == "a = b"
    assert path == [str(root / "site/kit-1")] and python_path == path[0]


@pytest.mark.parametrize("what", ["site/kit-1/edgelens/__init__.py", "slots/a/bundle.edge"])
def test_what_was_changed_is_not_started(root: Path, what: str) -> None:
    (root / what).write_text("print('evil')")
    done = start(root)
    assert done.returncode == 1
    assert "is not what this device verified" in done.stderr
    assert "evil" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_was_added_counts_too(root: Path) -> None:
    (root / "site/kit-1/numpy.py").touch()
    assert start(root).returncode == 1


def test_what_an_older_kit_wrote_is_started(root: Path) -> None:
    write(root, layer_hashes=None, config=None)
    record = json.loads((root / "slots/a/slot.json").read_text())
    del record["layer_hashes"], record["config"], record["arguments"]
    (root / "slots/a/slot.json").write_text(json.dumps(record))
    assert start(root).returncode == 0
