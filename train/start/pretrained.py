"""The backbone that ships with the kit: a small network that has seen CIFAR-10, for trainings on few photos."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError
from edgelens.runtime.preprocess import PixelContract

from ..config import TrainConfig
from ..models.options import ModelOptions

__all__ = ["FILE", "MODEL", "Provenance", "provenance", "suits"]

FILE = Path(__file__).with_name("pretrained.safetensors")
MODEL = "lens-s"

_FEW = 2000  # images; measured up to 1,644
_SIDES = range(24, 128)  # pixels; larger pictures meet a convolution more, which nobody trained


@dataclass(frozen=True)
class Provenance:
    """Where the backbone's weights come from, as the file itself says."""

    network: str
    data: str
    accuracy: str  # per cent, on what
    command: str
    kit: str
    sha256: str  # of the file

    def __str__(self) -> str:
        return f"the kit's backbone ({self.network} trained on {self.data}, {self.accuracy}; {self.sha256[:12]})"


def provenance(file: Path = FILE) -> Provenance:
    """What the file says of itself."""
    try:
        with safe_open(file, "pt") as stored:
            said = stored.metadata() or {}
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        return Provenance(said["network"], said["data"], said["accuracy"], said["command"], said["kit"], sha256)
    except (OSError, SafetensorError, KeyError) as error:
        raise DataError(f"{file}: the kit's backbone cannot be read ({error}); install the kit again") from None


def suits(config: TrainConfig, images: ImageSet, pixels: PixelContract) -> bool:
    """Whether a training starts from it by itself: few colour photos, and the very network that it is.

    One fold of 1,644 signs validated at 99.1 % with it and 96.4 % without, one of 720 photos of clothes at 68.3 and
    45.6 %; `benchmarks/train_few.py` measures such pairs.
    """
    plain = ModelOptions(dropout=config.options.dropout)
    few = int((images.splits != "test").sum()) * config.share <= _FEW
    return (
        config.start is None
        and not config.scratch
        and (config.model, config.options) == (MODEL, plain)
        and pixels.color == "rgb"
        and min(pixels.height, pixels.width) in _SIDES
        and few
    )
