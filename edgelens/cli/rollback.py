"""`edgelens rollback`: back to what a device ran before."""

from __future__ import annotations

import click

from edgelens.cli.deploy import not_healthy
from edgelens.cli.options import json_option
from edgelens.cli.output import aside, write_json
from edgelens.runtime.errors import WorkError

__all__ = ["command"]


@click.command("rollback")
@click.option("--on", "host", required=True, metavar="[USER@]HOST", help="The device.")
@json_option
def command(host: str, json_path: str | None) -> None:
    """Go back to what a device ran before: bundle, kit, options, config and unit; only to what it verified itself."""
    from edgelens.devices.deploy.to_device import roll_back_there

    answer = roll_back_there(host, aside)
    if json_path:
        write_json(json_path, {"host": host, **answer.plain})
    if not answer.ok:
        raise WorkError(not_healthy(host, answer))
    if json_path != "-":
        click.echo(f"{host}: runs {answer.name} version {answer.content_version} again, from slot {answer.slot}")
        if answer.service != "none":
            click.echo(f"service {answer.service}" + (f": {answer.says}" if answer.says else ""))
