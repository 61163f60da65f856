"""Whose process listens on a port of this machine, as the kernel lists it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

__all__ = ["listened_on_only_by"]

_LISTENING = "0A"


def listened_on_only_by(port: int, users: Collection[int]) -> bool:
    """Whether somebody listens there, and no socket of that port is another user's than these."""
    listening = False
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(table).read_text("ascii").splitlines()[1:]:
                _, local, _, state, _, _, _, user, *_ = row.split()
                if int(local.rpartition(":")[2], 16) != port:
                    continue
                if state == _LISTENING:
                    listening = True
                if int(user) not in users:
                    return False
    return listening
