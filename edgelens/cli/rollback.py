"""`edgelens rollback`: back to what a device ran before."""

from __future__ import annotations

import click

from edgelens.cli.options import json_option
from edgelens.cli.output import write_json

__all__ = ["command"]


@click.command("rollback")
@click.option("--on", "host", required=True, metavar="[USER@]HOST", help="The device.")
@json_option
def command(host: str, json_path: str | None) -> None:
    """Go back to the bundle, and the kit, that a device ran before; only to what it verified itself."""
    from edgelens.devices.deploy.to_device import roll_back_there

    answer = roll_back_there(host)
    if json_path:
        write_json(json_path, {"host": host, **answer})
    if json_path != "-":
        click.echo(
            f"{host}: runs {answer['name']} version {answer['content_version']} again, from slot {answer['slot']}"
        )
