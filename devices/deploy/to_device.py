"""Deploying from the workstation: bring kit, engine and bundle there, and let the device decide."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.model.open import builtin_names, open_alone

from ..remote import engines_for, send_input
from ..ssh.connection import Connection
from ..ssh.environment import bring_kit, forget_unused, prepare
from ..ssh.hello import Deployed, printable
from .answer import Deployment, checked_answer
from .environment_file import read_variables
from .keys import keys_text
from .order import Order

__all__ = ["DeployPlan", "deploy", "merged", "roll_back_there"]

Progress = Callable[[str], None]
Needs = Callable[[Sequence[str], bool], Sequence[str]]
_MOST_SAID = 1 << 22


@dataclass(frozen=True)
class DeployPlan:
    """What of a device's slot is to change; None keeps what the device has."""

    engine: str | None = None
    precision: str | None = None
    frames: int = 20
    service: bool | None = None
    arguments: tuple[str, ...] | None = None  # of `edgelens run` in the service
    config: str | None = None  # a file here; "" takes away what is there
    secrets: str | None = None  # likewise: NAME=VALUE lines
    accept: tuple[str, ...] = ()  # public keys that the device takes bundles of from now on
    replace_keys: bool = False  # and no others
    wheels: str | None = None


def deploy(model: str, host: str, plan: DeployPlan, progress: Progress, needs: Needs) -> Deployment:
    """Put a bundle on a device; it switches only when the bundle is verified there, and back if it is not well.

    `needs` tells what a service with these arguments needs beyond kit and engine, and refuses arguments that cannot be.
    """
    bundle = _bundle(model)
    assert bundle.path is not None
    keys = keys_text(plan.accept) if plan.accept else None
    secrets = read_variables(plan.secrets) if plan.secrets else None
    with Connection(host) as connection:
        before = connection.hello.deployed
        wanted = merged(plan, before)
        needed = needs(wanted.arguments, wanted.config)
        if wanted.service and not wanted.config and not _names_source(wanted.arguments):
            progress("no --source among the run options: the first camera that is found, else the demo")
        parts = [*engines_for([model], wanted.engine), *(needed if wanted.service else ())]
        layers = prepare(connection, parts, plan.wheels, progress)
        connection.doing = f"bringing {bundle.path.name} there"
        name = f"in/{bundle.path.name}"
        send_input(connection, bundle.path, name)
        order = Order(
            bundle=name,
            layers=tuple(layers),
            layer_hashes=layers,
            engine=wanted.engine,
            precision=wanted.precision,
            frames=plan.frames,
            service=wanted.service,
            arguments=wanted.arguments,
            config=_sent(connection, "in/config", Path(plan.config).read_bytes() if plan.config else None, plan.config),
            environment=_sent(connection, "in/environment", secrets, plan.secrets),
            keys=_sent(connection, "in/keys", keys.encode() if keys else None, None),
            replace_keys=plan.replace_keys,
        )
        connection.doing = "verifying it there"
        progress("verifying it there")
        connection.send({"do": "write", "path": "in/order"}, json.dumps(asdict(order)).encode())
        answer = _ask(connection, layers, "receive", "in/order")
        forget_unused(connection)
    return answer


def roll_back_there(host: str, progress: Progress) -> Deployment:
    """Let a device go back to what it ran before; no wheel is needed for that, and this kit does it."""
    with Connection(host) as connection:
        if not connection.hello.current:
            raise WorkError(f"{host}: nothing was deployed there, so there is nothing to go back to")
        layers = bring_kit(connection, progress)
        connection.doing = "going back there"
        answer = _ask(connection, layers, "rollback")
        forget_unused(connection)
    return answer


def merged(plan: DeployPlan, before: Deployed | None) -> Deployed:
    """The plan, and what the device has where the plan says nothing."""
    kept = before or Deployed("", 0, "auto", None, service=False, arguments=(), config=False)
    arguments = kept.arguments if plan.arguments is None else plan.arguments
    config = kept.config if plan.config is None else bool(plan.config)
    service = kept.service if plan.service is None else plan.service
    if not service and (plan.arguments or plan.config or plan.secrets):
        raise UsageError("--run-options, --config and --secrets are a service's: give --service too")
    if config and _names_source(arguments):
        raise UsageError(
            "a config and --source among the run options do not go together: give --run-options without it, "
            "or --config '' to do without the config"
        )
    return Deployed(
        name="",
        content_version=0,
        engine=plan.engine or kept.engine,
        precision=plan.precision or kept.precision,
        service=service,
        arguments=arguments,
        config=config,
    )


def _names_source(arguments: Sequence[str]) -> bool:
    return any(word == "--source" or word.startswith("--source=") for word in arguments)


def _bundle(model: str) -> Bundle:
    bundle = open_alone(model)
    if bundle.path is None or (bundle.path.suffix != ".edge" and model not in builtin_names()):
        raise UsageError(f"{model}: only bundles are deployed; `edgelens bundle` makes one of a model file")
    return bundle


def _sent(connection: Connection, path: str, data: bytes | None, said: str | None) -> str | None:
    """Where a file lies there now; "" where it is to be taken away, None where it stays as it is."""
    if data is None:
        return said
    connection.send({"do": "write", "path": path}, data)
    return path


def _ask(connection: Connection, layers: Mapping[str, str], what: str, *words: str) -> Deployment:
    out, err = bytearray(), bytearray()

    def said(number: int, data: bytes) -> None:
        kept = out if number == 1 else err
        kept += data
        del kept[:-_MOST_SAID]

    argv = ["{python}", "-m", "edgelens.devices.deploy.receive", connection.hello.home, what, *words]
    code = connection.run(argv, layers, said)
    if code == 0:
        return checked_answer(connection.host, bytes(out))
    lines = err.decode("utf-8", "replace").strip().splitlines()
    refused = [line.removeprefix("refused: ") for line in lines if line.startswith("refused: ")]
    if refused:
        raise (UsageError if code == 2 else WorkError)(f"{connection.host}: {printable(refused[-1], 1000)}")
    last = printable(lines[-1], 200) if lines else f"exit code {code}"
    raise WorkError(f"{connection.host}: the bundle broke there and was not switched to ({last})")
