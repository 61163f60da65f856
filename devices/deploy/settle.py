"""A filled slot takes over, or what ran before goes on. `python -m edgelens.devices.deploy.settle ROOT SLOT`.

A process of its own, which ends when it is done and not when the connection does: nobody need be there for the device
to come back to what ran. Should the power go meanwhile, the next start finds the old slot current.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

from edgelens.runtime.errors import EdgelensError, WorkError

from ..ssh.agent.launch import LAUNCHER_NAME
from .health import Health, start_and_watch
from .keys import KeyChange
from .slots import UNIT, Slot, Slots
from .systemd import State, Systemd

__all__ = ["Settled", "is_ours", "settle", "settle_apart"]

TRIAL_S = 600.0  # more than a start and a look at it may take


@dataclass(frozen=True)
class Settled:
    """Which slot runs now, and how."""

    went_back: bool  # the slot that was asked for did not become healthy, and what ran before runs again
    why: str  # it did not
    state: str  # the service's: "none", "written", "active", "failed"
    says: str  # the service itself

    @classmethod
    def unchanged(cls, state: State | None) -> Settled:
        """Nothing had to be done."""
        named = "none" if state is None else "active" if state.active else "written"
        return cls(False, "", named, state.status if state else "")


def settle(slots: Slots, name: str, systemd: Systemd, keys: KeyChange | None = None) -> Settled:
    """Make a slot the current one; where a service runs it, only once that has shown to be well. Keys go with it."""
    keys = keys or KeyChange()
    try:
        return _settle(slots, name, systemd)
    finally:
        if slots.current() == name:
            keys.finish()
        else:
            keys.undo()


def _settle(slots: Slots, name: str, systemd: Systemd) -> Settled:
    record = slots.record(name)
    if record is None:
        raise WorkError(f"slot {name} is empty")
    installed = systemd.installed()
    if record.service or is_ours(slots, installed):
        systemd.check_allowed()
    if not record.service:
        slots.switch(name)
        if is_ours(slots, installed):
            systemd.remove()
        return Settled(False, "", "none", "")
    _place_launcher(slots)
    unit = (slots.read(name, UNIT) or b"").decode()
    if not systemd.runs:
        systemd.install(unit)
        slots.switch(name)
        return Settled(False, "", "written", f"no systemd is running there: {systemd.path} is written, not started")
    health = _tried(slots, name, systemd, unit, record)
    if health.ok:
        return Settled(False, "", "active", health.words)
    slots.end_trial()
    return _gone_back(slots, systemd, installed, health.words)


def is_ours(slots: Slots, unit: str | None) -> bool:
    """Whether there is a unit, and of these slots: another user may have one there."""
    return unit is not None and str(slots.root / LAUNCHER_NAME) in unit


def settle_apart(slots: Slots, name: str, keys: KeyChange, keep_open: Sequence[int]) -> Settled:
    """Settle in a process that outlives this one."""
    words, given = [sys.executable, "-m", __name__, str(slots.root), name], json.dumps(asdict(keys)).encode()
    done = subprocess.run(
        words, stdout=subprocess.PIPE, input=given, start_new_session=True, pass_fds=keep_open, check=False
    )
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode or not lines:
        raise WorkError(lines[-1] if lines else f"the switch ended with {done.returncode}")
    return Settled(**json.loads(lines[-1]))


def _tried(slots: Slots, name: str, systemd: Systemd, unit: str, record: Slot) -> Health:
    """Run the slot on trial, and switch to it where that goes well; whatever does not is a reason to go back."""
    try:
        slots.begin_trial(name, TRIAL_S)
        systemd.install(unit)
        health = start_and_watch(systemd, page="--no-preview" not in record.arguments)
        if health.ok:
            slots.switch(name)
    except (EdgelensError, OSError) as error:
        return Health(False, _said(error, slots))
    return health


def _gone_back(slots: Slots, systemd: Systemd, installed: str | None, why: str) -> Settled:
    try:
        return _ran_before(slots, systemd, installed, why)
    except (EdgelensError, OSError) as error:
        return Settled(True, f"{why}; and what ran before did not come back: {_said(error, slots)}", "failed", "")


def _ran_before(slots: Slots, systemd: Systemd, installed: str | None, why: str) -> Settled:
    current = slots.current()
    before = slots.record(current) if current else None
    if installed is not None and not is_ours(slots, installed):
        systemd.install(installed)  # another user's, which ran
    elif before is None or not before.service or installed is None:
        systemd.remove()  # nothing ran before, so nothing runs
        return Settled(True, why, "none", "")
    else:
        own = slots.read(current, UNIT)
        systemd.install(own.decode() if own else installed)
    well = systemd.restart()
    state = systemd.state()
    if well and state.active:
        return Settled(True, why, "active", state.status)
    return Settled(True, f"{why}; and what ran before did not start either: {systemd.last_words()}", "failed", "")


def _said(error: Exception, slots: Slots) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or slots.root}: {error.strerror or error}"
    return str(error)


def _place_launcher(slots: Slots) -> None:
    """The newest kit's; it reads what older ones wrote."""
    text = (resources.files("edgelens.devices.ssh.agent") / LAUNCHER_NAME).read_bytes()
    new = slots.root / f"{LAUNCHER_NAME}.new"
    slots.disk.write(new, text)
    slots.disk.rename(new, slots.root / LAUNCHER_NAME)


def main() -> int:
    """Settle, and say what came of it as JSON."""
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    slots = Slots(Path(sys.argv[1]))
    code, said = 0, ""
    try:
        keys = KeyChange(**json.loads(sys.stdin.buffer.read()))
        said = json.dumps(asdict(settle(slots, sys.argv[2], Systemd(), keys)))
    except EdgelensError as error:
        code, said = error.exit_code, str(error)
    except OSError as error:
        code, said = 1, _said(error, slots)
    with contextlib.suppress(OSError):  # nobody may be there any more
        sys.stdout.write(said + "\n")
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
