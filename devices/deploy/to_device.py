"""Deploying from the workstation: bring kit, engine and bundle there, let the device decide, start the service."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import DeviceError, UsageError, WorkError
from edgelens.runtime.model.open import builtin_names, open_model

from ..remote import engines_for, send_input
from ..ssh.connection import Connection
from ..ssh.environment import prepare
from .receive import Order
from .service import LAUNCHER, UNIT_NAME, unit_text

__all__ = ["DeployPlan", "deploy", "roll_back_there"]

Progress = Callable[[str], None]

_INSTALL = """set -e
root={root}; unit={unit}
cp {work}/in/launch.py "$root/launch.py.new"; mv "$root/launch.py.new" "$root/launch.py"
if [ "$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; else
  echo "the service needs root there: allow sudo without a password, or log in as root" >&2; exit 3; fi
$as mkdir -p /etc/systemd/system
$as cp {work}/in/unit /etc/systemd/system/$unit.new
$as mv /etc/systemd/system/$unit.new /etc/systemd/system/$unit
if [ -d /run/systemd/system ]; then $as systemctl daemon-reload; $as systemctl enable -q $unit
  $as systemctl restart $unit; systemctl is-active $unit
else echo "no systemd is running there: /etc/systemd/system/$unit is written, not started"; fi
"""
_RESTART = """if [ -d /run/systemd/system ] && [ -e /etc/systemd/system/{unit} ]; then
  if [ "$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi; $as systemctl restart {unit}; fi
"""


@dataclass(frozen=True)
class DeployPlan:
    """How a bundle goes onto a device."""

    engine: str = "auto"
    precision: str | None = None
    frames: int = 20
    service: bool = False
    arguments: tuple[str, ...] = ()  # of `edgelens run` in the service
    accept: tuple[str, ...] = ()  # public keys that the device takes bundles of from now on
    wheels: str | None = None


def deploy(model: str, host: str, plan: DeployPlan, progress: Progress) -> dict[str, Any]:
    """Put a bundle on a device; it switches only when the bundle is verified there."""
    bundle = _bundle(model)
    assert bundle.path is not None
    parts = [*engines_for([model], plan.engine), *(["live"] if plan.service else [])]
    with Connection(host) as connection:
        layers = prepare(connection, parts, plan.wheels, progress)
        if plan.accept:
            _accept(connection, layers, plan.accept)
        connection.doing = f"bringing {bundle.path.name} there"
        name = f"in/{bundle.path.name}"
        send_input(connection, bundle.path, name)
        order = Order(f"{{work}}/{name}", tuple(layers), plan.engine, plan.precision, plan.frames)
        connection.doing = "verifying it there"
        progress("verifying it there")
        answer = _ask(connection, layers, "receive", json.dumps(asdict(order)))
        if plan.service:
            answer["service"] = _install(connection, plan, layers)
        else:
            _shell(connection, layers, _RESTART.format(unit=UNIT_NAME))
    return answer


def roll_back_there(host: str) -> dict[str, Any]:
    """Let a device go back to the bundle and kit it ran before, in the environment it has."""
    with Connection(host) as connection:
        layers = list(connection.hello["current"])
        if not layers:
            raise WorkError(f"{host}: nothing was deployed there, so there is nothing to go back to")
        connection.doing = "going back there"
        answer = _ask(connection, layers, "rollback")
        _shell(connection, layers, _RESTART.format(unit=UNIT_NAME))
    return answer


def _bundle(model: str) -> Bundle:
    bundle = open_model(model)
    if bundle.path is None or (bundle.path.suffix != ".edge" and model not in builtin_names()):
        raise UsageError(f"{model}: only bundles are deployed; `edgelens bundle` makes one of a model file")
    return bundle


def _ask(connection: Connection, layers: list[str], what: str, *words: str) -> dict[str, Any]:
    out, err = bytearray(), bytearray()
    root = str(connection.hello["home"])
    argv = ["{python}", "-m", "edgelens.devices.deploy.receive", root, what, *words]
    code = connection.run(argv, layers, lambda number, data: (out if number == 1 else err).extend(data))
    if code == 0:
        answer: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
        return answer
    lines = err.decode("utf-8", "replace").strip().splitlines()
    refused = [line.removeprefix("refused: ") for line in lines if line.startswith("refused: ")]
    if refused:
        raise (UsageError if code == 2 else WorkError)(f"{connection.host}: {refused[-1]}")
    said = lines[-1][:200] if lines else f"exit code {code}"
    raise WorkError(f"{connection.host}: the bundle broke there and was not switched to ({said})")


def _accept(connection: Connection, layers: list[str], keys: Sequence[str]) -> None:
    """Set the device's list of accepted keys, before anything is judged by it."""
    lines = []
    for key in keys:
        try:
            lines.append(Path(key).read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{key}: could not be read as a public key ({error})") from None
        if "PRIVATE KEY" in lines[-1]:
            raise UsageError(f"{key}: is a private key, which stays here; give the .pub file")
    connection.send({"do": "write", "path": "in/accepted_keys"}, ("\n".join(lines) + "\n").encode())
    target = shlex.quote(f"{connection.hello['home']}/accepted_keys")
    _shell(connection, layers, f"cp {{work}}/in/accepted_keys {target}.new && sync && mv {target}.new {target}")


def _install(connection: Connection, plan: DeployPlan, layers: list[str]) -> str:
    root = str(connection.hello["home"])
    user = _shell(connection, layers, "id -un").strip()
    connection.send({"do": "write", "path": "in/launch.py"}, LAUNCHER.encode())
    connection.send({"do": "write", "path": "in/unit"}, unit_text(root, user, plan.arguments).encode())
    script = _INSTALL.replace("{root}", shlex.quote(root)).replace("{unit}", UNIT_NAME)
    return _shell(connection, layers, script).strip()


def _shell(connection: Connection, layers: list[str], script: str) -> str:
    out, err = bytearray(), bytearray()
    code = connection.run(
        ["/bin/sh", "-c", script], layers, lambda number, data: (out if number == 1 else err).extend(data)
    )
    if code:
        said = (err or out).decode("utf-8", "replace").strip().splitlines()
        raise DeviceError(f"{connection.host}: {said[-1] if said else f'a command ended with {code}'}")
    return out.decode("utf-8", "replace")
