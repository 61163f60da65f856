"""Start the current slot's bundle in the current slot's kit, once both are what was verified here.

Copied beside the slots, of no kit's version: standard library only. Run with `python3 -I`. What Python compiles of the
kit is read and kept only in the service's state: what lies in the layers' own `__pycache__` nobody verified.
"""

# ruff: noqa: PTH100, PTH110, PTH114, PTH115, PTH118, PTH119, PTH120, PTH123, PTH208

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import stat
import sys
import time
from typing import IO, Any

__all__ = ["LAUNCHER_NAME", "chosen_slot", "combined", "file_hash", "stream_hash", "tree_hash", "words"]

LAUNCHER_NAME = "launch.py"
_BOOT = "/proc/sys/kernel/random/boot_id"


def chosen_slot(root: str) -> str:
    """The slot on trial while its trial lasts, in the boot that began it; else the current one."""
    try:
        with open(os.path.join(root, "slots", "trial.json"), encoding="utf-8") as stream:
            trial = json.load(stream)
        if trial["boot"] == boot() and seconds_up() < trial["until"]:
            return str(trial["slot"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return os.path.basename(os.readlink(os.path.join(root, "current")))


def boot() -> str:
    """What tells this start of the machine from others."""
    with open(_BOOT, encoding="ascii") as stream:
        return stream.read().strip()


def seconds_up() -> float:
    """Since that start; no clock that is set moves it."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def words(slot: str, record: dict[str, Any]) -> list[str]:
    """What the slot gives `edgelens`."""
    said = ["run", os.path.join(slot, "bundle.edge"), "--engine", record["engine"]]
    said += ["--precision", record["precision"]] if record["precision"] else []
    said += ["--config", os.path.join(slot, "config.toml")] if record.get("config") else []
    return [*said, *record.get("arguments", ())]


def variables(slot: str) -> dict[str, str]:
    """The slot's own environment: NAME=VALUE lines, readable by its user alone."""
    try:
        with open(os.path.join(slot, "environment"), encoding="utf-8") as stream:
            lines = [line.rstrip("\n").partition("=") for line in stream]
    except FileNotFoundError:
        return {}
    return {name: value for name, equals, value in lines if equals}


def changed(root: str, slot: str, record: dict[str, Any]) -> str | None:
    """What is not as it was verified; None where all is."""
    if file_hash(os.path.join(slot, "bundle.edge")) != record["sha256"]:
        return "the bundle is not what this device verified"
    hashes = record.get("layer_hashes") or {}
    for layer in record["layers"]:
        if layer not in hashes:
            return f"what {layer} was when it came is not written in {slot}/slot.json"
        if tree_hash(os.path.join(root, "site", layer)) != hashes[layer]:
            return f"{layer} is not what this device verified"
    return None


def tree_hash(folder: str) -> str:
    """One hash of a folder's files; links count as changed, `__pycache__` does not count and so must not be read."""
    if os.path.islink(folder):
        return "a link"
    hashes = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in [os.path.join(parent, name) for name in folders + names]:
            mode = os.lstat(path).st_mode
            if not stat.S_ISDIR(mode):
                name = os.path.relpath(path, folder).replace(os.sep, "/")
                hashes.append((name, file_hash(path) if stat.S_ISREG(mode) else "no file"))
    return combined(hashes)


def combined(files: list[tuple[str, str]]) -> str:
    """One hash of files by their paths and hashes."""
    digest = hashlib.sha256()
    for path, file in sorted(files):
        digest.update(f"{path}\0{file}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def file_hash(path: str) -> str:
    """A file's sha256."""
    with open(path, "rb") as stream:
        return stream_hash(stream)


def stream_hash(stream: IO[bytes]) -> str:
    """The sha256 of what is left to read."""
    digest = hashlib.sha256()
    for chunk in iter(lambda: stream.read(1 << 20), b""):
        digest.update(chunk)
    return digest.hexdigest()


def compiled(root: str, layers: list[str]) -> str:
    """Where Python keeps what it compiles: in the service's state, else nowhere; that of other layers is taken away."""
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if not state:
        return os.devnull
    folder = os.path.join(state, "compiled")
    site = os.path.join(folder, os.path.join(root, "site").lstrip("/"))
    there = os.listdir(site) if os.path.exists(site) else []
    for layer in set(there).difference(layers):
        shutil.rmtree(os.path.join(site, layer), ignore_errors=True)
    return folder


def main() -> None:
    """Start it in this process, whose command line shows nothing of what the slot says."""
    root = os.path.dirname(os.path.abspath(__file__))
    slot = os.path.join(root, "slots", chosen_slot(root))
    with open(os.path.join(slot, "slot.json"), encoding="utf-8") as stream:
        record = json.load(stream)
    what = changed(root, slot, record)
    if what is not None:
        sys.exit(f"edgelens: {what}: deploy it anew")
    site = [os.path.join(root, "site", layer) for layer in record["layers"]]
    os.environ.update(variables(slot), PYTHONPATH=os.pathsep.join(site), PYTHONNOUSERSITE="1", PYTHONSAFEPATH="1")
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = compiled(root, record["layers"])
    sys.path[:0] = site
    sys.argv = ["edgelens", *words(slot, record), *sys.argv[1:]]
    runpy.run_module("edgelens", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
