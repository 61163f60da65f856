"""`edgelens label`: boxes and classes by hand, in a browser on this machine or on a phone beside it."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from edgelens.cli.live_options import ListenOptions, access_options, listen_options
from edgelens.cli.numbers import Number
from edgelens.cli.options import labels_option, model_arguments, pixel_options, threshold_option, tile_option
from edgelens.cli.output import aside

__all__ = ["command"]

_FORMATS = ("coco", "yolo", "voc", "folders")


@click.command("label")
@click.argument("pictures", metavar="PHOTOS")
@click.option("--out", metavar="DIR", help="The data set that grows; PHOTOS-labelled unless said.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    help="What it is: boxes, or a folder a class for whole pictures; what --out is already, else coco.",
)
@click.option("--classes", metavar="A,B", help="The classes' names; others can be added on the page.")
@click.option("--assist", metavar="MODEL", help="What proposes boxes or classes: a bundle, .onnx, .tflite or a run.")
@click.option("--frames", type=click.IntRange(1), default=200, metavar="N", help="At most so many of a video (200).")
@click.option(
    "--min-difference",
    type=Number(0, 255),
    default=6.0,
    metavar="D",
    help="Gray levels (of 255) that a video's frame must differ by from each before, on average (6).",
)
@listen_options
@access_options
@threshold_option
@labels_option
@tile_option
@pixel_options
@click.option("--duration", type=Number(0, min_open=True), metavar="S", help="Stop after S seconds.")
def command(
    pictures: str,
    out: str | None,
    format_name: str | None,
    classes: str | None,
    assist: str | None,
    frames: int,
    min_difference: float,
    **options: Any,
) -> None:
    """Label PHOTOS in the browser: a folder, a video (its frames that differ), or a data set whose boxes go on.

    Folders of `run --keep-uncertain` and of `collect` are PHOTOS too. What is labelled lies in --out at once, in a form
    that `train` and `evaluate` take; a later start goes on where this one stopped. Nothing leaves this machine.
    """
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.labelling.app import LABELLING, build_app
    from edgelens.runtime.labelling.desk import Desk
    from edgelens.runtime.labelling.pictures import pictures_of
    from edgelens.runtime.loop.stop import StopOnSignals
    from edgelens.runtime.model.open import open_model

    said = model_arguments(options)
    if assist is None and (given := [name for name in ("labels", "threshold", "tile") if options[name] is not None]):
        raise UsageError(f"--{given[0]}: is of the model that --assist names")
    place = _place(pictures, out)
    model = open_model(_bundle_of(assist), said) if assist else None
    for note in model.notes if model else ():
        aside(f"{assist}: {note}")
    page = _page(ListenOptions.of(options), LABELLING)
    page.check()
    found = pictures_of(pictures, place / "frames", most=frames, differ=min_difference, say=aside)
    names = [name.strip() for name in (classes or "").split(",") if name.strip()]
    desk = Desk(found, place, format_name=format_name or "", classes=names, assist=model, say=aside)
    with StopOnSignals() as stop, ExitStack() as opened:
        listener = page.bind(opened)
        opened.enter_context(desk)
        page.serve(build_app(desk, page.access, secure=page.secure, port=page.port), listener, opened)
        page.announce()
        ends = time.monotonic() + (options["duration"] or float("inf"))
        while not stop() and time.monotonic() < ends:
            time.sleep(0.1)
        done, things = desk.counts()
    aside(f"{done} of {len(found)} pictures labelled{f', {things} boxes' if desk.form.boxes else ''}: {place}")
    sys.exit(stop.exit_code)


def _place(pictures: str, out: str | None) -> Path:
    """Where the data set grows: beside the photos, which a later start looks through again."""
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.labelling.journal import NAME

    photos = Path(pictures).resolve()
    if out is None:
        plain = Path(pictures) if Path(pictures).name not in ("", "..") else photos
        return plain.with_name(f"{plain.stem}-labelled")
    place = Path(out).resolve()
    if photos.is_dir() and photos in (place, *place.parents) and not (place / NAME).exists():
        raise UsageError(
            f"--out {out}: lies in {pictures}, and would be labelled itself at a later start: name a folder beside it"
        )
    return Path(out)


def _bundle_of(model: str) -> str:
    """A model's file; of a training's run one in float alone, which is gone when the page is."""
    if not (Path(model) / "run.json").is_file():
        return model
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.pipeline import compress_run

    aside(f"{model}: a run; its network is written as ONNX, which takes a moment")
    folder = click.get_current_context().with_resource(TemporaryDirectory(prefix="edgelens-label-"))
    out = Path(folder, f"{Path(model).name or 'run'}.edge")
    compress_run(model, out, CompressConfig(formats=("onnx",), precisions=("float32",)))
    return str(out)


def _page(options: ListenOptions, budget: Any) -> Any:
    """Where the page will be; nothing is bound yet."""
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.live.http.access import choose_access
    from edgelens.runtime.live.http.server import Address, Tls
    from edgelens.runtime.live.published import Published

    address = Address.parse(options.preview) if options.preview else Address()
    if bool(options.cert) != bool(options.key):
        raise UsageError("--cert and --key belong together")
    token_file = Path(options.token_file) if options.token_file else None
    access = choose_access(address.host, token_file=token_file, insecure=options.insecure)
    tls = Tls(Path(options.cert), Path(options.key)) if options.cert and options.key else None
    return Published(address, access, say=aside, tls=tls, budget=budget, called="labelling")
