"""What a device answers to a deploy or a rollback, believed only within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgelens.runtime.errors import DeviceError

from ..ssh.hello import printable

__all__ = ["Deployment", "checked_answer"]


@dataclass(frozen=True)
class Deployment:
    """How a device stands after it was asked for a bundle."""

    ok: bool  # it runs what was asked for
    name: str  # of the bundle that was asked for
    content_version: int
    slot: str  # the one that is current now
    runs: str  # what that is, in words
    why: str  # what was asked for does not run
    service: str  # how its service stands: "none", "written", "active", "failed"
    says: str  # the service itself
    files: int  # model files that were verified
    frames: int  # of the smoke run
    median_ms: float | None
    plain: Mapping[str, Any]  # all that it answered, for --json


def checked_answer(host: str, said: bytes) -> Deployment:
    """The last line that the device wrote."""
    lines = said.decode("utf-8", "replace").strip().splitlines()
    try:
        plain = json.loads(lines[-1])
        runs, service, smoke = plain.get("runs") or {}, plain.get("service") or {}, plain.get("smoke") or {}
        median = smoke.get("median_ms")
        return Deployment(
            ok=plain.get("ok", True) is True,
            name=_text(plain["name"]),
            content_version=int(plain["content_version"]),
            slot=_text(plain["slot"] or "none"),
            runs=f"{_text(runs['name'])} version {int(runs['content_version'])}" if runs else "nothing",
            why=_text(plain.get("why", "")),
            service=_text(service.get("state", "none")),
            says=_text(service.get("says", "")),
            files=sum(1 for file in plain.get("files", ()) if not file["skipped"]),
            frames=int(smoke.get("frames", 0)),
            median_ms=None if median is None else float(median),
            plain=plain,
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
        raise DeviceError(f"{host}: what it answered makes no sense: is it the device you mean?") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return printable(value, 500)
