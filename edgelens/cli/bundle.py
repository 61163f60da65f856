"""`edgelens bundle`: a finished model file, wrapped as it is."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from edgelens.cli.options import false_accepts_option, labels_option, pixel_options, tile_option

__all__ = ["command"]


@click.command(name="bundle")
@click.argument("model")
@click.option("--out", required=True, metavar="FILE.edge", help="The bundle to write.")
@click.option("--images", metavar="DIR", help="Photos to make golden frames from.")
@click.option("--name", metavar="NAME", help="The bundle's name; the file's unless given.")
@labels_option
@pixel_options
@tile_option
@false_accepts_option
def command(model: str, out: str, images: str | None, name: str | None, **said: Any) -> None:
    """Wrap MODEL, a .tflite or .onnx file, with its labels and input contract, proven by photos of yours."""
    from edgelens.compress.foreign import bundle_file

    known = {key: value for key, value in said.items() if value is not None}
    command_line = shlex.join(["edgelens", *sys.argv[1:]])
    made = bundle_file(model, out, known, images=images, name=name, command=command_line)
    for note in made.notes:
        click.echo(note, err=True)
    network = made.bundle.manifest.main
    click.echo(f"{out}: {network.task}, {len(network.labels)} labels, {network.files[0].engine}")
