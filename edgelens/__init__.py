"""edgelens: from a folder of photos to a recognizer that runs, proven, on a small device.

The public names load on first use, so that `import edgelens` costs nothing and a device never loads torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from edgelens.version import __version__

if TYPE_CHECKING:
    from edgelens.runtime.api import Recognizer
    from edgelens.runtime.bundle import Bundle
    from edgelens.runtime.errors import EdgelensError
    from edgelens.runtime.frame import Frame
    from edgelens.runtime.recognitions import Recognitions
    from edgelens.runtime.result import Result

_HOMES = {
    "Bundle": "edgelens.runtime.bundle",
    "EdgelensError": "edgelens.runtime.errors",
    "Frame": "edgelens.runtime.frame",
    "Recognitions": "edgelens.runtime.recognitions",
    "Recognizer": "edgelens.runtime.api",
    "Result": "edgelens.runtime.result",
}

__all__ = ["Bundle", "EdgelensError", "Frame", "Recognitions", "Recognizer", "Result", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'edgelens' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
