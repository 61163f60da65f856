"""What the finished network answers on the validation split and on a part of the training split, kept with the run."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.errors import DataError
from edgelens.runtime.host.files import replacing

from ..data.targets import DenseTargets, Targets, targets_from
from ..task import Arrays

__all__ = ["OUTPUTS", "SplitOutputs"]

OUTPUTS = "outputs.npz"
_OLD = "labels"  # earlier kits wrote val_NAME and train_NAME, and each split's class ids under this name


@dataclass(frozen=True)
class SplitOutputs:
    """Outputs by name and what they should have been; training pictures are unaugmented, some thousand at most."""

    val: Arrays
    val_targets: Targets
    train: Arrays
    train_targets: Targets

    def save(self, folder: Path) -> None:
        """Write them into a run's folder."""
        arrays: dict[str, NDArray[Any]] = {}
        for split, outputs, targets in (
            ("val", self.val, self.val_targets),
            ("train", self.train, self.train_targets),
        ):
            arrays |= {f"{split}/outputs/{name}": values for name, values in outputs.items()}
            arrays |= {f"{split}/targets/{name}": values for name, values in targets.arrays().items()}
        with replacing(folder / OUTPUTS) as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path) -> SplitOutputs:
        """Read them from a run's folder."""
        file = folder / OUTPUTS
        try:
            with np.load(file, allow_pickle=False) as stored:
                values = {name: stored[name] for name in stored.files}
            return cls(*_split(values, "val"), *_split(values, "train"))
        except FileNotFoundError:
            raise DataError(f"{folder}: has no {OUTPUTS}: the run is not finished; go on with --resume") from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{file}: could not be read ({error})") from None


def _split(values: dict[str, NDArray[Any]], split: str) -> tuple[Arrays, Targets]:
    if f"{split}_{_OLD}" in values:
        old = _under(values, f"{split}_")
        labels = old.pop(_OLD)
        return old, DenseTargets.of(labels)
    return _under(values, f"{split}/outputs/"), targets_from(_under(values, f"{split}/targets/"))


def _under(values: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in values.items() if name.startswith(prefix)}
