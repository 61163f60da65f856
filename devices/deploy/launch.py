"""Start the current slot's bundle in the current slot's kit, once both are what was verified here.

Copied beside the slots, of no kit's version: standard library only, and it writes nothing. Run with `python3 -I`.
"""

# ruff: noqa: PTH100, PTH115, PTH118, PTH119, PTH120, PTH123

from __future__ import annotations

import hashlib
import json
import os
import runpy
import sys
import time
from collections.abc import Iterable
from typing import Any

__all__ = ["LAUNCHER_NAME", "chosen_slot", "combined", "file_hash", "tree_hash", "words"]

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
        return "the bundle"
    hashes = record.get("layer_hashes") or {}  # older kits wrote none
    for layer in record["layers"]:
        if layer in hashes and tree_hash(os.path.join(root, "site", layer)) != hashes[layer]:
            return str(layer)
    return None


def tree_hash(folder: str) -> str:
    """One hash of a folder's files; what Python compiled from them does not count."""
    hashes = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        paths = [os.path.join(parent, name) for name in names]
        hashes += [(os.path.relpath(path, folder).replace(os.sep, "/"), file_hash(path)) for path in paths]
    return combined(hashes)


def combined(files: Iterable[tuple[str, str]]) -> str:
    """One hash of files by their paths and hashes."""
    digest = hashlib.sha256()
    for path, file in sorted(files):
        digest.update(f"{path}\0{file}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def file_hash(path: str) -> str:
    """A file's sha256."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def main() -> None:
    """Start it in this process, whose command line shows nothing of what the slot says."""
    root = os.path.dirname(os.path.abspath(__file__))
    slot = os.path.join(root, "slots", chosen_slot(root))
    with open(os.path.join(slot, "slot.json"), encoding="utf-8") as stream:
        record = json.load(stream)
    if (what := changed(root, slot, record)) is not None:
        sys.exit(f"edgelens: {what} is not what this device verified: deploy it anew")
    site = [os.path.join(root, "site", layer) for layer in record["layers"]]
    os.environ.update(variables(slot), PYTHONPATH=os.pathsep.join(site), PYTHONNOUSERSITE="1", PYTHONSAFEPATH="1")
    sys.path[:0] = site
    sys.argv = ["edgelens", *words(slot, record), *sys.argv[1:]]
    runpy.run_module("edgelens", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
