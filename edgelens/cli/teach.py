"""`edgelens teach NAME`: show a device something, and it knows it from then on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.dataclass_options import of_sources, options_of
from edgelens.cli.elsewhere import OnDevice, wheels_option
from edgelens.cli.numbers import Number
from edgelens.cli.options import engine_options, json_option, labels_option, model_arguments, on_option, pixel_options
from edgelens.cli.output import amount, aside, write_json
from edgelens.runtime.sources.options.camera import CameraOptions
from edgelens.runtime.sources.options.turned import TurnOptions
from edgelens.runtime.zones.options import ZoneOptions

if TYPE_CHECKING:
    from edgelens.runtime.model.teaching import Shown, Teacher
    from edgelens.runtime.preprocess import Region
    from edgelens.runtime.sources.protocol import Source
    from edgelens.runtime.zones.options import Zone

__all__ = ["command"]

_LIVE, _STILLS = 5, 50  # pictures that are taken unless said
_OWN_FOLDER = 60.0  # seconds to wait for pictures that differ


def _parts(params: dict[str, Any]) -> tuple[str, ...]:
    from edgelens.devices.remote import engines_for

    return engines_for([str(params["model"])], str(params.get("engine") or "auto").partition(":")[0])


@click.command("teach", cls=OnDevice, inputs=("model", "source", "labels"), parts=_parts)
@click.argument("name")
@click.option("--source", metavar="SOURCE", help="A camera, folder, video or picture; the first camera unless said.")
@click.option("--model", default="digits", show_default=True, help="What is taught: a bundle or a model file.")
@click.option("--count", type=click.IntRange(1, 500), metavar="N", help="Pictures at most: 5 of a camera, 50 of files.")
@click.option(
    "--min-difference",
    type=Number(0, 255),
    default=4.0,
    metavar="D",
    help="Gray levels that a camera's picture must differ by from those before, on average (4).",
)
@click.option("--no-photos", is_flag=True, help="Keep no small copies of the pictures, only what is compared.")
@click.option("--roi", metavar="X,Y,W,H", help="Where in the frame it is: pixels, or fractions of the frame.")
@click.option("--duration", type=Number(0, min_open=True), metavar="S", help="Look for S seconds at most.")
@engine_options
@labels_option
@pixel_options
@options_of(CameraOptions, TurnOptions, ZoneOptions, only=("size", "flip", "rotate", "mask"))
@json_option
@on_option
@wheels_option
def command(
    name: str,
    source: str | None,
    model: str,
    count: int | None,
    min_difference: float,
    no_photos: bool,
    roi: str | None,
    duration: float | None,
    engine: str,
    precision: str | None,
    threads: int | None,
    json_path: str | None,
    **of_source: Any,
) -> None:
    """Show MODEL something and give it a NAME: `edgelens run` calls it so from then on, and the page does too.

    Show it from a few sides. A classifier keeps its classes as they are and learns the name beside them; an identifier
    tells names apart by this alone. It takes seconds and no network. `edgelens gallery` lists, renames and forgets.
    """
    from edgelens.runtime.engines.choice import options_for
    from edgelens.runtime.gallery.exemplar import checked_name
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.model.recognizer import BundleRecognizer
    from edgelens.runtime.model.teaching import Teacher
    from edgelens.runtime.preprocess import Region
    from edgelens.runtime.said import from_said
    from edgelens.runtime.sources.catalog import default_source, open_source, refuse_unheeded

    spelled, places = checked_name(name), from_said(ZoneOptions, of_source)
    bundle = open_model(model, model_arguments(of_source))
    asked, told = source or default_source(), of_sources(of_source)
    opened = open_source(asked, told)
    refuse_unheeded([(asked, opened.name, told)])
    options = options_for(engine, threads, spin=False)
    with BundleRecognizer(bundle, engine=engine, precision=precision, options=options, taught=True) as recognizer:
        teacher = Teacher(recognizer)
        gallery = teacher.gallery()
        region = Region.parse(roi) if roi else None
        most = count or (_LIVE if opened.live else _STILLS)
        shown = list(_shown(teacher, opened, region, places.mask, most, min_difference, duration))
        began = time.perf_counter()
        lesson = teacher.teach(spelled, shown, source=opened.name, photos=not no_photos)
        known = teacher.recognized(spelled, shown)
        doubt = teacher.doubt(spelled, known, len(shown))
        kept = next(each.exemplars for each in gallery.names if each.name == spelled)
    took = time.perf_counter() - began
    if json_path is not None:
        write_json(
            json_path,
            {"schema": 1, "name": spelled, "pictures": len(shown), "kept": kept, "recognized": known, "lesson": lesson,
             "gallery": str(gallery.path), "seconds": round(took, 4)},
        )  # fmt: skip
    if json_path != "-":
        click.echo(
            f"{spelled}: {amount(len(shown), 'picture')} learned, {kept} kept;"
            f" take it back: edgelens gallery undo {lesson}"
        )
    if doubt:
        aside(doubt)


def _shown(
    teacher: Teacher,
    source: Source,
    region: Region | None,
    masks: tuple[Zone, ...],
    most: int,
    least: float,
    duration: float | None,
) -> Iterator[Shown]:
    """What the source shows, each picture's part that is looked at; of a camera or video those that differ."""
    from contextlib import closing

    from edgelens.runtime.images.burst import Burst
    from edgelens.runtime.loop.frames import frames_of
    from edgelens.runtime.loop.stop import StopOnSignals
    from edgelens.runtime.sources.images import ImageFiles
    from edgelens.runtime.zones.masks import hidden

    stills = isinstance(source, ImageFiles)
    burst, count = Burst(least), 0
    ends = time.monotonic() + (duration or (_OWN_FOLDER if source.live else float("inf")))
    with StopOnSignals() as stop, closing(hidden(frames_of(source, ends=ends, stop=stop, say=aside), masks)) as frames:
        for frame in frames:
            seen = teacher.look(frame.image, region)
            if seen is None or not (stills or burst.takes(seen.picture)):
                continue
            count += 1
            click.echo(f"{count}/{most}  {frame.source}", err=True)
            yield seen
            if count >= most:
                return
