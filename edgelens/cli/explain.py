"""`edgelens explain`: which pixels a trained network looked at."""

from __future__ import annotations

from pathlib import Path

import click

from edgelens.cli.options import json_option

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
@click.option("--class", "label", metavar="NAME", help="Explain this class, not the one the network said.")
@click.option("--out", default="heat.png", show_default=True, metavar="FILE", help="Where the picture goes.")
@json_option
def command(run: str, image: str, method: str, label: str | None, out: str, json_path: str | None) -> None:
    """Show what the network of RUN saw in IMAGE: the picture beside itself under a map of heat."""
    import cv2

    from edgelens.cli.output import write_json
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.host.files import check_place, write_bytes
    from edgelens.runtime.images.read import read_image
    from edgelens.train.explain.explain import explain
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
    explanation = explain(
        opened.model(),
        read_image(Path(image)),
        reading=task.reading(opened.decode),
        pixels=opened.pixels,
        method_name=method,
        label=label,
    )
    done, data = cv2.imencode(suffix, explanation.picture)
    assert done
    write_bytes(out, data.tobytes())
    x, y = explanation.at()
    if json_path:
        said = {
            "label": explanation.label,
            "score": explanation.score,
            "said": explanation.top,
            "method": explanation.method,
        }
        write_json(json_path, {"schema": 1, "image": image, **said, "hottest": [x, y], "out": out})
    if json_path != "-":
        click.echo(f"{explanation.label} {explanation.score:.2f}, mostly at {x},{y} ({explanation.method}): {out}")
