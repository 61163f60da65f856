"""The live page as a sink: everything the loop sees, shown in a browser."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..loop.control import Control
from ..result import Result
from ..sinks.protocol import Notice
from ..sinks.recorded import Recorded
from .http.access import Access
from .http.budget import BUDGET, Budget
from .http.server import Address, Tls
from .published import Published
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
        recorded: Path | None = None,
        photos: bool = True,
        budget: Budget = BUDGET,
        say: Callable[[str], None] = _to_stderr,
    ) -> None:
        self._published = Published(Address(host, port), access, say=say, tls=tls, budget=budget)
        self._service, self._budget = service, budget
        self._stack = ExitStack()
        collector = Collector(collect) if collect else None
        self.shared = SharedState(
            control,
            collector=collector,
            quality=quality,
            service=service,
            machine=machine,
            recorded=Recorded(recorded) if recorded else None,
            photos=photos,
        )

    @property
    def port(self) -> int:
        """Where it listens; 0 before it does."""
        return self._published.port

    @property
    def url(self) -> str:
        """Where the page is, as somebody on the same network would write it."""
        return self._published.url

    @property
    def link(self) -> str:
        """The page's address with the token, ready to be opened."""
        return self._published.link

    def write(self, result: Result) -> None:
        """Show one result to whoever looks."""
        self.shared.take(result)

    def notice(self, notice: Notice) -> None:
        """Show what happened to a source."""
        self.shared.hear(notice)

    def __enter__(self) -> LivePreview:
        page = self._published
        page.check()
        from .app import build_app

        with ExitStack() as opened:
            listener = page.bind(opened)
            opened.enter_context(self.shared.encoder)
            app = build_app(
                self.shared, page.access, service=self._service, budget=self._budget, secure=page.secure, port=page.port
            )
            page.serve(app, listener, opened, rests=bool(self.shared.control.sources))
            opened.callback(self.shared.hub.close)
            self._stack = opened.pop_all()
        page.announce()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()
