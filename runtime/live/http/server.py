"""uvicorn on a thread of its own, listening on a socket that was bound before anything else started."""

from __future__ import annotations

import contextlib
import math
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ...errors import UsageError, WorkError
from .budget import BUDGET, Budget

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

__all__ = ["DEFAULT_PORT", "Address", "Server", "Tls"]

DEFAULT_PORT = 8080
BACKLOG = 4096  # whom the kernel keeps until it is accepted; who finds no room tries again only after a second
SWITCH_S = 0.0005  # ten times a frame a camera takes the interpreter back from a busy server: 5 ms each is too long
SEND_BUFFER_BYTES = 256 * 1024  # what a slow viewer can have under way; more would only be older pictures


@dataclass(frozen=True)
class Address:
    """Where to listen; without a port it is 8080, or the next free one."""

    host: str = "127.0.0.1"
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """An address from `[HOST:]PORT`; an IPv6 host stands in brackets."""
        host, _, port = text.rpartition(":")
        if not port.isdecimal() or not 0 <= int(port) <= 65535:
            raise UsageError(f"{text}: write the address as [HOST:]PORT, for example 8080 or 0.0.0.0:8080")
        return cls(host.strip("[]") or "127.0.0.1", int(port))

    def bind(self) -> socket.socket:
        """A listening socket; an asked-for port that is taken is an error, the default one steps aside."""
        for port in [self.port] if self.port is not None else [*range(DEFAULT_PORT, DEFAULT_PORT + 100), 0]:
            try:
                return self._bound(port)
            except OSError as error:
                if self.port is not None or error.errno not in (98, 13):
                    where = f"{self.host}:{port}"
                    raise UsageError(f"{where}: cannot listen there ({error.strerror or error})") from None
        raise UsageError(f"{self.host}: no free port")

    def _bound(self, port: int) -> socket.socket:
        family, kind, proto, _, target = socket.getaddrinfo(
            self.host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, proto)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
            listener.bind(target)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener


@dataclass(frozen=True)
class Tls:
    """A certificate chain and its key, PEM."""

    cert: Path
    key: Path

    def check(self) -> None:
        """Fail early and in one line when they do not fit together."""
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.cert, self.key, password="")
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"--cert {self.cert} --key {self.key}: cannot be used ({error})") from None


class Server:
    """Serves an ASGI app on a bound socket until it is left; the socket is closed with it."""

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        *,
        tls: Tls | None = None,
        budget: Budget = BUDGET,
        rests: bool = False,  # where something beside it has to keep a rate
    ) -> None:
        self._app, self._socket, self._tls, self._budget, self._rests = app, listener, tls, budget, rests
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Server:
        import uvicorn

        from .guarded import GuardedServer

        config = uvicorn.Config(
            self._app,
            ws="none",
            lifespan="on",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=math.ceil(self._budget.head_s),
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=self._budget.head_bytes,
            ssl_certfile=self._tls.cert if self._tls else None,
            ssl_keyfile=self._tls.key if self._tls else None,
        )
        self._server = GuardedServer(config, self._socket, self._budget)
        self._switch_s = sys.getswitchinterval()
        sys.setswitchinterval(min(self._switch_s, SWITCH_S))
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), name="edgelens-live", daemon=True)
        self._thread.start()
        if not started.wait(15) or not self._server.started:
            self.__exit__(None, None, None)
            raise WorkError("the page's server did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(3)
            sys.setswitchinterval(self._switch_s)
        with contextlib.suppress(OSError):
            self._socket.close()

    def _serve(self, started: threading.Event) -> None:
        import asyncio

        from .rests import RestingLoop

        assert self._server is not None
        server = self._server

        async def main() -> None:
            serving = asyncio.ensure_future(server.serve())
            while not server.started and not serving.done():
                await asyncio.sleep(0.005)
            started.set()
            await serving

        loop = RestingLoop() if self._rests else asyncio.new_event_loop()
        try:
            loop.run_until_complete(main())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        except SystemExit:  # how uvicorn ends when its start-up fails
            pass
        finally:
            loop.close()
            started.set()
