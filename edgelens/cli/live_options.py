"""Options of a verb that listens: where, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgelens.cli.dataclass_options import options_of
from edgelens.cli.output import aside
from edgelens.runtime.errors import UsageError
from edgelens.runtime.said import Said, from_said, option

if TYPE_CHECKING:
    from edgelens.runtime.live.preview import LivePreview
    from edgelens.runtime.live.service.on_demand import ServiceOnDemand
    from edgelens.runtime.live.service.service import RecognizeService
    from edgelens.runtime.live.shared.machine import Machine
    from edgelens.runtime.loop.control import Control

__all__ = ["ListenOptions", "access_options", "collect_option", "listen_options", "live_page", "no_photos_option"]

F = Callable[..., Any]


@dataclass(frozen=True)
class ListenOptions:
    """Where a page listens and for whom, as the command line said it: every field is an option, spelled here alone."""

    preview: str | None = option(Said("Where to listen; 127.0.0.1:8080, or the next free port.", "[HOST:]PORT"))
    collect: str | None = option(Said("Where the page keeps labelled pictures.", "DIR"))
    no_photos: bool = option(Said("Teaching keeps no small copies, only what is compared."), default=False)
    token_file: str | None = option(Said("The token that asking needs (else EDGELENS_TOKEN).", "FILE"))
    insecure: bool = option(Said("No token, even where other machines can reach it."), default=False)
    cert: str | None = option(Said("Serve HTTPS with this certificate chain, PEM.", "FILE"))
    key: str | None = option(Said("The certificate's private key, PEM.", "FILE"))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ListenOptions:
        """From all that the command line gave."""
        return from_said(cls, given)


_ACCESS = ("token_file", "insecure", "cert", "key")


def listen_options(function: F) -> F:
    """Where a verb listens."""
    return options_of(ListenOptions, only=("preview",))(function)


def collect_option(function: F) -> F:
    """Whether its page keeps pictures."""
    return options_of(ListenOptions, only=("collect",))(function)


def no_photos_option(function: F) -> F:
    """Whether what it is taught keeps pictures."""
    return options_of(ListenOptions, only=("no_photos",))(function)


def access_options(function: F) -> F:
    """Who may ask it."""
    return options_of(ListenOptions, only=_ACCESS)(function)


def live_page(
    options: ListenOptions,
    control: Control,
    *,
    machine: Machine,
    service: RecognizeService | ServiceOnDemand | None = None,
    recorded: Path | None = None,
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
        machine=machine,
        recorded=recorded,
        photos=not options.no_photos,
        say=aside,
    )
