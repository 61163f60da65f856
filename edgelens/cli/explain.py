"""`edgelens explain`: which pixels a trained network looked at, and which pictures an answer was found by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from edgelens.cli.options import (
    engine_options,
    json_option,
    labels_option,
    model_arguments,
    pixel_options,
    text_options,
)
from edgelens.cli.output import write_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgelens.runtime.explain.explanation import Explanation
    from edgelens.runtime.explain.look import Inside

    Explained = tuple[Explanation, NDArray[np.uint8], Inside | None]  # of the picture that was looked at

__all__ = ["command"]

_OF_RUNS = ("among",)
_OF_BOTH = ("model", "images", "method", "label", "out", "json_path")


@click.command(name="explain")
@click.argument("model")
@click.argument("images", nargs=-1, required=True)
@click.option(
    "--method",
    metavar="NAME",
    default="auto",
    show_default=True,
    help="Of a run: grad-cam, integrated-gradients, occlusion or attention. Of a bundle: occlusion.",
)
@click.option("--class", "label", metavar="NAME", help="Explain this class, name or text, not the network's own.")
@click.option(
    "--among", metavar="DIR", help="Pictures that a run's identifier compares with, a folder a name; else its own."
)
@click.option("--gallery", metavar="FILE", help="What a bundle compares with; what this device was taught unless said.")
@click.option(
    "--out",
    default="heat.png",
    show_default=True,
    metavar="FILE",
    help="Where the picture goes; of several images heat-NAME.png.",
)
@labels_option
@pixel_options
@text_options
@engine_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    images: tuple[str, ...],
    method: str,
    label: str | None,
    among: str | None,
    gallery: str | None,
    out: str,
    json_path: str | None,
    **of_model: Any,
) -> None:
    """Show what MODEL saw in IMAGES: each picture beside itself under a map of heat.

    A class is one map, a text a map for each character, things one for each box, an identity the map of what is alike
    and the most similar pictures. MODEL is the folder of a run, or a bundle or model file, which needs no torch.
    """
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.host.files import are_one, check_place

    if Path(out).suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"--out {out}: must end in .png, .jpg or .webp")
    check_place(out, "--out")
    places = list(_places(out, images))
    if own := next((place for place in places if any(are_one(Path(place), Path(image)) for image in images)), None):
        raise UsageError(f"--out {own}: is one of the pictures that are looked at; name another")
    run = Path(model).is_dir()
    _refuse_what_is_not_for(ctx, run=run)
    if run:
        explained = _of_run(model, images, method, label, among)
    else:
        explained = _of_model(model, images, method, label, gallery, of_model)
    told = []
    for image, place, (found, picture, inside) in zip(images, places, explained, strict=True):
        _write(place, found, picture)
        told.append({"image": image, **_told(found, inside), "out": place})
        if json_path != "-":
            x, y = found.whole.at()
            click.echo(f"{found.label} {found.score:.2f}, mostly at {x},{y} ({found.method}): {place}")
    if json_path:
        write_json(json_path, {"schema": 1, **(told[0] if len(told) == 1 else {"images": told})})


def _refuse_what_is_not_for(ctx: click.Context, *, run: bool) -> None:
    """No option is passed over in silence."""
    from edgelens.runtime.errors import UsageError

    for param in ctx.command.params:
        name = str(param.name)
        if name in _OF_BOTH or ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if run != (name in _OF_RUNS):
            whose = "a bundle or a model file" if run else "a run"
            raise UsageError(f"{param.opts[0]}: is for {whose}; {ctx.params['model']} is {'a run' if run else 'none'}")


def _of_run(
    run: str, images: tuple[str, ...], method: str, label: str | None, among: str | None
) -> Iterator[Explained]:
    """By the run's own network, in torch."""
    from edgelens.cli.output import counted
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.images.read import read_image
    from edgelens.train.explain.explain import explain
    from edgelens.train.explain.shown import ShownPictures
    from edgelens.train.runs.run import Run
    from edgelens.train.tasks.catalog import make_task

    opened = Run.open(run)
    task = make_task(opened.config, opened.classes)
    if task.reading is None:
        raise UsageError(f"{run}: its task, {task.name}, has no answer whose pixels could be told apart")
    network = opened.model()
    shown = ShownPictures(
        network,
        lambda: opened.split("train") if among is None else _folder(among),
        pixels=opened.pixels,
        outputs=task.outputs,
        seen=counted,
    )
    reading: Callable[..., Any] = task.reading
    for image in images:
        picture = read_image(Path(image))
        found = explain(
            network, picture, reading=reading(opened.decode, shown), pixels=opened.pixels, method_name=method,
            label=label,
        )  # fmt: skip
        yield found, picture, None


def _folder(path: str) -> Any:
    from edgelens.runtime.datasets.catalog import load_images

    return load_images(Path(path))


def _of_model(
    model: str,
    images: tuple[str, ...],
    method: str,
    label: str | None,
    gallery: str | None,
    of_model: dict[str, Any],
) -> Iterator[Explained]:
    """By what runs on a device, and by what it was taught there."""
    from edgelens.runtime.engines.choice import options_for
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.explain.look import look_at
    from edgelens.runtime.explain.occlusion import METHOD, explain_look
    from edgelens.runtime.images.read import read_image
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.model.recognizer import BundleRecognizer

    if method not in ("auto", METHOD):
        raise UsageError(
            f"--method {method}: follows gradients, which {model} has none of; give the run that it was made of, or"
            f" --method {METHOD}"
        )
    engine, precision = of_model["engine"], of_model["precision"]
    options = options_for(engine, of_model["threads"], spin=True)
    bundle = open_model(model, model_arguments(of_model))
    with BundleRecognizer(bundle, engine=engine, precision=precision, options=options, taught=True) as recognizer:
        if gallery is not None:
            _compare_with(recognizer, gallery)
        for image in images:
            look = look_at(recognizer, read_image(Path(image)))
            yield explain_look(recognizer, look, label), look.picture, look.inside


def _compare_with(recognizer: Any, gallery: str) -> None:
    from edgelens.runtime.errors import UsageError

    taught, name = recognizer.main.taught, recognizer.bundle.manifest.name
    if taught is None:
        raise UsageError(f"--gallery {gallery}: {name} cannot be taught: its task is {recognizer.main.network.task}")
    if not Path(gallery).is_file():
        raise UsageError(f"--gallery {gallery}: no such file; edgelens gallery list names those of this device")
    taught.take(Path(gallery))


def _places(out: str, images: tuple[str, ...]) -> Iterator[str]:
    """Where each picture goes: of several each under its image's name, no two under one."""
    from edgelens.runtime.host.numbered import numbered

    taken: set[Path] = set()
    for image in images:
        file = Path(out)
        if len(images) > 1:
            stems = numbered(f"{file.stem}-{Path(image).stem}")
            file = next(each for stem in stems if (each := file.with_name(stem + file.suffix)) not in taken)
            taken.add(file)
        yield out if len(images) == 1 else str(file)


def _write(place: str, found: Explanation, picture: NDArray[np.uint8]) -> None:
    import cv2

    from edgelens.runtime.explain.picture import drawn
    from edgelens.runtime.host.files import write_bytes

    done, data = cv2.imencode(Path(place).suffix.lower(), drawn(found, picture))
    assert done
    write_bytes(place, data.tobytes(), named=True)


def _told(found: Explanation, inside: Inside | None) -> dict[str, Any]:
    """An explanation as JSON."""
    told: dict[str, Any] = {
        "label": found.label,
        "score": found.score,
        "said": found.said,
        "method": found.method,
        "hottest": list(found.whole.at()),
        "parts": [
            {"label": p.label, "score": p.score, "hottest": list(p.at())} | ({"box": list(p.box)} if p.box else {})
            for p in found.parts
        ],
    }
    if found.similar:
        told["similar"] = [{"name": each.name, "score": each.score} for each in found.similar]
    if inside is not None:  # places are those of its own picture then
        told["inside"] = {"label": inside.label, "box": list(inside.box)}
    return told
