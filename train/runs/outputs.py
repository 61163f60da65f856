"""What the finished network answers on the validation split and on a part of the training split, kept with the run."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.errors import DataError
from edgelens.runtime.host.files import replacing

__all__ = ["OUTPUTS", "Outputs"]

OUTPUTS = "outputs.npz"


@dataclass(frozen=True)
class Outputs:
    """Logits and the classes they should have named; training pictures are unaugmented, some thousand at most."""

    val_logits: NDArray[np.float32]  # (N, classes)
    val_labels: NDArray[np.int64]
    train_logits: NDArray[np.float32]  # (M, classes)
    train_labels: NDArray[np.int64]

    def save(self, folder: Path) -> None:
        """Write them into a run's folder."""
        with replacing(folder / OUTPUTS) as stream:
            np.savez_compressed(stream, **{f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def load(cls, folder: Path) -> Outputs:
        """Read them from a run's folder."""
        file = folder / OUTPUTS
        try:
            with np.load(file, allow_pickle=False) as stored:
                values: dict[str, Any] = {f.name: stored[f.name] for f in fields(cls)}
        except FileNotFoundError:
            raise DataError(f"{folder}: has no {OUTPUTS}: the run is not finished; go on with --resume") from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{file}: could not be read ({error})") from None
        return cls(**values)
