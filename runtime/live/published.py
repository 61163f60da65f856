"""A page on the network: bound, behind its token, announced in a line, and noted for `edgelens status`."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..errors import UsageError
from .http.access import Access, choose_access, is_loopback
from .http.budget import BUDGET, Budget
from .http.server import DEFAULT_PORT, Address, Server, Tls
from .running import Running, note_running

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["Published"]


class Published:
    """Where an app is served and for whom; `serve` starts it within a stack that ends it."""

    def __init__(
        self,
        address: Address,
        access: Access | None,
        *,
        say: Callable[[str], None],
        tls: Tls | None = None,
        budget: Budget = BUDGET,
        called: str = "live page",
    ) -> None:
        self._address, self._given, self._tls = address, access, tls
        self._budget, self._say, self._called = budget, say, called
        self.port = 0

    @property
    def access(self) -> Access:
        """Who may ask."""
        if self._given is None:
            self._given = choose_access(self._address.host)
        return self._given

    @property
    def secure(self) -> bool:
        """Whether it is served encrypted."""
        return self._tls is not None

    @property
    def url(self) -> str:
        """Where the page is, as somebody on the same network would write it."""
        host = self._address.host
        if host in ("", "0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
            host = _address_to_others()
        return self._url(host)

    @property
    def link(self) -> str:
        """The page's address with the token, ready to be opened."""
        token = self._given.token if self._given else None
        return self.url + (f"?token={token}" if token else "")

    def check(self) -> None:
        """Refuse what cannot be served, before anything is opened."""
        try:
            import starlette
            import uvicorn  # noqa: F401
        except ImportError:
            raise UsageError("the page needs starlette and uvicorn: pip install 'edgelens[live]'") from None
        del starlette
        if self._tls:
            self._tls.check()

    def bind(self, opened: ExitStack) -> socket.socket:
        """The listening socket; the port is known from here on."""
        listener = self._address.bind()
        opened.callback(listener.close)
        self.port = int(listener.getsockname()[1])
        return listener

    def serve(self, app: ASGIApp, listener: socket.socket, opened: ExitStack, *, rests: bool = False) -> None:
        """Answer from here on; `rests` where something beside it has to keep a rate."""
        opened.enter_context(Server(app, listener, tls=self._tls, budget=self._budget, rests=rests))
        opened.enter_context(note_running(self._running()))

    def announce(self) -> None:
        """Say where it is, and what that means for whoever else is on the network."""
        stepped = self._address.port is None and self.port != DEFAULT_PORT
        self._say(f"{self._called}: {self._shown()}" + (f" (port {DEFAULT_PORT} is taken)" if stepped else ""))
        if self.access.token is None and not is_loopback(self._address.host):
            self._say(f"{self._called}: everybody who reaches this address can watch and change it (--insecure)")
        if self._tls is None and not is_loopback(self._address.host):
            self._say(
                f"{self._called}: without TLS whoever is on this network can read the token and the pictures; "
                "give --cert and --key, or listen on 127.0.0.1 and come through `ssh -L`"
            )

    def _shown(self) -> str:
        """The link for who sits at a terminal; a log gets no token, but where it is."""
        if self.access.token is None or sys.stderr.isatty():
            return self.link
        return f"{self.url} (its token: {self.access.token_file or 'EDGELENS_TOKEN'})"

    def _running(self) -> Running:
        host = self._address.host
        here = "127.0.0.1" if host in ("", "0.0.0.0", "localhost") else "::1" if host == "::" else host  # noqa: S104
        kept = self.access.token_file
        return Running(os.getpid(), self._url(here), str(kept) if kept else None)

    def _url(self, host: str) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/"


def _address_to_others() -> str:
    """This machine's address on its network, found without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
