"""Where connections come in: each takes its place first, and nothing else is made for it before it has sent a byte.

asyncio's own server makes a transport, a protocol and a TLS session for whoever connects, as many as there are files.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable

from .account import NO_PLACE
from .budget import Budget
from .crowd import Crowd, Guest
from .handshake import shaken_hands
from .one_piece import FEW
from .rests import RestingLoop
from .silent import Silent

__all__ = ["Door"]

ACCEPTING_S = 0.008  # in one turn of the event loop, so that those inside are answered meanwhile
TEND_S = 0.25
MET_AT_ONCE = 4  # in one turn of the event loop; what is made and read for each takes a millisecond
OUT_OF_FILES_S = 0.1
HEALTH = b"GET /v1/health"  # asked by who decides whether this process lives: it is not made to wait
HURRY_S = 0.012  # from being met to being answered, in which nobody else comes in
_ESTABLISHED = 1  # of the kernel's states of a connection
_TAKEN_IN = 64 * 1024  # at most, of who is turned away
_HANDSHAKE, _RECORD_HEAD, _MOST_HELLO = 22, 5, 4096  # a TLS record's first byte, its head's length; browsers send 2 kB


class Door:
    """Accepts on a listening socket, from `open` to `close`; looks like an asyncio server to who shuts it down."""

    def __init__(
        self,
        listener: socket.socket,
        greet: Callable[[Guest], asyncio.BaseProtocol],
        budget: Budget,
        *,
        crowd: Crowd,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener, self._greet, self._budget, self._crowd, self._tls = listener, greet, budget, crowd, tls
        self._loop = asyncio.get_running_loop()
        self._handshakes: dict[Guest, asyncio.Task[None]] = {}  # longest first
        self._lined_up: dict[Guest, socket.socket] = {}  # have something to say, longest first
        self._hurries, self._may_hurry, self._meeting = False, True, False

    def open(self) -> None:
        """From now on whoever connects is let in."""
        self._silent = Silent(self._loop, self._heard)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)
        self._tending = self._loop.call_later(TEND_S, self._tend)

    def close(self) -> None:
        """Nobody comes in any more; who is inside stays."""
        self._tending.cancel()
        self._loop.remove_reader(self._listener)
        self._silent.close()
        for guest in tuple(self._lined_up):
            self._leave_line(guest)
        for task in self._handshakes.values():
            task.cancel()

    async def wait_closed(self) -> None:
        """Closed is closed; uvicorn asks."""

    def _tend(self) -> None:
        self._crowd.tend()
        self._tending = self._loop.call_later(TEND_S, self._tend)

    def _accept(self) -> None:
        self._may_hurry = True
        start = time.perf_counter()
        self._accept_until(start + ACCEPTING_S)
        if isinstance(self._loop, RestingLoop):
            self._loop.gave_way(time.perf_counter() - start)

    def _accept_until(self, ends: float) -> None:
        while time.perf_counter() < ends:
            try:
                line, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no file left: the others are let in when there is one again
                self._pause(OUT_OF_FILES_S)
                return
            self._let_in(line, str(address[0]))
            if self._hurries:
                return

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._loop.call_later(seconds, self._again)

    def _again(self) -> None:
        self._hurries = False
        if not self._tending.cancelled():
            self._loop.add_reader(self._listener, self._accept)
            self._meet_soon()

    def _let_in(self, line: socket.socket, address: str) -> None:
        if self._crowded() and _has_left(line):
            line.close()
            return
        start = _peeked(line)
        guest = self._crowd.enter(address, line.close, asks_health=self._tls is None and _asks_health(start))
        if guest is None:
            self._turn_away(line, start)
            return
        self._wait_or_line_up(guest, line, start)

    def _wait_or_line_up(self, guest: Guest, line: socket.socket, start: bytes) -> None:
        if wanted := self._wanted(start):
            guest.close = lambda: self._leave_silent(guest)
            self._silent.add(guest, line, wanted)
        else:
            self._line_up(guest, line, start)

    def _turn_away(self, line: socket.socket, start: bytes) -> None:
        """Say that there is no place, and close; what came is read before, or the answer would be cut with the line."""
        if self._tls is None and start:
            with contextlib.suppress(OSError):
                line.recv(_TAKEN_IN, socket.MSG_DONTWAIT)
                line.send(NO_PLACE, socket.MSG_DONTWAIT)
        line.close()

    def _line_up(self, guest: Guest, line: socket.socket, start: bytes) -> None:
        """Who has something to say is met in turn, a few in one turn of the event loop; who asks for health at once.

        What is asked over TLS is not known yet: there it is who finds nobody in line.
        """
        self._crowd.busy(guest)
        if _asks_health(start) if self._tls is None else not self._lined_up:
            self._meet(guest, line)
            self._hurry()
            return
        guest.close = lambda: self._leave_line(guest)
        self._lined_up[guest] = line
        self._meet_soon()

    def _hurry(self) -> None:
        """In a crowd the next moment belongs to who was met, unless another had one just before."""
        if self._crowded() and self._may_hurry and not self._hurries:
            self._hurries, self._may_hurry = True, False
            self._pause(HURRY_S)

    def _meet_soon(self) -> None:
        if self._lined_up and not self._meeting and not self._hurries:
            self._meeting = True
            self._loop.call_soon(self._meet_some)

    def _leave_line(self, guest: Guest) -> None:
        self._lined_up.pop(guest).close()
        self._crowd.leave(guest)

    def _meet_some(self) -> None:
        self._meeting = False
        if self._hurries:
            return
        met = 0
        for guest in tuple(self._lined_up):
            if met == MET_AT_ONCE:
                break
            if self._crowded() and _has_left(self._lined_up[guest]):
                self._leave_line(guest)
            else:
                self._meet(guest, self._lined_up.pop(guest))
                met += 1
        self._meet_soon()

    def _crowded(self) -> bool:
        return len(self._crowd) > FEW

    def _heard(self, guest: Guest, line: socket.socket, waited_for: int) -> None:
        start = _peeked(line)
        if len(start) < waited_for:  # woken before they came: nothing more will come
            line.close()
            self._crowd.leave(guest)
        else:
            self._wait_or_line_up(guest, line, start)

    def _leave_silent(self, guest: Guest) -> None:
        self._silent.drop(guest)
        self._crowd.leave(guest)

    def _wanted(self, start: bytes) -> int:
        """The bytes to wait for, in all, before anything is made for a connection; 0 where enough are there.

        Of TLS that is a whole greeting: a session and its keys are not made for who only begins one.
        """
        if self._tls is None or (start and start[0] != _HANDSHAKE):
            return 0 if start else 1
        if len(start) < _RECORD_HEAD:
            return _RECORD_HEAD
        whole = _RECORD_HEAD + min(int.from_bytes(start[3:_RECORD_HEAD], "big"), _MOST_HELLO)
        return 0 if len(start) >= whole else whole

    def _meet(self, guest: Guest, line: socket.socket) -> None:
        """Make transport and protocol for who has something to say; with TLS that may take a while."""
        line.setblocking(False)
        if self._tls is not None and len(self._handshakes) >= self._budget.handshakes:
            self._handshakes.pop(next(iter(self._handshakes))).cancel()
        made: list[asyncio.BaseProtocol] = []
        task = self._loop.create_task(self._shake_hands(guest, line, made))
        self._handshakes[guest] = task
        guest.close = task.cancel  # type: ignore[assignment]

        def met(done: asyncio.Task[None]) -> None:  # not in the task: one that is cancelled early never begins
            self._handshakes.pop(guest, None)
            failed = done.cancelled() or isinstance(done.exception(), Exception)
            if failed and not made:  # else the socket is the transport's, which closes it
                line.close()
            if failed:
                self._crowd.leave(guest)

        task.add_done_callback(met)

    async def _shake_hands(self, guest: Guest, line: socket.socket, made: list[asyncio.BaseProtocol]) -> None:
        def make() -> asyncio.BaseProtocol:
            made.append(self._greet(guest))
            return made[0]

        if self._tls is None:
            await self._loop.connect_accepted_socket(make, line)
        else:
            below = await shaken_hands(make(), line, self._tls, self._budget.handshake_s)
            above = guest.unsent
            guest.unsent = lambda: above() + below.get_write_buffer_size()
            self._crowd.idles(guest)


def _asks_health(start: bytes) -> bool:
    return start.startswith(HEALTH) and start.endswith(b"\r\n\r\n")


def _has_left(line: socket.socket) -> bool:
    """Whether the other side closed while it waited to be let in: what it asked is not worked on in a crowd."""
    state = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != _ESTABLISHED


def _peeked(line: socket.socket) -> bytes:
    """What has come, which stays to be read."""
    try:
        return line.recv(_RECORD_HEAD + _MOST_HELLO, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:  # nothing yet; or gone
        return b""
