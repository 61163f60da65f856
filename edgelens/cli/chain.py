"""`edgelens chain A.edge B.edge --out C.edge`: what A finds is shown to B, in one bundle."""

from __future__ import annotations

import shlex
import sys

import click

__all__ = ["command"]


@click.command("chain")
@click.argument("first", metavar="A.edge")
@click.argument("second", metavar="B.edge")
@click.option("--out", required=True, metavar="FILE.edge", help="The bundle to write.")
@click.option("--margin", type=float, default=0.0, metavar="SHARE", help="Of the box, added on every side of the crop.")
@click.option(
    "--align",
    metavar="HOW",
    help="keypoints: level the crop by the first two, as a face's eyes; corners: what lies between four.",
)
@click.option("--classes", metavar="A,B", help="Look only into what A calls so; into everything unless said.")
@click.option(
    "--every", default="frame", metavar="WHEN", help="track: what is followed only when it is new or changed."
)
@click.option("--inside", metavar="STEP", help="Of a chain: whose things are cut out; the first step's unless said.")
@click.option("--images", metavar="DIR", help="Photos to prove the whole with; A's golden frames unless said.")
@click.option("--name", metavar="NAME", help="The bundle's name; the file's unless given.")
def command(
    first: str,
    second: str,
    out: str,
    margin: float,
    align: str | None,
    classes: str | None,
    every: str,
    inside: str | None,
    images: str | None,
    name: str | None,
) -> None:
    """Join two bundles that verify alone: B looks at what A finds (detect, then tell which)."""
    from edgelens.runtime.errors import UsageError
    from edgelens.runtime.model.chain import ChainOptions, chain
    from edgelens.runtime.model.open import open_alone

    wanted = tuple(label.strip() for label in classes.split(",") if label.strip()) if classes else ()
    if classes is not None and not wanted:
        raise UsageError(f"--classes {classes!r}: names none; leave it away to look into everything")
    made = chain(
        open_alone(first),
        open_alone(second),
        out,
        ChainOptions(margin, align, wanted, every, inside),
        images=images,
        name=name,
        command=shlex.join(["edgelens", *sys.argv[1:]]),
    )
    manifest = made.manifest
    steps = " → ".join(f"{step.output} ({manifest.networks[step.network].task})" for step in manifest.steps)
    click.echo(f"{out}: {steps}")
