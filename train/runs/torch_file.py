"""Tensors and plain values in torch's own file."""

from __future__ import annotations

from typing import IO, Any

import torch

__all__ = ["write_torch"]


def write_torch(values: Any, stream: IO[bytes]) -> None:
    """Write them; what kept the stream from it, a full disk or Ctrl-C, is what is raised."""
    try:
        torch.save(values, stream)
    except RuntimeError as error:  # of torch's writer, which says only that something is missing
        if error.__context__ is None:
            raise
        raise error.__context__ from None
