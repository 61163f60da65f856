"""`edgelens deploy`: put a bundle on a device."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from edgelens.cli.elsewhere import wheels_option
from edgelens.cli.options import json_option, model_argument
from edgelens.cli.output import aside, write_json
from edgelens.runtime.errors import UsageError, WorkError

if TYPE_CHECKING:
    from edgelens.devices.deploy.answer import Deployment

__all__ = ["command", "needs_of_run", "not_healthy"]


@click.command("deploy")
@model_argument()
@click.option("--to", "host", required=True, metavar="[USER@]HOST", help="The device.")
@click.option("--engine", type=click.Choice(["auto", "onnxruntime", "tflite"]), help="Which engine.")
@click.option("--precision", metavar="P", help="Which model file of the bundle.")
@click.option("--frames", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Of the smoke run.")
@click.option("--service/--no-service", default=None, help="A systemd service runs it from now on, or none does.")
@click.option("--run-options", metavar="WORDS", help="What the service gives `edgelens run`, as one text.")
@click.option("--config", metavar="FILE.toml", help="The service's --config; '' takes away the one there.")
@click.option("--secrets", metavar="FILE", help="NAME=VALUE lines that only the service sees; '' takes them away.")
@click.option("--accept-key", multiple=True, metavar="KEY.pub", help="Take bundles signed with it, beside others.")
@click.option("--replace-keys", is_flag=True, help="Take bundles of the keys of --accept-key alone.")
@wheels_option
@json_option
def command(
    model: str,
    host: str,
    engine: str | None,
    precision: str | None,
    frames: int,
    service: bool | None,
    run_options: str | None,
    config: str | None,
    secrets: str | None,
    accept_key: tuple[str, ...],
    replace_keys: bool,
    wheels: str | None,
    json_path: str | None,
) -> None:
    """Put a bundle on a device: verified there with golden frames and a smoke run, then switched to in one step.

    What is not said stays as the device has it. A service that does not become healthy goes back by itself.
    """
    from edgelens.devices.deploy.to_device import DeployPlan, deploy

    if replace_keys and not accept_key:
        raise UsageError("--replace-keys goes with --accept-key: an empty list would take no bundle")
    arguments = None if run_options is None else _split(run_options)
    if config:
        _check_config(config)
    plan = DeployPlan(
        engine, precision, frames, service, arguments, config, secrets, accept_key, replace_keys, wheels
    )  # fmt: skip
    answer = deploy(model, host, plan, aside, needs_of_run)
    if json_path:
        write_json(json_path, {"host": host, **answer.plain})
    if not answer.ok:
        raise WorkError(not_healthy(host, answer))
    if json_path != "-":
        click.echo(
            f"{host}: runs {answer.name} version {answer.content_version} from slot {answer.slot}; "
            f"{answer.files} model files verified there, {answer.frames} frames at {answer.median_ms} ms"
        )
        if answer.service != "none":
            click.echo(f"service {answer.service}" + (f": {answer.says}" if answer.says else ""))


def not_healthy(host: str, answer: Deployment) -> str:
    """What a person is told when a device went back by itself."""
    now = f"it runs {answer.runs} as before"
    if answer.runs == "nothing":
        before = "another user's service" if answer.service == "active" else "nothing"
        now = f"{before} ran there before, so {before} runs"
    return f"{host}: {answer.name} version {answer.content_version} did not become healthy there: {answer.why}; " + (
        "neither runs: see `systemctl status edgelens` there" if answer.service == "failed" else now
    )


def _split(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--run-options: {str(error).lower()}: quote it as in a shell") from None


def _check_config(path: str) -> None:
    from edgelens.runtime.loop.config import SourcePlan, read_config

    read_config(path, SourcePlan())


def needs_of_run(arguments: Sequence[str], config: bool) -> Sequence[str]:
    """What the service's `edgelens run` needs there; words that it would refuse are refused here."""
    from edgelens.cli.run import command as run_command
    from edgelens.cli.run import needed_there
    from edgelens.devices.ssh.hello import printable

    words = ["digits", *arguments, *(["--config", "config.toml"] if config else [])]
    try:
        params = run_command.make_context("run", words).params
    except click.UsageError as error:
        raise UsageError(f"--run-options: {printable(error.format_message())}") from None
    except click.exceptions.Exit:
        raise UsageError("--run-options: --help is no option of a service") from None
    if params.get("on") or params.get("wheels"):
        raise UsageError("--run-options: --on and --wheels say where, which --to does already")
    return needed_there(params, page=not params["no_preview"])
