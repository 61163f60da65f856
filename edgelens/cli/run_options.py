"""The options of `edgelens run`, in groups, and the dataclass they arrive in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import click

from edgelens.cli.dataclass_options import of_sinks, options_of, plan_of, sink_options, source_options, to_stdout
from edgelens.cli.live_options import ListenOptions, access_options, collect_option, listen_options, no_photos_option
from edgelens.cli.numbers import Number
from edgelens.cli.options import (
    answer_options,
    engine_options,
    labels_option,
    model_argument,
    model_arguments,
    pixel_options,
    threshold_option,
)
from edgelens.runtime.loop.config import SourcePlan
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.track.options import TrackOptions
from edgelens.runtime.zones.options import ZoneOptions

__all__ = ["RunOptions", "run_options"]

F = Callable[..., Any]


@dataclass(frozen=True, eq=False, repr=False)
class RunOptions:
    """What the command line said, as it said it."""

    model: str
    sources: tuple[str, ...]
    config: str | None
    plan: SourcePlan  # what holds for every source
    arguments: ModelArguments  # what was said of the model
    engine: str
    precision: str | None
    threads: int | None
    explain_engine: bool
    max_temp: float | None
    duration: float | None
    strict: bool
    device_id: str | None
    summary_path: str | None
    no_preview: bool
    models: tuple[str, ...]
    listen: ListenOptions
    sinks: Mapping[str, Any]  # each sink's own options, by the sink's name
    printed: tuple[str, ...]  # the options that send what programs read to the standard output

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> RunOptions:
        """From all that the command line gave."""
        names = {field.name for field in fields(cls)}
        return cls(
            **{name: value for name, value in given.items() if name in names},
            plan=plan_of(given),
            arguments=model_arguments(given),
            listen=ListenOptions.of(given),
            sinks=of_sinks(given),
            printed=(*to_stdout(given), *(("--summary",) if given["summary_path"] == "-" else ())),
        )


_POSITIVE = Number(0, min_open=True)

_SOURCE = (
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="SOURCE",
        help="0, /dev/video0, csi:0, rtsp://…, http://… (MJPEG), a video, a GIF or WebP that moves, an image, folder, "
        "glob, or demo; may be given several times. The first camera found, else the demo, unless said.",
    ),
    click.option("--config", metavar="FILE.toml", help="Many sources, with region and model each."),
    source_options,
)
_LOOP = (
    options_of(SourcePlan, only=("region", "motion", "max_fps")),
    click.option("--max-temp", type=_POSITIVE, metavar="°C", help="Go slower while the board is hotter."),
    options_of(SourcePlan, only=("smoothing", "agree")),
    click.option("--duration", type=_POSITIVE, metavar="S", help="Stop after S seconds."),
    click.option("--strict", is_flag=True, help="Exit 1 when an image could not be decoded."),
)
_FOLLOW = (options_of(TrackOptions, ZoneOptions),)
_EXPLAIN = click.option("--explain-engine", is_flag=True, help="Show how the engine was chosen.")
_SINKS = (
    sink_options,
    click.option("--summary", "summary_path", metavar="FILE", help="Write the final table as JSON."),
    click.option("--device-id", metavar="ID", help="The stable id in results; the host's name unless said."),
)
_PAGE = (
    listen_options,
    click.option("--no-preview", is_flag=True, help="No live page."),
    click.option("--models", multiple=True, metavar="MODEL", help="Models the page may switch to."),
    collect_option,
    no_photos_option,
    access_options,
)


def run_options(function: F) -> F:
    """All options of `run`, in the order of its help."""
    first = (model_argument(), *_SOURCE, *_LOOP, *_FOLLOW, threshold_option, labels_option, answer_options, _EXPLAIN)
    for option in reversed((*first, engine_options, pixel_options, *_SINKS, *_PAGE)):
        function = option(function)
    return function
