"""What a device says of itself, believed only within bounds: it may be anybody's machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgelens.runtime.errors import DeviceError

__all__ = ["Deployed", "Hello", "checked_hello", "printable"]

MOST_LAYERS, MOST_WORDS, LONGEST_WORD = 1000, 1000, 8192
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
_MACHINE = re.compile(r"[a-z][a-z0-9_]{1,31}")


@dataclass(frozen=True)
class Deployed:
    """What a device's current slot holds, as far as the next deploy keeps it."""

    name: str
    content_version: int
    engine: str
    precision: str | None
    service: bool
    arguments: tuple[str, ...]
    config: bool  # whether it has one


@dataclass(frozen=True)
class Hello:
    """A device at the start of a connection."""

    python: tuple[int, int, int]
    machine: str  # uname -m
    libc: str
    home: str  # the kit's data folder there
    bits: int
    model: str = ""  # the board's name, where its device tree tells one
    layers: tuple[str, ...] = ()  # unpacked there
    parts: Mapping[str, int] = field(default_factory=dict)  # how many bytes of arriving ones are there
    pinned: tuple[str, ...] = ()  # layers that its slots need
    current: tuple[str, ...] = ()  # those of the current slot
    deployed: Deployed | None = None
    free_mb: int = 0


def checked_hello(host: str, plain: Any) -> Hello:
    """The hello of a message, or one line that says what of it cannot be."""
    if not isinstance(plain, dict):
        raise _odd(host, "no hello")
    machine, home = _text(host, plain, "machine", 32), _text(host, plain, "home", 4096)
    if not _MACHINE.fullmatch(machine):
        raise _odd(host, "machine")
    if not home.startswith("/") or ".." in home.split("/"):
        raise _odd(host, "home")
    version = plain.get("python")
    if not isinstance(version, list) or len(version) != 3 or not all(_whole(part, 99) for part in version):
        raise _odd(host, "python")
    if plain.get("bits") not in (32, 64):
        raise _odd(host, "bits")
    return Hello(
        python=(version[0], version[1], version[2]),
        machine=machine,
        libc=_text(host, plain, "libc", 64),
        home=home,
        bits=plain["bits"],
        model=_text(host, plain, "model", 128),
        layers=_keys(host, plain, "layers"),
        parts=_parts(host, plain),
        pinned=_keys(host, plain, "pinned"),
        current=_keys(host, plain, "current"),
        deployed=_deployed(host, plain.get("deployed")),
        free_mb=plain["free_mb"] if _whole(plain.get("free_mb"), 1 << 40) else 0,
    )


def printable(text: str, most: int = 300) -> str:
    """Somebody else's words, safe to show on a terminal: no control or formatting characters, not endless."""
    return "".join(character for character in text[: most * 4] if character.isprintable()).strip()[:most]


def _deployed(host: str, plain: Any) -> Deployed | None:
    if plain is None:
        return None
    if not isinstance(plain, dict):
        raise _odd(host, "deployed")
    words = plain.get("arguments", [])
    if not isinstance(words, list) or len(words) > MOST_WORDS or not all(_word(word) for word in words):
        raise _odd(host, "arguments")
    if (engine := plain.get("engine") or "auto") not in ("auto", "onnxruntime", "tflite"):
        raise _odd(host, "engine")
    precision = plain.get("precision")
    if not isinstance(precision, (str, type(None))) or not _whole(plain.get("content_version"), 1 << 53):
        raise _odd(host, "deployed")
    return Deployed(
        name=_text(host, plain, "name", 256),
        content_version=plain["content_version"],
        engine=engine,
        precision=precision and _text(host, plain, "precision", 32),
        service=plain.get("service") is True,
        arguments=tuple(words),
        config=plain.get("config") is True,
    )


def _word(word: Any) -> bool:
    return isinstance(word, str) and len(word) <= LONGEST_WORD and "\0" not in word


def _text(host: str, plain: Mapping[str, Any], key: str, most: int) -> str:
    value = plain.get(key, "")
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise _odd(host, key)
    return value


def _keys(host: str, plain: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = plain.get(key, [])
    if not isinstance(value, list) or len(value) > MOST_LAYERS:
        raise _odd(host, key)
    if not all(isinstance(each, str) and _KEY.fullmatch(each) for each in value):
        raise _odd(host, key)
    return tuple(value)


def _parts(host: str, plain: Mapping[str, Any]) -> dict[str, int]:
    value = plain.get("parts", {})
    if not isinstance(value, dict) or len(value) > MOST_LAYERS:
        raise _odd(host, "parts")
    return {key: size for key, size in value.items() if _KEY.fullmatch(key) and _whole(size, 1 << 40)}


def _whole(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _odd(host: str, what: str) -> DeviceError:
    return DeviceError(f"{host}: what it says of itself cannot be ({what}): is it the device you mean?")
