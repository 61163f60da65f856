"""Bringing a device what it needs to run the kit; what has arrived once stays, what broke off goes on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .connection import Connection
from .kit import pack_kit
from .wheels import Layer, fetch_wheels

__all__ = ["prepare"]

_CHUNK = 1 << 20
Progress = Callable[[str], None]


def prepare(connection: Connection, parts: Sequence[str], wheels: str | None, progress: Progress) -> list[str]:
    """The names of the layers that make the environment there, the kit first."""
    layers = fetch_wheels(connection.hello, parts, wheels, progress)
    with tempfile.TemporaryDirectory() as folder:
        name, data, digest = pack_kit()
        path = Path(folder) / name
        path.write_bytes(data)
        layers.insert(0, Layer(path, digest))
        present = set(connection.hello["layers"])
        for layer in layers:
            if layer.key not in present:
                _bring(connection, layer, progress)
    _forget_older_kits(connection, layers[0].key)
    return [layer.key for layer in layers]


def _forget_older_kits(connection: Connection, current: str) -> None:
    for key in connection.hello["layers"]:
        if key.startswith("edgelens-") and key != current and key not in connection.hello["pinned"]:
            connection.send({"do": "forget", "key": key})
            connection.receive()


def _bring(connection: Connection, layer: Layer, progress: Progress) -> None:
    connection.doing = f"bringing {layer.path.name} there"
    data = layer.path.read_bytes()
    at = int(connection.hello["parts"].get(layer.key, 0))
    if at >= len(data):
        at = 0 if at > len(data) else max(len(data) - 1, 0)
    rest = f", going on at {at / 1e6:.1f} MB" if at else ""
    progress(f"bringing {layer.path.name} ({len(data) / 1e6:.1f} MB{rest})")
    while at < len(data):
        chunk = data[at : at + _CHUNK]
        message = {"do": "put", "key": layer.key, "sha256": layer.sha256, "at": at, "total": len(data)}
        connection.send(message, chunk)
        connection.receive()
        at += len(chunk)
