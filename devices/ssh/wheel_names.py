"""What a wheel's file name says, and whether a device takes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgelens.runtime.errors import DeviceError

__all__ = ["Wheel", "fitting", "platform_tags"]

_OLDEST_GLIBC, _NEWEST_GLIBC = 17, 99
_NAME = re.compile(
    r"([A-Za-z0-9._]+)-([A-Za-z0-9.!+_]+)(?:-\d[^-]*)?-([a-z0-9._]+)-([a-z0-9._]+)-([A-Za-z0-9._]+)\.whl"
)


@dataclass(frozen=True)
class Wheel:
    """A wheel, known by its file's name alone."""

    file: str
    name: str  # as package indexes normalize it
    version: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]

    @classmethod
    def of(cls, file: str) -> Wheel | None:
        """From its file's name; None where it is no wheel's."""
        match = _NAME.fullmatch(file)
        if match is None:
            return None
        name = re.sub(r"[-_.]+", "-", match[1]).lower()
        tags = [tuple(part.split(".")) for part in match.group(3, 4, 5)]
        return cls(file, name, match[2], tags[0], tags[1], tags[2])


def platform_tags(machine: str, libc: str) -> list[str]:
    """The platform tags a device takes, newest first; glibc's version bounds them."""
    match = re.fullmatch(r"glibc (\d{1,2})\.(\d{1,3})", libc)
    if not match:
        raise DeviceError(f"the device's C library is {libc or 'unknown'}; wheels exist for glibc: use a Debian system")
    newest = min(int(match[2]), _NEWEST_GLIBC)
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)]
    return [*tags, f"manylinux2014_{machine}", f"linux_{machine}"]


def fitting(wheel: Wheel, python: Sequence[int], platforms: Sequence[str]) -> int | None:
    """How far down a device's list of preferences a wheel stands, 0 best; None where it does not run there."""
    minor = python[1]
    plain = "none" in wheel.abis and "any" in wheel.platforms
    if plain:
        return len(platforms) if {"py3", f"py3{minor}", f"cp3{minor}"} & set(wheel.pythons) else None
    own = f"cp3{minor}" in wheel.pythons and {f"cp3{minor}", "none"} & set(wheel.abis)
    stable = "abi3" in wheel.abis and any(_older(tag, minor) for tag in wheel.pythons)
    loose = "none" in wheel.abis and {"py3", f"py3{minor}"} & set(wheel.pythons)
    if not (own or stable or loose):
        return None
    return next((at for at, tag in enumerate(platforms) if tag in wheel.platforms), None)


def _older(tag: str, minor: int) -> bool:
    match = re.fullmatch(r"cp3(\d{1,2})", tag)
    return match is not None and int(match[1]) <= minor
