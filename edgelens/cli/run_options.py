"""The options of `edgelens run`, in groups, and the dataclass they arrive in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import click

from edgelens.cli.options import (
    answer_options,
    engine_options,
    labels_option,
    model_argument,
    pixel_options,
    threshold_option,
)
from edgelens.cli.sink_options import of_sinks, sink_options, to_stdout

__all__ = ["RunOptions", "run_options"]

F = Callable[..., Any]


@dataclass(frozen=True, eq=False, repr=False)
class RunOptions:
    """What the command line said, as it said it."""

    model: str
    sources: tuple[str, ...]
    config: str | None
    labels: str | None
    threshold: float | None
    engine: str
    precision: str | None
    threads: int | None
    explain_engine: bool
    mean: str | None
    std: str | None
    color: str | None
    resize: str | None
    pad: int | None
    input_size: str | None
    decoder: str | None
    classes: str | None
    iou: float | None
    max_det: int | None
    roi: str | None
    size: str | None
    camera_fps: float | None
    flip: str | None
    rotate: str
    motion: bool
    max_fps: float | None
    max_temp: float | None
    smoothing: float | None
    agree: str
    duration: float | None
    strict: bool
    demo_seed: int
    device_id: str | None
    summary_path: str | None
    window: bool
    quiet: bool
    preview: str | None
    no_preview: bool
    models: tuple[str, ...]
    token_file: str | None
    insecure: bool
    cert: str | None
    key: str | None
    collect: str | None
    sinks: Mapping[str, Any]  # each sink's own options, by the sink's name
    printed: tuple[str, ...]  # the options that send results to the standard output

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> RunOptions:
        """From all that the command line gave."""
        names = {field.name for field in fields(cls)}
        mine = {name: value for name, value in given.items() if name in names}
        return cls(**mine, sinks=of_sinks(given), printed=to_stdout(given))


_POSITIVE = click.FloatRange(0, min_open=True)

_SOURCE = (
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="SOURCE",
        help="0, /dev/video0, csi:0, rtsp://…, http://… (MJPEG), a video, an image, a folder, a glob, or demo; may be "
        "given several times. The first camera found, else the demo, unless said.",
    ),
    click.option("--config", metavar="FILE.toml", help="Many sources, with region and model each."),
    click.option("--size", metavar="WxH", help="What a camera is asked for."),
    click.option("--camera-fps", type=_POSITIVE, metavar="FPS", help="What a camera is asked for."),
    click.option("--flip", type=click.Choice(["horizontal", "vertical", "both"]), help="Mirror the pictures."),
    click.option("--rotate", type=click.Choice(["0", "90", "180", "270"]), default="0", help="Turn them clockwise."),
    click.option("--demo-seed", type=click.IntRange(0), default=0, metavar="N", help="Which demo scene."),
)
_LOOP = (
    click.option("--roi", metavar="X,Y,W,H", help="Look only there: pixels, or fractions of the frame."),
    click.option("--motion", is_flag=True, help="Recognize only where the picture changed."),
    click.option("--max-fps", type=_POSITIVE, metavar="FPS", help="Recognize no more often."),
    click.option("--max-temp", type=_POSITIVE, metavar="°C", help="Go slower while the board is hotter."),
    click.option(
        "--smoothing",
        type=click.FloatRange(0, 1, min_open=True),
        metavar="W",
        help="Weight of the newest frame in the scores, 1 is no smoothing; .5 for what is live, 1 for files.",
    ),
    click.option("--agree", default="3/5", metavar="N/M", help="Announce a label when N of the last M frames agree."),
    click.option("--duration", type=_POSITIVE, metavar="S", help="Stop after S seconds."),
    click.option("--strict", is_flag=True, help="Exit 1 when an image could not be decoded."),
)
_EXPLAIN = click.option("--explain-engine", is_flag=True, help="Show how the engine was chosen.")
_SINKS = (
    sink_options,
    click.option("--summary", "summary_path", metavar="FILE", help="Write the final table as JSON."),
    click.option("--device-id", metavar="ID", help="The stable id in results; the host's name unless said."),
)
_PAGE = (
    click.option("--preview", metavar="[HOST:]PORT", help="Where the live page listens; 127.0.0.1:8080 unless said."),
    click.option("--no-preview", is_flag=True, help="No live page."),
    click.option("--models", multiple=True, metavar="MODEL", help="Models the page may switch to."),
    click.option("--collect", metavar="DIR", help="Where the page keeps labelled pictures."),
    click.option("--token-file", metavar="FILE", help="The token that opens the page."),
    click.option("--insecure", is_flag=True, help="No token, even beyond this machine."),
    click.option("--cert", metavar="FILE", help="TLS certificate."),
    click.option("--key", metavar="FILE", help="TLS key."),
)


def run_options(function: F) -> F:
    """All options of `run`, in the order of its help."""
    first = (model_argument(), *_SOURCE, *_LOOP, threshold_option, labels_option, answer_options, _EXPLAIN)
    for option in reversed((*first, engine_options, pixel_options, *_SINKS, *_PAGE)):
        function = option(function)
    return function
