"""`edgelens collect`: labelled photos with a camera or from a video, in class folders that `train` takes."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.dataclass_options import of_sources, options_of
from edgelens.cli.numbers import Number
from edgelens.cli.output import amount, aside
from edgelens.runtime.sources.options.camera import CameraOptions
from edgelens.runtime.sources.options.turned import TurnOptions
from edgelens.runtime.zones.options import ZoneOptions

if TYPE_CHECKING:
    from edgelens.cli.collect_keeper import Keeper
    from edgelens.runtime.frame import Frame
    from edgelens.runtime.host.keys import Keys
    from edgelens.runtime.images.burst import Burst
    from edgelens.runtime.preprocess import Region

__all__ = ["command"]

_POSITIVE = Number(0, min_open=True)
_KEYS = "123456789abcdefghijklmnoprstuvwxyz"  # of the labels, in their order; q ends
_SHOWN_EVERY_S = 0.2
_USUAL_EVERY_S, _USUAL_DIFFERENCE = 0.2, 6.0


@dataclass(frozen=True)
class _Wish:
    """Which frames are worth a photo."""

    count: int  # of every label
    nth: int  # every so manieth; 0 those that differ
    every_s: float  # between two, on the source's clock
    ends: float  # on the monotonic clock

    def due_after(self, frame: Frame) -> float:
        """When the next photo may be taken, on the clock of the source."""
        return frame.clock_s + self.every_s if self.every_s else -math.inf


@click.command("collect")
@click.option("--label", "labels", required=True, multiple=True, metavar="NAME",
              help="What the photos show: the folder they go to. Several: a key each decides.")  # fmt: skip
@click.option("--out", required=True, metavar="DIR", help="The data set's folder.")
@click.option("--source", metavar="SOURCE", help="As in `run`, a video file too; the first camera found unless said.")
@click.option("--count", type=click.IntRange(1), default=20, metavar="N", help="How many photos a label (20).")
@click.option(
    "--min-difference",
    type=Number(0, 255),
    metavar="D",
    help="Gray levels (of 255) that a photo must differ by from each before, on average (6).",
)
@click.option("--nth", type=click.IntRange(1), metavar="N", help="Every N-th frame instead, whether it differs or not.")
@click.option(
    "--every", type=Number(0), metavar="S", help="Seconds between two photos (of a camera .2), of a video its own."
)
@click.option("--delay", type=Number(0), default=0.0, metavar="S", help="Seconds before the first.")
@click.option("--duration", type=_POSITIVE, metavar="S", help="Stop after S seconds.")
@click.option("--roi", metavar="X,Y,W,H", help="Keep only this part: pixels, or fractions of the frame.")
@options_of(CameraOptions, TurnOptions, ZoneOptions, only=("size", "flip", "rotate", "mask"))
def command(
    labels: tuple[str, ...],
    out: str,
    source: str | None,
    count: int,
    min_difference: float | None,
    nth: int | None,
    every: float | None,
    delay: float,
    duration: float | None,
    roi: str | None,
    **of_source: Any,
) -> None:
    """Take photos of things with a camera, or from a video: those that differ from the ones before.

    With one label move the thing, or the camera, until they are taken; run it once a class, with the same --out. With
    several the keys 1, 2, … say what a frame shows: of a camera the frame of that moment, of a video every frame that
    differs waits for its key (space passes on). q ends.
    """
    from edgelens.cli.collect_keeper import Keeper
    from edgelens.runtime.errors import UsageError, WorkError
    from edgelens.runtime.images.burst import Burst
    from edgelens.runtime.live.shared.collect import Collector, class_folder
    from edgelens.runtime.loop.frames import frames_of
    from edgelens.runtime.loop.stop import StopOnSignals
    from edgelens.runtime.preprocess import Region
    from edgelens.runtime.said import from_said
    from edgelens.runtime.sources.catalog import default_source, kind_of, open_source, refuse_unheeded
    from edgelens.runtime.zones.masks import hidden

    places = from_said(ZoneOptions, of_source)
    folders = [class_folder(label) for label in labels]
    if len(set(folders)) < len(folders) or len(folders) > len(_KEYS):
        raise UsageError(f"--label: up to {len(_KEYS)} different names")
    asked, told = source or default_source(), of_sources(of_source)
    camera = open_source(asked, told)
    refuse_unheeded([(asked, camera.name, told)])
    by_hand, stills = camera.live and len(folders) > 1, kind_of(asked) == "images"
    _check_choice(min_difference, nth, every, by_hand=by_hand, stills=stills)
    ends = time.monotonic() + delay + (duration or float("inf"))
    usual = _USUAL_EVERY_S if camera.live and not nth else 0.0
    wish = _Wish(count, nth or 0, usual if every is None else every, ends)
    least = _USUAL_DIFFERENCE if min_difference is None else min_difference
    burst = Burst(least)
    stop = StopOnSignals()
    keeper = Keeper(
        Collector(Path(out)), Region.parse(roi) if roi else None, lambda: stop() or time.monotonic() > wish.ends
    )
    shown = frames_of(camera, ends=wish.ends, stop=stop, say=aside)
    with stop, closing(hidden(shown, places.mask)) as frames:
        _wait(delay, stop)
        if len(folders) == 1:
            _burst(frames, folders[0], wish, burst, keeper)
        else:
            _sitting(frames, folders, wish, burst, keeper, live=camera.live)
    _tell(keeper, folders, Path(out))
    if stop.exit_code:
        sys.exit(stop.exit_code)
    if not any(map(keeper.taken, folders)):
        raise WorkError(f"{camera.name}: no photo was taken: nothing came, or nothing differed by {least:g}")


def _tell(keeper: Keeper, folders: Sequence[str], out: Path) -> None:
    """How many photos of each thing were taken, and how many there are now."""
    for label in folders:
        click.echo(f"{amount(keeper.taken(label), 'photo')} of {label} taken; {out / label} has {keeper.total(label)}")


def _check_choice(
    min_difference: float | None, nth: int | None, every: float | None, *, by_hand: bool, stills: bool
) -> None:
    """Refuse a rule for which frames are taken where another, or somebody's keys, decide that."""
    from edgelens.runtime.errors import UsageError

    if nth and min_difference is not None:
        raise UsageError("--min-difference and --nth: give one of them")
    said = {"--min-difference": min_difference, "--nth": nth, "--every": every}
    told = next((flag for flag, value in said.items() if value is not None), None)
    if by_hand and told:
        raise UsageError(f"{told}: of a camera and several --label the keys say which frames are taken")
    if stills and every is not None:
        raise UsageError("--every: there is no time between pictures of files; --nth takes some of them")


def _burst(frames: Generator[Frame], label: str, wish: _Wish, burst: Burst, keeper: Keeper) -> None:
    """Photos of one thing by themselves."""
    due = -math.inf
    for frame in frames:
        if frame.clock_s < due or not _is_worth_it(frame, wish, burst, keeper.region):
            continue
        due = wish.due_after(frame)
        _show(frame)
        keeper.keep(frame, label, wish.count)
        if keeper.taken(label) >= wish.count:
            return


def _sitting(
    frames: Generator[Frame], labels: Sequence[str], wish: _Wish, burst: Burst, keeper: Keeper, *, live: bool
) -> None:
    """Photos of several things, each told by a key."""
    from edgelens.runtime.host.keys import Keys

    keys = dict(zip(_KEYS, labels, strict=False))
    pass_on = "" if live else "   space passes on"
    legend = "   ".join(f"{key} {label}" for key, label in keys.items()) + f"{pass_on}   q ends"
    click.echo(legend, err=True)
    shown, due = 0.0, -math.inf
    with Keys() as pressed:
        for frame in frames:
            if live:
                if time.monotonic() - shown > _SHOWN_EVERY_S:
                    shown = time.monotonic()
                    _show(frame, legend)
                key = pressed.wait(0)
            elif frame.clock_s >= due and _is_worth_it(frame, wish, burst, keeper.region):
                due = wish.due_after(frame)
                _show(frame, legend)
                key = _answer(pressed, keys, wish)
            else:
                continue
            if key in ("", "q"):
                return
            if key in keys:
                keeper.keep(frame, keys[key], wish.count)
            if all(keeper.taken(label) >= wish.count for label in labels):
                return


def _answer(pressed: Keys, keys: dict[str, str], wish: _Wish) -> str:
    """The key for the frame that waits; those that mean nothing are passed over."""
    while time.monotonic() < wish.ends:
        key = pressed.wait(min(wish.ends - time.monotonic(), 1.0))
        if key is not None and (key in keys or key in ("", "q", " ")):
            return key
    return "q"


def _is_worth_it(frame: Frame, wish: _Wish, burst: Burst, region: Region | None) -> bool:
    from edgelens.runtime.images.burst import cropped

    return frame.index % wish.nth == 0 if wish.nth else burst.takes(cropped(frame.image, region))


def _show(frame: Frame, legend: str = "") -> None:
    """The frame in the terminal, where there is one."""
    from edgelens.runtime.images.burst import in_terminal

    if sys.stderr.isatty():
        picture = in_terminal(frame.image, min(shutil.get_terminal_size().columns, 80))
        click.echo(f"\x1b[H\x1b[J{picture}" + (f"\n{legend}" if legend else ""), err=True)


def _wait(seconds: float, stop: Callable[[], bool]) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not stop():
        time.sleep(0.05)
