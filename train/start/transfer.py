"""Starting from weights that are there: an earlier run's or a .safetensors file's, and freezing layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.tasks.catalog import PLAIN

from ..config import BACKBONE
from ..runs.run import BEST, FACTS, Run
from .pretrained import MODEL, STARTS

__all__ = ["Taken", "fitting_weights", "freeze", "start_from", "train_mode"]

FEW = 4  # tensors, of which each is named


@dataclass(frozen=True)
class Taken:
    """Which of a network's tensors were taken over and which stay random."""

    taken: int
    anew: tuple[str, ...]

    def __str__(self) -> str:
        said = f"{self.taken} tensors taken over"
        if not self.anew:
            return said
        if len(self.anew) <= FEW:
            return f"{said}, drawn anew: {', '.join(self.anew)}"
        parts = sorted({name.split(".")[0] for name in self.anew})
        return f"{said}, {len(self.anew)} drawn anew, in {', '.join(parts)}"


def start_from(
    network: nn.Module,
    source: str,
    heads: Sequence[str] = ("classifier",),
    *,
    model: str = MODEL,
    task: str = PLAIN,
) -> Taken:
    """Load what fits by name and shape; a head stays random where it answers something else.

    `model` is the network's name, by which BACKBONE finds the weights that are its own; it learns `task`.
    """
    given = _own(network, model) if source == BACKBONE else _read(Path(source))
    for name, tensor in given.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise DataError(f"--from {source}: {name} holds NaN or infinite weights; that training had failed")
    own = network.state_dict()
    fitting = fitting_weights(given, own)
    count = sum(own[name].numel() for name in fitting)
    anew = tuple(name for name in own if name not in fitting)
    if count < sum(t.numel() for name, t in own.items() if not _inside(name, heads)) / 2:
        raise DataError(
            f"--from {source}: fits {len(fitting)} of this network's {len(own)} tensors; {_way(source, model, task)}"
        )
    network.load_state_dict(fitting, strict=False)
    return Taken(len(fitting), anew)


def fitting_weights(given: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What of given weights fits a network's own by name and shape."""
    known = {name: _recoloured(given[name], tensor) for name, tensor in own.items() if name in given}
    return {name: tensor for name, tensor in known.items() if tensor.shape == own[name].shape}


def freeze(network: nn.Module, parts: Sequence[str], heads: Sequence[str] = ("classifier",)) -> int:
    """Let the named parts (or `backbone`: all but the heads) stay as they are; how many weights that is."""
    names = [name for name, _ in network.named_parameters()]
    for part in parts:
        fits = [n for n in names if (part == BACKBONE and not _inside(n, heads)) or _under(n, part)]
        if not fits:
            tops = ", ".join(sorted({".".join(name.split(".")[:2]) for name in names}))
            raise UsageError(f"--freeze {part}: no such layer; there are backbone, {tops}")
        for name, parameter in network.named_parameters():
            if name in fits:
                parameter.requires_grad_(False)
    return sum(p.numel() for p in network.parameters() if not p.requires_grad)


def train_mode(network: nn.Module, *, frozen_norm: bool = False) -> None:
    """Training mode, in which frozen normalisation keeps its statistics; all of it where `frozen_norm` says so."""
    network.train()
    for module in network.modules():
        own = list(module.parameters(recurse=False))
        frozen = frozen_norm or (own and not any(p.requires_grad for p in own))
        if isinstance(module, nn.BatchNorm2d) and frozen:
            module.eval()


def _own(network: nn.Module, model: str) -> Mapping[str, Tensor]:
    if model not in STARTS:
        raise UsageError(f"--from {BACKBONE}: {model} has no weights of its own; {' and '.join(STARTS)} have")
    return STARTS[model].weights(network)


def _read(path: Path) -> dict[str, Tensor]:
    file = path / BEST if path.is_dir() else path
    if path.is_file() and path.suffix != ".safetensors":
        raise UsageError(f"--from {path}: give a run's folder or a .safetensors file")
    try:
        return safetensors.torch.load_file(file)
    except FileNotFoundError:
        raise UsageError(f"--from {path}: there is no {file}") from None
    except (SafetensorError, OSError) as error:
        raise DataError(f"--from {file}: is no safetensors file that can be read ({error})") from None


def _way(source: str, model: str, task: str) -> str:
    """What to do with weights that do not fit: another network's fit it alone, where it can learn the task at all."""
    told = Run.open(source).config if (Path(source) / FACTS).is_file() else None
    if told is None or told.model == model:
        return "take the --model, --width and --size that it was trained with"
    said = f"it is a run of {told.model} (--task {told.task}); {model} starts from runs of {model}, whatever their task"
    return f"{said}; --model {told.model} goes on with it" if told.task == task else said


def _recoloured(given: Tensor, own: Tensor) -> Tensor:
    """A first convolution's weights for gray from RGB ones, or the other way round."""
    if given.ndim == own.ndim == 4 and given.shape[0] == own.shape[0] and given.shape[2:] == own.shape[2:]:
        if given.shape[1] == 3 and own.shape[1] == 1:
            return given.float().sum(1, keepdim=True)
        if given.shape[1] == 1 and own.shape[1] == 3:
            return torch.cat([given.float() / 3] * 3, 1)
    return given


def _inside(name: str, layers: Sequence[str]) -> bool:
    return any(_under(name, layer) for layer in layers)


def _under(name: str, part: str) -> bool:
    return name == part or name.startswith(part.rstrip(".") + ".")
