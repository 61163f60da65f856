"""Options of a verb that listens: where, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:
    from edgelens.runtime.live.preview import LivePreview
    from edgelens.runtime.live.service.on_demand import ServiceOnDemand
    from edgelens.runtime.live.service.service import RecognizeService
    from edgelens.runtime.loop.control import Control

__all__ = ["ListenOptions", "listen_options", "live_page"]

F = Callable[..., Any]


def listen_options(function: F) -> F:
    """--preview and who may ask: --token-file, --insecure, --cert, --key."""
    for option in (
        click.option("--key", metavar="FILE", help="The certificate's private key, PEM."),
        click.option("--cert", metavar="FILE", help="Serve HTTPS with this certificate chain, PEM."),
        click.option("--insecure", is_flag=True, help="No token, even where other machines can reach it."),
        click.option("--token-file", metavar="FILE", help="The token that asking needs (else EDGELENS_TOKEN)."),
        click.option(
            "--preview", metavar="[HOST:]PORT", help="Where to listen (127.0.0.1:8080, or the next free port)."
        ),
    ):
        function = option(function)
    return function


@dataclass(frozen=True)
class ListenOptions:
    """Where a page listens and for whom, as the command line said it."""

    preview: str | None = None
    token_file: str | None = None
    insecure: bool = False
    cert: str | None = None
    key: str | None = None
    collect: str | None = None  # where the page keeps labelled pictures

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ListenOptions:
        """From all that the command line gave."""
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})


def live_page(
    options: ListenOptions, control: Control, *, service: RecognizeService | ServiceOnDemand | None = None
) -> LivePreview:
    """The page that the options ask for; nothing is started yet."""
    from edgelens.runtime.live.http.access import choose_access
    from edgelens.runtime.live.http.server import Address, Tls
    from edgelens.runtime.live.preview import LivePreview

    address = Address.parse(options.preview) if options.preview else Address()
    if bool(options.cert) != bool(options.key):
        raise UsageError("--cert and --key belong together")
    token_file = Path(options.token_file) if options.token_file else None
    return LivePreview(
        control,
        host=address.host,
        port=address.port,
        access=choose_access(address.host, token_file=token_file, insecure=options.insecure),
        tls=Tls(Path(options.cert), Path(options.key)) if options.cert and options.key else None,
        collect=Path(options.collect) if options.collect else None,
        service=service,
        say=lambda line: click.echo(line, err=True),
    )
