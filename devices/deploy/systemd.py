"""systemd on this device, as far as one unit needs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgelens.runtime.errors import WorkError

from .unit import UNIT_NAME

__all__ = ["State", "Systemd"]

_ANSWERS_WITHIN_S = 60.0
_STARTS_WITHIN_S = 240.0  # the unit's own limit is shorter, and is what ends a start


@dataclass(frozen=True)
class State:
    """What systemd says of the service."""

    active: bool
    pid: int
    status: str  # the service's own words


class Systemd:
    """Installs, starts and asks after the unit; every change needs root, by itself or through sudo."""

    path = Path("/etc/systemd/system") / UNIT_NAME

    def __init__(self) -> None:
        self._as = () if os.geteuid() == 0 else ("sudo", "-n")

    @property
    def runs(self) -> bool:
        """Whether this machine is run by systemd."""
        return Path("/run/systemd/system").is_dir()

    def check_allowed(self) -> None:
        """Refuse before anything is changed where a unit could not be written."""
        if self._as and self._call(("true",)).returncode:
            raise WorkError("the service needs root there: allow sudo without a password, or log in as root")

    def installed(self) -> str | None:
        """The unit as it is installed now."""
        try:
            return self.path.read_text("utf-8")
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def install(self, text: str) -> None:
        """Write the unit where it is not there yet, and have it started with the machine."""
        if text != self.installed():
            new = f"{self.path}.new"
            self._must(("mkdir", "-p", str(self.path.parent)))
            self._must(("tee", new), given=text)  # a temporary folder may be gone with the connection
            self._must(("chmod", "644", new))
            self._must(("mv", new, str(self.path)))
            self._systemctl("daemon-reload")
        self._systemctl("enable", "--quiet", UNIT_NAME)

    def remove(self) -> None:
        """Stop the service and forget it."""
        if self.installed() is not None:
            self._systemctl("disable", "--quiet", "--now", UNIT_NAME)
            self._must(("rm", "-f", str(self.path)))
            self._systemctl("daemon-reload")

    def restart(self) -> bool:
        """Start it anew; whether it said that it is ready."""
        return self._call(("systemctl", "restart", UNIT_NAME), timeout=_STARTS_WITHIN_S).returncode == 0

    def state(self) -> State:
        """How the service is."""
        said = self._call(("systemctl", "show", UNIT_NAME, "-p", "ActiveState,MainPID,StatusText")).stdout
        properties = dict(line.partition("=")[::2] for line in said.splitlines())
        pid = properties.get("MainPID", "")
        active = properties.get("ActiveState") == "active"
        return State(active, int(pid) if pid.isdecimal() else 0, properties.get("StatusText", ""))

    def last_words(self) -> str:
        """What the service wrote last, lately."""
        words = ("journalctl", "--unit", UNIT_NAME, "--since", "-5min", "--lines", "20", "--output", "cat", "--quiet")
        lines = [line.strip() for line in self._call(words).stdout.splitlines()]
        own = [line for line in lines if line and not line.startswith((UNIT_NAME, "Failed to start", "Start", "Stopp"))]
        said = [line for line in own if line.startswith(("edgelens:", "Error"))] or own
        return said[-1][:300] if said else "it said nothing"

    def _systemctl(self, *words: str) -> None:
        if self.runs:  # elsewhere (a container, a board without it) the unit is only written
            self._must(("systemctl", *words))

    def _must(self, words: Sequence[str], *, given: str = "") -> None:
        done = self._call(words, given=given)
        if done.returncode:
            said = (done.stderr.strip().splitlines() or [f"ended with {done.returncode}"])[-1]
            raise WorkError(f"{words[0]}: {said[:200]}")

    def _call(
        self, words: Sequence[str], *, given: str = "", timeout: float = _ANSWERS_WITHIN_S
    ) -> subprocess.CompletedProcess[str]:
        command = [*self._as, *words]
        try:
            return subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", input=given, timeout=timeout,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"no answer within {timeout:g} s")
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, "", f"{command[0]}: {error.strerror}")
