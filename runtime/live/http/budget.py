"""What all who ask may take of this machine at one time: counts, bytes and seconds, taken before the work begins."""

from __future__ import annotations

import resource
from dataclasses import dataclass, replace

__all__ = ["BUDGET", "Budget"]

_KIB, _MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Budget:
    """The limits of one server. What is over is refused in one line, or the one that waits longest makes room."""

    # connections
    connections: int = 512
    for_health: int = 16  # more, for who only asks how it is
    handshakes: int = 64  # TLS ones under way, of those
    handshake_s: float = 5.0
    head_bytes: int = 32 * _KIB  # of one request
    head_s: float = 10.0  # for it to come whole, and for a connection to stay without asking
    pipelined: int = 8  # requests sent ahead of their turn
    leftover_bytes: int = _MIB  # of a body that nobody wants, before no more is read
    crowd_leftover_bytes: int = 64 * _KIB  # the same while many are here
    farewell_s: float = 1.0  # from then until the line is cut, so that what was answered arrives
    stalled_s: float = 20.0  # nothing of an answer is taken

    # bodies
    requests: int = 64  # recognitions under way, being sent or being answered
    body_bytes: int = 16 * _MIB  # of one of them
    held_bytes: int = 32 * _MIB  # of all of them
    body_s: float = 30.0
    body_patience_s: float = 2.0  # after so long a body under way makes room where there is none
    json_bytes: int = 16 * _KIB

    # who looks
    viewers: int = 64
    listeners: int = 128

    # wrong tokens of one address, before it is told to wait; the right one is always let in
    wrong_tokens: int = 10
    wrong_tokens_s: float = 60.0

    def fitted(self) -> Budget:
        """With connections for no more than half of the files this process may open: cameras need the rest."""
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if soft == resource.RLIM_INFINITY:
            return self
        return replace(self, connections=min(self.connections, max(soft // 2, 8)))


BUDGET = Budget()  # unless said otherwise
