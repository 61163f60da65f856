"""Options of a verb that listens: where, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:
    from edgelens.runtime.live.preview import LivePreview
    from edgelens.runtime.live.service.on_demand import ServiceOnDemand
    from edgelens.runtime.live.service.service import RecognizeService
    from edgelens.runtime.loop.control import Control

__all__ = ["listen_options", "live_page"]

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


def live_page(
    options: Mapping[str, Any], control: Control, *, service: RecognizeService | ServiceOnDemand | None = None
) -> LivePreview:
    """The page that the options ask for; nothing is started yet."""
    from edgelens.runtime.live.http.access import choose_access
    from edgelens.runtime.live.http.server import Address, Tls
    from edgelens.runtime.live.preview import LivePreview

    address = Address.parse(options["preview"]) if options.get("preview") else Address()
    if bool(options.get("cert")) != bool(options.get("key")):
        raise UsageError("--cert and --key belong together")
    token_file = options.get("token_file")
    access = choose_access(
        address.host, token_file=Path(token_file) if token_file else None, insecure=bool(options.get("insecure"))
    )
    return LivePreview(
        control,
        host=address.host,
        port=address.port,
        access=access,
        tls=Tls(Path(options["cert"]), Path(options["key"])) if options.get("cert") else None,
        collect=Path(options["collect"]) if options.get("collect") else None,
        service=service,
        say=lambda line: click.echo(line, err=True),
    )
