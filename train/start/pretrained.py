"""First weights that networks have of their own: lite0's, which saw ImageNet, and lens-s's, which ship with the kit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import DataError
from edgelens.runtime.preprocess import PixelContract

from ..config import BACKBONE, TrainConfig
from ..models.lite0 import Lite0
from ..models.options import ModelOptions
from .imagenet import ORIGIN, imagenet_weights
from .slim import fronted, slimmed

__all__ = ["FILE", "MODEL", "STARTS", "Provenance", "Start", "front_of", "knows_the_world", "provenance",
           "smaller_by_cutting", "suits"]  # fmt: skip

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


@dataclass(frozen=True)
class Start:
    """A network's own first weights: what is said of them, how they are read, when they are taken unasked."""

    said: Callable[[], str]
    weights: Callable[[nn.Module], Mapping[str, Tensor]]  # for a network, by its own names
    suits: Callable[[TrainConfig, ImageSet, PixelContract], bool]
    why: str  # it is taken unasked
    frozen: bool = False  # whether a head on it, frozen, is an answer by itself
    slims: bool = False  # whether narrower networks are cut out of it
    front: str | None = None  # the network of its first stages alone


def suits(config: TrainConfig, images: ImageSet, pixels: PixelContract) -> bool:
    """Whether a training starts from its network's own weights by itself: the very network that they are of."""
    if config.start is not None or config.scratch or config.model not in STARTS:
        return False
    own, said = STARTS[config.model], config.options
    width = min(said.width, 1.0) if own.slims else 1.0
    plain = ModelOptions(dropout=said.dropout, width=width, finest=said.finest, neck=said.neck)
    return said == plain and own.suits(config, images, pixels)


def knows_the_world(config: TrainConfig) -> bool:
    """Whether a training starts from weights that have seen the world, with which a head alone is an answer."""
    return config.start == BACKBONE and config.model in STARTS and STARTS[config.model].frozen


def smaller_by_cutting(config: TrainConfig) -> bool:
    """Whether a training's network is made smaller by cutting alone: from chance its kind would want the world.

    So it is too where the training itself went on from another one, or saw enough to begin from chance.
    """
    return config.model in STARTS and STARTS[config.model].frozen


def front_of(config: TrainConfig) -> str | None:
    """The network of the first stages alone of a training's, whose weights are among its own; None where there is none.

    Where a few kilobytes are all that there is, it is the better half: most of lite0's weights are in its last stages.
    """
    plain = ModelOptions(dropout=config.options.dropout)
    return STARTS[config.model].front if config.model in STARTS and config.options == plain else None


def _few_small(config: TrainConfig, images: ImageSet, pixels: PixelContract) -> bool:
    """Whether there are few colour pictures of a size that the small backbone knows.

    One fold of 1,644 signs validated at 99.1 % with it and 96.4 % without; `benchmarks/train_few.py` measures pairs.
    """
    few = int((images.splits != "test").sum()) * config.share <= _FEW
    return few and pixels.color == "rgb" and min(pixels.height, pixels.width) in _SIDES


def _lite0(network: nn.Module) -> Mapping[str, Tensor]:
    """What has seen the world, cut down for a narrower network; of another head's network the trunk alone is given."""
    weights = imagenet_weights()
    if not isinstance(network, Lite0):
        return weights
    last = "layers.last.1.weight"
    narrow = network.get_parameter(last).numel() < weights[last].numel()
    return slimmed(weights, network) if narrow else weights


def _front(network: nn.Module) -> Mapping[str, Tensor]:
    return fronted(imagenet_weights(), network)


STARTS: Mapping[str, Start] = {
    MODEL: Start(
        lambda: str(provenance()), lambda _: safetensors.torch.load_file(FILE), _few_small, "few pictures do better so"
    ),
    "lite0": Start(
        lambda: ORIGIN, _lite0, lambda *_: True, "it has seen the world", frozen=True, slims=True, front="lite0-16"
    ),
    "lite0-16": Start(lambda: ORIGIN, _front, lambda *_: True, "it has seen the world", frozen=True),
}
