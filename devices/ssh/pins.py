"""The versions that a device gets, and the hashes of their wheels: what the kit was tested with, and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from edgelens.runtime.host.toml_text import read_toml

__all__ = ["Pin", "parts_known", "pinned", "wheel_hashes"]


@dataclass(frozen=True)
class Pin:
    """One package of a device's environment."""

    name: str
    version: str


def parts_known() -> tuple[str, ...]:
    """What can be asked for beyond the kit itself: engines, the live page, MQTT."""
    return tuple(name for name in _table()["parts"] if name != "always")


def pinned(parts: Sequence[str], python: Sequence[int]) -> tuple[Pin, ...]:
    """All that the kit and these parts of it need on a device's Python, what those need included."""
    version = f"{python[0]}.{python[1]}"
    pins: dict[str, Pin] = {}
    for part in ("always", *parts):
        for entry in _table()["parts"][part]:
            if version in entry.get("pythons", (version,)):
                name, _, number = entry["package"].partition("==")
                pins[name] = Pin(name, number)
    return tuple(pins.values())


def wheel_hashes() -> Mapping[str, str]:
    """The sha256 of every wheel that was tested, by its file's name."""
    hashes: dict[str, str] = _table()["sha256"]
    return hashes


@functools.cache
def _table() -> dict[str, Any]:
    return read_toml((resources.files("edgelens.devices.ssh") / "pinned.toml").read_text("utf-8"))
