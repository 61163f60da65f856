"""`edgelens run`: recognize what a camera, stream, video or folder shows."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import Any

import click

from edgelens.cli.options import engine_options, model_argument, threshold_option
from edgelens.cli.output import print_table, write_json
from edgelens.runtime.errors import EdgelensError, UsageError

__all__ = ["command"]


@click.command("run")
@model_argument()
@click.option("--source", "sources", multiple=True, metavar="SOURCE", help="Camera, stream, video, images or demo.")
@threshold_option
@engine_options
@click.option("--duration", type=click.FloatRange(0, min_open=True), metavar="S", help="Stop after S seconds.")
@click.option("--json", "json_path", metavar="PATH", help="Write one JSON object a result; - is stdout.")
@click.option("--summary", "summary_path", metavar="FILE", help="Write the final table as JSON.")
@click.option("--preview", metavar="[HOST:]PORT", help="Where the live page listens.")
@click.option("--no-preview", is_flag=True, help="No live page.")
def command(model: str, sources: tuple[str, ...], **options: Any) -> None:
    """Recognize what SOURCE shows, until it ends or you press Ctrl-C."""
    from edgelens.runtime.control import Control, Settings
    from edgelens.runtime.model import open_model
    from edgelens.runtime.model_slot import ModelChoice, ModelSlot
    from edgelens.runtime.pace import Pace
    from edgelens.runtime.pipeline import Lane, LoopOptions, run
    from edgelens.runtime.sinks.jsonlines import JsonLines
    from edgelens.runtime.sinks.terminal import TerminalText
    from edgelens.runtime.sources.catalog import default_source, open_source
    from edgelens.runtime.stop import StopOnSignals
    from edgelens.runtime.summary import summary_rows

    with StopOnSignals() as stop, contextlib.ExitStack() as stack:
        opened = [open_source(spec) for spec in sources or (default_source(),)]
        slot = stack.enter_context(
            ModelSlot(open_model(model), ModelChoice(options["engine"], options["precision"], options["threads"]))
        )
        lanes = [Lane(source, slot) for source in opened]
        sinks = [JsonLines(options["json_path"]) if options["json_path"] else TerminalText()]
        control = Control([source.name for source in opened], Settings(threshold=options["threshold"]))
        summary, outlets, feeds = run(
            lanes,
            sinks,
            control,
            LoopOptions(options["duration"], socket.gethostname()),
            pace=Pace(),
            log=lambda text: click.echo(text, err=True),
            stop=stop,
        )
        lines, rows = summary_rows(summary)
        for line in lines:
            click.echo(line, err=options["json_path"] == "-")
        print_table(rows, header=("ms", "p50", "p95", "p99"), err=options["json_path"] == "-")
        if options["summary_path"]:
            write_json(options["summary_path"], summary)
    sys.stdout.flush()
    if feeds.blocked:
        os._exit(stop.exit_code)
    sys.exit(stop.exit_code)
