"""`edgelens collect`: labelled photos with a camera, in class folders that `train` takes."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.dataclass_options import of_sources, options_of
from edgelens.runtime.sources.options.camera import CameraOptions
from edgelens.runtime.sources.options.turned import TurnOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from edgelens.runtime.frame import Frame
    from edgelens.runtime.sources.protocol import Source

__all__ = ["command"]

_POSITIVE = click.FloatRange(0, min_open=True)


@click.command("collect")
@click.option("--label", required=True, metavar="NAME", help="What the photos show: the folder they go to.")
@click.option("--out", required=True, metavar="DIR", help="The data set's folder.")
@click.option("--source", metavar="SOURCE", help="As in `run`; the first camera found unless said.")
@click.option("--count", type=click.IntRange(1), default=20, metavar="N", help="How many photos (20).")
@click.option(
    "--min-difference",
    type=click.FloatRange(0, 255),
    default=6.0,
    metavar="D",
    help="Gray levels (of 255) that a photo must differ by from each before, on average (6).",
)
@click.option("--every", type=click.FloatRange(0), default=0.2, metavar="S", help="Seconds between two photos (.2).")
@click.option("--delay", type=click.FloatRange(0), default=0.0, metavar="S", help="Seconds before the first.")
@click.option("--duration", type=_POSITIVE, metavar="S", help="Stop after S seconds.")
@click.option("--roi", metavar="X,Y,W,H", help="Keep only this part: pixels, or fractions of the frame.")
@options_of(CameraOptions, TurnOptions, only=("size", "flip", "rotate"))
def command(
    label: str,
    out: str,
    source: str | None,
    count: int,
    min_difference: float,
    every: float,
    delay: float,
    duration: float | None,
    roi: str | None,
    **of_source: Any,
) -> None:
    """Take photos of one thing with a camera: a burst in which each differs from those before.

    Move the thing, or the camera, until they are taken. Run it once a class, with the same --out.
    """
    from edgelens.runtime.errors import WorkError
    from edgelens.runtime.images.burst import Burst, cropped, in_terminal
    from edgelens.runtime.live.shared.collect import Collector, class_folder
    from edgelens.runtime.loop.stop import StopOnSignals
    from edgelens.runtime.preprocess import Region
    from edgelens.runtime.recognitions import Recognitions
    from edgelens.runtime.result import Result
    from edgelens.runtime.sources.catalog import default_source, open_source

    class_folder(label)
    camera = open_source(source or default_source(), of_sources(of_source))
    region = Region.parse(roi) if roi else None
    collector, burst, taken, due = Collector(Path(out)), Burst(min_difference), 0, time.monotonic() + delay
    show = sys.stderr.isatty()
    with StopOnSignals() as stop, closing(_frames(camera, duration, stop)) as frames:
        for frame in frames:
            if region is not None:
                region.check(*frame.size, camera.name)
            live = camera.live and every > 0
            if (live and time.monotonic() < due) or not burst.takes(cropped(frame.image, region)):
                continue
            kept = collector.keep(Result(frame, Recognitions.nothing()), label, region)
            taken, due = taken + 1, time.monotonic() + every
            if show:
                click.echo(
                    "\x1b[H\x1b[J" + in_terminal(frame.image, min(shutil.get_terminal_size().columns, 80)), err=True
                )
            click.echo(f"{taken}/{count}  {Path(out) / label / str(kept['file'])}", err=True)
            if taken >= count:
                break
    total = collector.count(class_folder(label))
    click.echo(f"{taken} photos of {label} taken; {Path(out) / label} has {total}")
    if stop.exit_code:
        sys.exit(stop.exit_code)
    if taken == 0:
        raise WorkError(f"{camera.name}: no photo was taken: nothing came, or nothing differed by {min_difference:g}")


def _frames(camera: Source, duration: float | None, stop: Callable[[], bool]) -> Generator[Frame]:
    """The camera's newest frames until the time is over."""
    from edgelens.runtime.loop.feeds import Feeds

    ends = time.monotonic() + (duration or float("inf"))
    with Feeds([camera], lambda notice: click.echo(notice.text, err=True)) as feeds:
        while not stop() and time.monotonic() < ends:
            got = feeds.take(0.2)
            if got is not None:
                yield got[1].frame
            else:
                feeds.check()
                if feeds.over:
                    return
