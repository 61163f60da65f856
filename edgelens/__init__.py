"""edgelens: from a folder of photos to a recognizer that runs, proven, on a small device.

The public names load on first use, so that `import edgelens` costs nothing and a device never loads torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgelens.late import on_first_use
from edgelens.version import __version__

if TYPE_CHECKING:
    from edgelens.runtime.api import Recognizer
    from edgelens.runtime.bundle.bundle import Bundle
    from edgelens.runtime.errors import EdgelensError
    from edgelens.runtime.frame import Frame
    from edgelens.runtime.recognitions import Recognitions
    from edgelens.runtime.result import Result

_HOMES = {
    "Bundle": "runtime.bundle.bundle",
    "EdgelensError": "runtime.errors",
    "Frame": "runtime.frame",
    "Recognitions": "runtime.recognitions",
    "Recognizer": "runtime.api",
    "Result": "runtime.result",
}

__all__ = ["Bundle", "EdgelensError", "Frame", "Recognitions", "Recognizer", "Result", "__version__"]

__getattr__ = on_first_use(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
