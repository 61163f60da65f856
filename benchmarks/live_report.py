"""What every live benchmark writes beside its figures: the command and the machine."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from edgelens.devices.here import this_machine
from edgelens.runtime.host.files import write_text

__all__ = ["write_report"]


def write_report(path: str | None, report: dict[str, Any]) -> None:
    """The figures as JSON, if they are asked for."""
    if path is None:
        return
    facts = this_machine()
    head = {
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "machine": {"cpu": facts.cpu, "cores": facts.cores},
    }
    write_text(path, json.dumps({**head, **report}, indent=1) + "\n")
