"""`edgelens explain`: which pixels a trained network looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.options import json_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgelens.train.explain.explain import Explanation, Part
    from edgelens.train.explain.shown import ShownPictures

__all__ = ["command"]


@click.command(name="explain")
@click.argument("run")
@click.argument("image")
@click.option(
    "--method",
    metavar="NAME",
    default="auto",
    show_default=True,
    help="grad-cam, integrated-gradients, occlusion or attention.",
)
@click.option("--class", "label", metavar="NAME", help="Explain this class, name or text, not the network's own.")
@click.option(
    "--among", metavar="DIR", help="Pictures that an identifier compares with, a folder a name; else what RUN learned."
)
@click.option("--out", default="heat.png", show_default=True, metavar="FILE", help="Where the picture goes.")
@json_option
def command(
    run: str, image: str, method: str, label: str | None, among: str | None, out: str, json_path: str | None
) -> None:
    """Show what the network of RUN saw in IMAGE: the picture beside itself under a map of heat.

    A class is one map, a text a map for each character, things one for each box, an identity the map of what is alike
    and the most similar pictures.
    """
    import cv2

    from edgelens.cli.output import counted, write_json
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.host.files import check_place, write_bytes
    from edgelens.runtime.images.read import read_image
    from edgelens.train.explain.explain import explain
    from edgelens.train.explain.shown import ShownPictures
    from edgelens.train.runs.run import Run
    from edgelens.train.tasks.catalog import make_task

    suffix = Path(out).suffix.lower()
    if suffix not in (".png", ".jpg", ".jpeg", ".webp"):
        raise UsageError(f"--out {out}: must end in .png, .jpg or .webp")
    check_place(out, "--out")
    opened = Run.open(run)
    task = make_task(opened.config, opened.classes)
    if task.reading is None:
        raise UsageError(f"{run}: its task, {task.name}, has no answer whose pixels could be told apart")
    network, picture = opened.model(), read_image(Path(image))
    shown = ShownPictures(
        network,
        lambda: opened.split("train") if among is None else _folder(among),
        pixels=opened.pixels,
        outputs=task.outputs,
        seen=counted,
    )
    found = explain(
        network, picture, reading=task.reading(opened.decode, shown), pixels=opened.pixels, method_name=method,
        label=label,
    )  # fmt: skip
    done, data = cv2.imencode(suffix, _drawn(found, picture, shown))
    assert done
    write_bytes(out, data.tobytes(), named=True)
    if json_path:
        write_json(json_path, {"schema": 1, "image": image, **_told(found, shown), "out": out})
    if json_path != "-":
        x, y = found.whole.at()
        click.echo(f"{found.label} {found.score:.2f}, mostly at {x},{y} ({found.method}): {out}")


def _folder(path: str) -> Any:
    from edgelens.runtime.datasets.catalog import load_images

    return load_images(Path(path))


def _drawn(found: Explanation, image: NDArray[np.uint8], shown: ShownPictures) -> NDArray[np.uint8]:
    """The one map large, or a sheet of the parts and of the pictures that are most alike."""
    from edgelens.train.explain.picture import sheet, side_by_side

    whole = found.whole
    boxed = _boxed(image, found.parts)
    if len(found.parts) == 1 and not found.similar:
        said = "" if found.said == found.label else f" (said: {found.said} {found.said_score:.2f})"
        return side_by_side(boxed, whole.heat, f"{found.label} {found.score:.2f}{said}   {found.method}")
    parts = found.parts if len(found.parts) > 1 else ()
    return sheet(
        [
            (boxed, None, f"said: {found.said}"),
            (boxed, whole.heat, f"{found.label} {found.score:.2f}"),
            *((_boxed(image, [part]), part.heat, f"{part.label} {part.score:.2f}") for part in parts),
            *((shown.image(row), None, f"{shown.names[row]} {alike:.2f}") for row, alike in found.similar),
        ]
    )


def _boxed(image: NDArray[np.uint8], parts: Sequence[Part]) -> NDArray[np.uint8]:
    """The image with the boxes of those parts that have one."""
    from edgelens.train.explain.picture import framed

    return framed(image, [part.box for part in parts if part.box is not None])


def _told(found: Explanation, shown: ShownPictures) -> dict[str, Any]:
    """An explanation as JSON."""
    told = {
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
        told["similar"] = [{"name": shown.names[row], "score": alike} for row, alike in found.similar]
    return told
