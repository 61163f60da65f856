"""`edgelens doctor`: what on this machine, or on a device, would get in the way."""

from __future__ import annotations

import os
from typing import Any

import click

from edgelens.cli.elsewhere import OnDevice, wheels_option
from edgelens.cli.options import json_option, on_option
from edgelens.cli.output import print_table, write_json
from edgelens.runtime.errors import UsageError, WorkError

__all__ = ["command"]


def _needed_there(params: dict[str, Any]) -> tuple[str, ...]:
    return tuple(params["engine"]) or ("tflite",)


@click.command("doctor", cls=OnDevice, parts=_needed_there)
@click.option(
    "--engine",
    multiple=True,
    type=click.Choice(["onnxruntime", "tflite"]),
    help="With --on: which engines to bring and look at; tflite.",
)
@on_option
@wheels_option
@json_option
def command(engine: tuple[str, ...], json_path: str | None) -> None:
    """Check camera, packages, processor, clock, heat, memory, disk and ports; each finding says what to do."""
    from edgelens.devices.doctor.catalog import examine
    from edgelens.devices.here import this_machine

    if engine and "EDGELENS_ON_DEVICE" not in os.environ:
        raise UsageError("--engine goes with --on: here all engines are looked at")
    machine = this_machine()
    areas = examine()
    problems = [finding for findings in areas.values() for finding in findings if finding.level == "bad"]
    if json_path:
        plain = {area: [finding.as_dict() for finding in findings] for area, findings in areas.items()}
        write_json(json_path, {"device": machine.as_dict(), "findings": plain, "problems": len(problems)})
    if json_path != "-":
        click.echo(f"{machine.model} ({machine.profile}), {machine.system}")
        rows = [(f.level, f.what, f.says, f.do) for findings in areas.values() for f in findings]
        print_table(rows)
    if problems:
        raise WorkError(f"{len(problems)} of these stop the kit from working; the first: {problems[0].what}")
