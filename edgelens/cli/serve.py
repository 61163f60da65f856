"""`edgelens serve`: answer recognition requests over HTTP, without a camera."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from edgelens.cli.live_options import ListenOptions, access_options, listen_options, live_page, no_photos_option
from edgelens.cli.machine_facts import device_name, machine_of
from edgelens.cli.numbers import Number
from edgelens.cli.options import (
    engine_options,
    false_accepts_option,
    labels_option,
    model_argument,
    model_arguments,
    pixel_options,
    threshold_option,
)
from edgelens.cli.output import aside

__all__ = ["command"]

STUCK_S = 5.0  # an event loop that does not come round for so long answers nobody: the watchdog may bite


@click.command("serve")
@model_argument()
@listen_options
@no_photos_option
@access_options
@threshold_option
@false_accepts_option
@labels_option
@engine_options
@pixel_options
@click.option(
    "--queue", type=click.IntRange(1, 10000), default=64, show_default=True, help="Requests under way at most."
)
@click.option("--device-id", metavar="ID", help="The name that results carry; the host's unless said.")
@click.option("--duration", type=Number(0, min_open=True), metavar="S", help="Stop after S seconds.")
def command(model: str, **options: Any) -> None:
    """Answer POST /v1/recognize with what MODEL sees in the pictures that are sent."""
    import cv2

    from edgelens.runtime.engines.protocol import EngineOptions
    from edgelens.runtime.host.file_identity import FileIdentity
    from edgelens.runtime.host.freed_memory import gaps_given_back, keep_freed_pictures, share_one_heap
    from edgelens.runtime.live.http.budget import Budget
    from edgelens.runtime.live.service.service import RecognizeService
    from edgelens.runtime.loop.control import Control, LoopStatus, ModelStatus, Settings
    from edgelens.runtime.loop.sdnotify import SystemdNotifier
    from edgelens.runtime.loop.stop import StopOnSignals
    from edgelens.runtime.model.open import open_model

    share_one_heap()
    keep_freed_pictures()
    cv2.setNumThreads(1)  # the workers are as many as the cores
    bundle = open_model(model, model_arguments(options))
    for note in bundle.notes:
        aside(note)
    budget = Budget(requests=options["queue"])
    service = RecognizeService(
        bundle,
        engine=options["engine"],
        precision=options["precision"],
        options=EngineOptions(threads=options["threads"] or 1),
        budget=budget,
        threshold=options["threshold"],
        device=device_name(options["device_id"]),
    )
    with StopOnSignals() as stop, gaps_given_back(), service, SystemdNotifier() as systemd:
        running, started, file = service.model_json(), time.time(), FileIdentity(bundle.path or Path(model))
        control = Control((), Settings())

        def status() -> LoopStatus:
            engine, precision, name = running["engine"], running["precision"], bundle.manifest.name
            version = bundle.manifest.content_version
            return LoopStatus(ModelStatus(model, engine, precision, name, version, file.sha256), started)

        control.attach(status, _no_swap)
        page = live_page(ListenOptions.of(options), control, service=service, machine=machine_of(service.device))
        service.on_result = page.shared.tell
        with page:
            click.echo(f"serving {running['name']}: POST {page.url}v1/recognize", err=True)
            systemd.ready()
            ends = time.monotonic() + (options["duration"] or float("inf"))
            while not stop() and time.monotonic() < ends:
                time.sleep(0.1)
                if time.monotonic() - page.shared.hub.tended < STUCK_S:
                    systemd.alive()
    sys.exit(stop.exit_code)


def _no_swap(model: str, source: str | None) -> None:  # noqa: ARG001
    from edgelens.runtime.errors import UsageError

    raise UsageError(f"{model}: a service keeps its model; start another")
