"""Variables that a service gets and nobody else sees: NAME=VALUE lines in a file of its user alone."""

from __future__ import annotations

import re
from pathlib import Path

from edgelens.runtime.errors import UsageError

__all__ = ["read_variables"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_OURS = re.compile(r"(PYTHON|LD_).*|PATH")  # what would change which program runs


def read_variables(path: str) -> bytes:
    """The lines of such a file as a slot keeps them; blank lines and `#` comments do not travel."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--secrets {path}: could not be read ({getattr(error, 'strerror', None) or error})") from None
    kept = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise UsageError(f"--secrets {path}: line {number} is not NAME=VALUE")
        if _NOT_OURS.fullmatch(name):
            raise UsageError(f"--secrets {path}: line {number}: {name} is not for a service to be given")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if "\0" in value:
            raise UsageError(f"--secrets {path}: line {number} has a zero byte")
        kept.append(f"{name}={value}\n")
    return "".join(kept).encode()
