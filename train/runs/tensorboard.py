"""TensorBoard's log, where TensorBoard is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["writer"]


def writer(folder: Path) -> Any:
    """A writer into the run's folder, or None without TensorBoard."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder))
