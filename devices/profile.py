"""What a device can do: one dataclass, filled from the TOML files beside this one."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.toml_text import read_toml

__all__ = ["Profile", "load_profile", "parse_profile", "profile_names"]


@dataclass(frozen=True)
class Profile:
    """A board as its makers describe it, and what the kit knows to do on it."""

    name: str
    title: str
    soc: str
    cpu: str  # the core's name, "Cortex-A72"
    cores: int
    clock_mhz: int
    machine: str  # uname -m
    features: tuple[str, ...]  # instruction-set extensions that kernels choose by: "dotprod", "fp16", "avx2", ...
    l1d_kb: int  # a core's own
    l2_kb: int
    l3_kb: int
    memory_mb: tuple[int, ...]  # the sizes it is sold with
    bandwidth_gbs: float  # peak of the memory bus
    engines: tuple[str, ...]
    delegates: tuple[str, ...]
    best_engine: str
    best_precision: str
    camera: str  # the pipeline a camera is reached by
    throttles_at_c: float | None  # None where the maker says nothing
    power_modes: tuple[str, ...]
    run_on: str  # "never", "emulated" or "hardware": where the kit has really run as this board
    models: tuple[str, ...] = ()  # parts of the device tree's model line that name this board
    compatible: tuple[str, ...] = ()  # entries of the device tree's compatible list
    notes: tuple[str, ...] = ()


def profile_names() -> tuple[str, ...]:
    """The boards the kit knows, by name."""
    folder = resources.files("edgelens.devices.profiles")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


@functools.lru_cache(maxsize=64)
def load_profile(name: str) -> Profile:
    """The named board's profile."""
    if name not in profile_names():
        raise UsageError(f"no device profile is called {name!r}; there are {', '.join(profile_names())}")
    text = (resources.files("edgelens.devices.profiles") / f"{name}.toml").read_text("utf-8")
    return parse_profile(name, read_toml(text))


def parse_profile(name: str, table: Mapping[str, Any]) -> Profile:
    """A profile from its TOML table; an unknown, missing or mistyped key is named."""
    known = {field.name: str(field.type) for field in fields(Profile)}
    values: dict[str, Any] = {"name": name}
    for key, value in table.items():
        if key not in known or key == "name":
            raise UsageError(f"profile {name}: {key!r} is no key of a profile")
        values[key] = _typed(name, key, value, known[key])
    optional = {"models", "compatible", "notes", "throttles_at_c"}
    if missing := sorted(set(known) - set(values) - optional):
        raise UsageError(f"profile {name}: lacks {missing[0]!r}")
    values.setdefault("throttles_at_c", None)
    return Profile(**values)


def _typed(name: str, key: str, value: Any, kind: str) -> Any:
    def fits(item: Any, wanted: str) -> bool:
        if wanted == "str":
            return isinstance(item, str)
        whole = isinstance(item, int) and not isinstance(item, bool)
        return whole or (wanted == "float" and isinstance(item, float))

    base = kind.removesuffix(" | None")
    if base.startswith("tuple["):
        if isinstance(value, list) and all(fits(item, base[6:].split(",")[0]) for item in value):
            return tuple(value)
    elif fits(value, base):
        return value
    raise UsageError(f"profile {name}: {key} must be {base}, not {value!r}")
