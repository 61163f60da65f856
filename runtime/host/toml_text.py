"""TOML, which Python itself reads from 3.11 on."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["read_toml"]


def read_toml(text: str) -> dict[str, Any]:
    """The document's tables; a ValueError where it is no TOML."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)
