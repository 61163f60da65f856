"""Options of the verbs that listen: where, for whom, and what is kept of what was seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:
    from edgelens.runtime.control import Control
    from edgelens.runtime.live.preview import LivePreview
    from edgelens.runtime.live.service import RecognizeService
    from edgelens.runtime.sinks.protocol import Sink

__all__ = ["listen_options", "live_page", "outlet_options", "outlets"]

F = Callable[..., Any]


def listen_options(function: F) -> F:
    """--preview and who may ask: --token-file, --insecure, --cert, --key; --collect."""
    for option in (
        click.option("--collect", metavar="DIR", help="Where the page keeps labelled pictures, a folder a label."),
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


def outlet_options(function: F) -> F:
    """Where results go besides the screen: --mqtt, --record, --keep-uncertain and what belongs to them."""
    for option in (
        click.option("--blur", is_flag=True, help="Blur what lies outside the recognized area of kept pictures."),
        click.option("--keep-uncertain", metavar="DIR", help="Collect pictures below or near the threshold."),
        click.option("--record-days", type=click.FloatRange(0.01), default=30.0, show_default=True, metavar="D"),
        click.option("--record-mb", type=click.FloatRange(1), default=1000.0, show_default=True, metavar="MB"),
        click.option("--record", metavar="DIR", help="Keep clips, snapshots and lines of what was announced."),
        click.option("--mqtt-outbox", metavar="FILE", help="Where messages wait while the broker is away."),
        click.option("--mqtt-all", is_flag=True, help="Publish every result, not only announced changes."),
        click.option("--mqtt", metavar="URL", help="mqtt://user@host/topic; the password is EDGELENS_MQTT_PASSWORD."),
    ):
        function = option(function)
    return function


def live_page(options: Mapping[str, Any], control: Control, *, service: RecognizeService | None = None) -> LivePreview:
    """The page that the options ask for; nothing is started yet."""
    from edgelens.runtime.live.access import choose_access
    from edgelens.runtime.live.preview import LivePreview
    from edgelens.runtime.live.server import Address, Tls

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


def outlets(options: Mapping[str, Any], control: Control, *, device: str) -> list[Sink]:
    """The sinks that the options ask for; nothing is started yet."""
    found: list[Sink] = []
    if options.get("mqtt"):
        from edgelens.runtime.sinks.mqtt import MqttOptions, MqttSink

        outbox = options.get("mqtt_outbox") or _state_folder() / "mqtt-outbox.sqlite"
        found.append(
            MqttSink(
                MqttOptions.parse(
                    options["mqtt"],
                    device=device,
                    outbox=Path(outbox),
                    publish="results" if options.get("mqtt_all") else "changes",
                )
            )
        )
    if options.get("record"):
        from edgelens.runtime.sinks.record import RecordOptions, RecordSink

        found.append(
            RecordSink(
                RecordOptions(
                    Path(options["record"]),
                    quota_bytes=int(options["record_mb"] * 1e6),
                    quota_age_s=options["record_days"] * 86400,
                )
            )
        )
    if options.get("keep_uncertain"):
        from edgelens.runtime.sinks.uncertain import UncertainOptions, UncertainSink

        found.append(
            UncertainSink(
                UncertainOptions(Path(options["keep_uncertain"]), blur=bool(options.get("blur"))),
                threshold=lambda source: control.settings(source).threshold,
                region=lambda source: control.settings(source).region,
            )
        )
    return found


def _state_folder() -> Path:
    """Where things are kept between two runs: systemd's folder for the service, else the user's."""
    given = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(given) if given else Path(home) / "edgelens"
