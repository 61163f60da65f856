"""The live page as a sink: everything the loop sees, shown in a browser."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..loop.control import Control
from ..result import Result
from ..sinks.protocol import Notice
from .http.access import Access, choose_access, is_loopback
from .http.budget import BUDGET, Budget
from .http.server import DEFAULT_PORT, Address, Server, Tls
from .running import Running, note_running
from .shared.collect import Collector
from .shared.machine import Machine
from .shared.shared_state import SharedState

if TYPE_CHECKING:
    from .service.on_demand import ServiceOnDemand
    from .service.service import RecognizeService

__all__ = ["LivePreview"]


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)


class LivePreview:
    """Serves the page and the HTTP interface from its own thread while it is entered.

    Without a port it takes 8080 or the next free one, and says so; a port that was asked for and is taken is an error.
    """

    name = "preview"

    def __init__(
        self,
        control: Control,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        access: Access | None = None,
        tls: Tls | None = None,
        collect: Path | None = None,
        quality: int = 80,
        service: RecognizeService | ServiceOnDemand | None = None,
        machine: Machine | None = None,
        budget: Budget = BUDGET,
        say: Callable[[str], None] = _to_stderr,
    ) -> None:
        self._address, self._access, self._tls = Address(host, port), access, tls
        self._service, self._budget, self._say = service, budget, say
        self._stack = ExitStack()
        collector = Collector(collect) if collect else None
        self.shared = SharedState(control, collector=collector, quality=quality, service=service, machine=machine)
        self.port = 0

    @property
    def url(self) -> str:
        """Where the page is, as somebody on the same network would write it."""
        scheme = "https" if self._tls else "http"
        host = self._address.host
        if host in ("", "0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
            host = _address_to_others()
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def link(self) -> str:
        """The page's address with the token, ready to be opened."""
        token = self._access.token if self._access else None
        return self.url + (f"?token={token}" if token else "")

    def write(self, result: Result) -> None:
        """Show one result to whoever looks."""
        self.shared.take(result)

    def notice(self, notice: Notice) -> None:
        """Show what happened to a source."""
        self.shared.hear(notice)

    def __enter__(self) -> LivePreview:
        try:
            import starlette
            import uvicorn  # noqa: F401
        except ImportError:
            raise UsageError("the page needs starlette and uvicorn: pip install 'edgelens[live]'") from None
        del starlette
        from .app import build_app

        if self._access is None:
            self._access = choose_access(self._address.host)
        if self._tls:
            self._tls.check()
        with ExitStack() as opened:
            listener = self._address.bind()
            opened.callback(listener.close)
            self.port = int(listener.getsockname()[1])
            opened.enter_context(self.shared.encoder)
            app = build_app(
                self.shared,
                self._access,
                service=self._service,
                budget=self._budget,
                secure=self._tls is not None,
                port=self.port,
            )
            opened.enter_context(
                Server(app, listener, tls=self._tls, budget=self._budget, rests=bool(self.shared.control.sources))
            )
            opened.callback(self.shared.hub.close)
            opened.enter_context(note_running(self._running()))
            self._stack = opened.pop_all()
        self._announce()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _running(self) -> Running:
        host = self._address.host
        here = "127.0.0.1" if host in ("", "0.0.0.0", "localhost") else "::1" if host == "::" else host  # noqa: S104
        scheme = "https" if self._tls else "http"
        kept = self._access.token_file if self._access else None
        return Running(
            os.getpid(), f"{scheme}://{f'[{here}]' if ':' in here else here}:{self.port}/", str(kept) if kept else None
        )

    def _announce(self) -> None:
        assert self._access is not None
        stepped = self._address.port is None and self.port != DEFAULT_PORT
        self._say(f"live page: {self.link}" + (f" (port {DEFAULT_PORT} is taken)" if stepped else ""))
        if self._access.token is None and not is_loopback(self._address.host):
            self._say("live page: everybody who reaches this address can watch and change it (--insecure)")
        if self._tls is None and not is_loopback(self._address.host):
            self._say(
                "live page: without TLS whoever is on this network can read the token and the pictures; "
                "give --cert and --key, or listen on 127.0.0.1 and come through `ssh -L`"
            )


def _address_to_others() -> str:
    """This machine's address on its network, found without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
