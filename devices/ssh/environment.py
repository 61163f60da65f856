"""Bringing a device what it needs to run the kit; what has arrived once stays, what broke off goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edgelens.runtime.host.owned import own_folder, write_own

from .connection import Connection
from .kit import pack_kit
from .wheels import Layer, cache_folder, fetch_wheels

__all__ = ["bring", "bring_kit", "forget_unused", "prepare"]

_CHUNK = 1 << 20
_DAY_S = 86400
Progress = Callable[[str], None]


def prepare(connection: Connection, parts: Sequence[str], wheels: str | None, progress: Progress) -> dict[str, str]:
    """The layers that make the environment there, the kit first, each with the hash of what it unpacks to."""
    return {layer.key: layer.unpacked_hash() for layer in bring(connection, parts, wheels, progress)}


def bring(connection: Connection, parts: Sequence[str], wheels: str | None, progress: Progress) -> list[Layer]:
    """The layers that make the environment, brought as far as the device lacks them; the kit comes first."""
    layers = [_kit(), *fetch_wheels(connection.hello, parts, wheels, progress)]
    present = set(connection.hello.layers)
    for layer in layers:
        if layer.key not in present:
            _bring(connection, layer, progress)
    _forget_replaced(connection, layers)
    return layers


def bring_kit(connection: Connection, progress: Progress) -> dict[str, str]:
    """The layers of the current slot with this machine's kit in place of the one there."""
    kit = _kit()
    if kit.key not in connection.hello.layers:
        _bring(connection, kit, progress)
    others = [key for key in connection.hello.current if not key.startswith("edgelens-")]
    return {kit.key: kit.unpacked_hash(), **dict.fromkeys(others, "")}


def forget_unused(connection: Connection) -> None:
    """What no slot needs leaves; the agent knows which those are by now."""
    for key in connection.hello.layers:
        _forget(connection, key)


def _kit() -> Layer:
    """The kit as a file of this user's cache; those of yesterday leave it."""
    name, data, digest = pack_kit()
    folder = cache_folder()
    path = folder / f"{Path(name).stem}-{digest[:16]}.zip"
    own_folder(folder)
    for older in folder.glob("edgelens-*.zip"):
        with contextlib.suppress(OSError):
            if time.time() - older.stat().st_mtime > _DAY_S:
                older.unlink()
    write_own(path, data)
    return Layer(path, digest)


def _forget_replaced(connection: Connection, layers: Sequence[Layer]) -> None:
    """Other versions of what was just brought leave, unless a slot needs them."""
    keys = {layer.key for layer in layers}
    names = {key.rpartition("-")[0] for key in keys}
    for key in connection.hello.layers:
        if key not in keys and key.rpartition("-")[0] in names and key not in connection.hello.pinned:
            _forget(connection, key)


def _forget(connection: Connection, key: str) -> None:
    connection.send({"do": "forget", "key": key})
    connection.receive()


def _bring(connection: Connection, layer: Layer, progress: Progress) -> None:
    connection.doing = f"bringing {layer.path.name} there"
    data = layer.path.read_bytes()
    at = connection.hello.parts.get(layer.key, 0)
    if at > len(data):
        at = 0
    rest = f", going on at {at / 1e6:.1f} MB" if at else ""
    progress(f"bringing {layer.path.name} ({len(data) / 1e6:.1f} MB{rest})")
    for start in range(at, len(data), _CHUNK) or (at,):  # one that is there whole has yet to be unpacked
        message = {"do": "put", "key": layer.key, "sha256": layer.sha256, "at": start, "total": len(data)}
        connection.send(message, data[start : start + _CHUNK])
        connection.receive()
