"""`edgelens compress`: a trained run becomes a bundle."""

from __future__ import annotations

import sys

import click

from .options import json_option

__all__ = ["command"]


@click.command(name="compress")
@click.argument("model")
@click.option("--out", required=True, metavar="FILE.edge", help="The bundle to write.")
@click.option("--name", metavar="NAME", help="The bundle's name; the file's unless given.")
@click.option("--calibrate", metavar="DIR", help="Images to calibrate with; the run's training images unless given.")
@click.option("--full-integer", is_flag=True, help="Pooling and classifier in 8 bits too, for accelerators.")
@click.option("--dynamic-batch", is_flag=True, help="ONNX files that take any number of pictures at once.")
@click.option("--allow-mismatch", is_flag=True, help="Write the bundle even where parity is outside its limits.")
@json_option
def command(
    model: str,
    out: str,
    name: str | None,
    calibrate: str | None,
    full_integer: bool,
    dynamic_batch: bool,
    allow_mismatch: bool,
    json_path: str | None,
) -> None:
    """Turn MODEL, a trained run or an .onnx file, into a small, fast, proven bundle."""
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.pipeline import compress_run
    from edgelens.compress.steps import Steps

    config = CompressConfig(
        name=name,
        calibrate=calibrate,
        full_integer=full_integer,
        dynamic_batch=dynamic_batch,
        allow_mismatch=allow_mismatch,
        command=" ".join(["edgelens", *sys.argv[1:]]),
    )
    made = compress_run(model, out, config, steps=Steps())
    click.echo(made.card.to_markdown().decode())
