"""The launcher: starts the current slot in its kit with its variables, and nothing that was changed."""

from __future__ import annotations

import importlib.util
import json
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgelens.devices.ssh.agent import launch
from edgelens.devices.ssh.agent.launch import file_hash, tree_hash

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


@pytest.mark.parametrize("what", ["site/kit-1/extra", "site/kit-1/edgelens/extra.py", "site/kit-1"])
def test_a_link_counts_as_changed(root: Path, tmp_path_factory: pytest.TempPathFactory, what: str) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    if what.endswith(".py"):
        (elsewhere / "extra.py").touch()
        (root / what).symlink_to(elsewhere / "extra.py")
    elif what.endswith("extra"):
        (root / what).symlink_to(elsewhere)
    else:
        shutil.move(root / what, elsewhere / "kit-1")
        (root / what).symlink_to(elsewhere / "kit-1")
    done = start(root)
    assert done.returncode == 1 and "kit-1 is not what this device verified: deploy it anew" in done.stderr


@pytest.mark.parametrize("state", [True, False])
def test_what_was_compiled_elsewhere_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch, state: bool) -> None:
    kit, other = root / "site/kit-1/edgelens", root / "other.py"
    other.write_text(KIT + "print('evil')\n")
    source = kit / "__main__.py"
    os.utime(other, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    planted = Path(importlib.util.cache_from_source(str(source)))
    py_compile.compile(str(other), str(planted), doraise=True)
    data = bytearray(planted.read_bytes())
    data[12:16] = source.stat().st_size.to_bytes(4, "little")
    planted.write_bytes(data)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    stale = root / "state/compiled" / str(root)[1:] / "site/kit-0"
    stale.mkdir(parents=True)
    if state:
        monkeypatch.setenv("STATE_DIRECTORY", str(root / "state"))
    before = sorted((root / "site").rglob("*"))
    done = start(root)
    assert done.returncode == 0 and "evil" not in done.stdout
    assert sorted((root / "site").rglob("*")) == before
    assert list(stale.parent.rglob("*.pyc") if state else [stale])
    assert stale.exists() is not state


def test_a_layer_whose_hash_is_not_known_is_not_started(root: Path) -> None:
    write(root, layer_hashes=None, config=None)
    record = json.loads((root / "slots/a/slot.json").read_text())
    del record["layer_hashes"], record["config"], record["arguments"]
    (root / "slots/a/slot.json").write_text(json.dumps(record))
    done = start(root)
    assert done.returncode == 1 and "deploy it anew" in done.stderr and done.stderr.count("\n") == 1
