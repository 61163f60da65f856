"""onnxruntime from 1.31 on tells its makers of every start, over the network and by files in the home folder."""

from __future__ import annotations

import os

__all__ = ["kept_here"]


def kept_here() -> None:
    """To be called before onnxruntime is imported: what a device does stays there, unless its owner said otherwise."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
