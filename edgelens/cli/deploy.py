"""`edgelens deploy`: put a bundle on a device."""

from __future__ import annotations

import shlex

import click

from edgelens.cli.elsewhere import wheels_option
from edgelens.cli.options import json_option, model_argument
from edgelens.cli.output import write_json

__all__ = ["command"]


@click.command("deploy")
@model_argument()
@click.option("--to", "host", required=True, metavar="[USER@]HOST", help="The device.")
@click.option("--engine", type=click.Choice(["auto", "onnxruntime", "tflite"]), default="auto", help="Which engine.")
@click.option("--precision", metavar="P", help="Which model file of the bundle.")
@click.option("--frames", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Of the smoke run.")
@click.option("--service", is_flag=True, help="Write and start a systemd service that runs it.")
@click.option("--run-options", metavar="WORDS", default="", help="What the service gives `edgelens run`, as one text.")
@click.option("--accept-key", multiple=True, metavar="KEY.pub", help="From now on take only bundles signed with it.")
@wheels_option
@json_option
def command(
    model: str,
    host: str,
    engine: str,
    precision: str | None,
    frames: int,
    service: bool,
    run_options: str,
    accept_key: tuple[str, ...],
    wheels: str | None,
    json_path: str | None,
) -> None:
    """Put a bundle on a device: verified there with golden frames and a smoke run, then switched to in one step."""
    from edgelens.devices.deploy.to_device import DeployPlan, deploy

    plan = DeployPlan(engine, precision, frames, service, tuple(shlex.split(run_options)), accept_key, wheels)
    answer = deploy(model, host, plan, lambda line: click.echo(line, err=True))
    if json_path:
        write_json(json_path, {"host": host, **answer})
    if json_path != "-":
        files = sum(1 for file in answer["files"] if not file["skipped"])
        smoke = answer["smoke"]
        click.echo(
            f"{host}: runs {answer['name']} version {answer['content_version']} from slot {answer['slot']}; "
            f"{files} model files verified there, {smoke['frames']} frames at {smoke['median_ms']} ms"
        )
        if "service" in answer:
            click.echo(answer["service"])
