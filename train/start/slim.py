"""A narrower lite0 cut out of the one that has seen the world: of every layer the channels that matter most.

What is left knows the most of it and learns the rest again, from photos or from a teacher; random weights know nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..models.lite0 import Lite0

__all__ = ["fronted", "slimmed"]

_SIX = 6.0  # where ReLU6 ends


def slimmed(weights: Mapping[str, Tensor], network: Lite0) -> dict[str, Tensor]:
    """A full lite0's weights, but for its head's, cut down to a narrower network of the same depth."""
    own = network.state_dict()
    cut = {name: weight for name, weight in weights.items() if not name.startswith("classifier.")}
    trunk = "layers.trunk"
    kept = _strongest(cut, [f"{trunk}.stem.1"], own[f"{trunk}.stem.1.weight"].numel())
    _cut_outputs(cut, f"{trunk}.stem.0", f"{trunk}.stem.1", kept)
    for stage in network.layers.get_submodule("trunk.stages").named_children():
        blocks = [f"{trunk}.stages.{stage[0]}.{name}.layers" for name, _ in stage[1].named_children()]
        last = [f"{block}.{_last(cut, block)}" for block in blocks]
        outputs = _strongest(cut, last, own[f"{last[0]}.weight"].numel())
        for block in blocks:
            _cut_block(cut, own, block, kept, outputs)
            kept = outputs
    _cut_inputs(cut, "layers.last.0", kept)
    final = _strongest(cut, ["layers.last.1"], own["layers.last.1.weight"].numel())
    _cut_outputs(cut, "layers.last.0", "layers.last.1", final)
    return cut


def fronted(weights: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """A full lite0's weights for its front: the last layer is of the next stage's first the channels that reach on."""
    own = network.state_dict()
    cut = {name: weight for name, weight in weights.items() if name.startswith("layers.trunk.")}
    stages = {name.split(".")[3] for name in own if name.startswith("layers.trunk.stages.")}
    block = f"layers.trunk.stages.{len(stages)}.0.layers"
    count = min(own["layers.last.1.weight"].numel(), cut[f"{block}.1.weight"].numel())
    kept = _hidden(cut, block, 3, count)
    _cut_outputs(cut, f"{block}.0", f"{block}.1", kept)
    last = {f"layers.last.{at}": f"{block}.{at}" for at in (0, 1)}
    for ours, theirs in last.items():
        for name in [name for name in own if name.startswith(f"{ours}.")]:
            cut[name] = cut[theirs + name.removeprefix(ours)]
    return {name: weight for name, weight in cut.items() if name in own}


def _cut_block(cut: dict[str, Tensor], own: Mapping[str, Tensor], block: str, inputs: Tensor, outputs: Tensor) -> None:
    """An inverted residual: its hidden channels by their own strength, its ends by what its neighbours keep."""
    last = _last(cut, block)
    depthwise = last - 4  # its convolution; the layers between are its normalisation, ReLU6 and the 1×1 back
    hidden = inputs
    if depthwise > 0:
        _cut_inputs(cut, f"{block}.0", inputs)
        count = own[f"{block}.{depthwise + 1}.weight"].numel()
        hidden = _hidden(cut, block, depthwise, count)
        _cut_outputs(cut, f"{block}.0", f"{block}.1", hidden)
    _make_up(cut, block, depthwise, hidden)
    _cut_outputs(cut, f"{block}.{depthwise}", f"{block}.{depthwise + 1}", hidden)
    _cut_inputs(cut, f"{block}.{last - 1}", hidden)
    _cut_outputs(cut, f"{block}.{last - 1}", f"{block}.{last}", outputs)


def _last(cut: Mapping[str, Tensor], block: str) -> int:
    """The number of a block's last normalisation."""
    return max(int(name.removeprefix(f"{block}.").split(".")[0]) for name in cut if name.startswith(f"{block}."))


def _strongest(cut: Mapping[str, Tensor], norms: list[str], count: int) -> Tensor:
    """The channels, in their order, that normalisations scale most; several add up where their outputs do."""
    strength = torch.stack([cut[f"{norm}.weight"].abs() for norm in norms]).sum(0)
    kept: Tensor = strength.topk(count).indices.sort().values
    return kept


def _hidden(cut: Mapping[str, Tensor], block: str, depthwise: int, count: int) -> Tensor:
    """The hidden channels whose changes reach furthest: by how much they vary and by what is made of them."""
    used = cut[f"{block}.{depthwise + 3}.weight"].flatten(1)
    scale = _scale(cut, f"{block}.{depthwise + 4}")
    strength = cut[f"{block}.{depthwise + 1}.weight"].abs() * (used * scale[:, None]).norm(dim=0)
    kept: Tensor = strength.topk(count).indices.sort().values
    return kept


def _make_up(cut: dict[str, Tensor], block: str, depthwise: int, hidden: Tensor) -> None:
    """What the lost hidden channels are on the mean goes into the next normalisation."""
    norm = f"{block}.{depthwise + 1}"
    gone = torch.ones(cut[f"{norm}.weight"].numel(), dtype=torch.bool)
    gone[hidden] = False
    usual = _mean_behind_relu6(cut[f"{norm}.bias"], cut[f"{norm}.weight"].abs())
    missing = cut[f"{block}.{depthwise + 3}.weight"].flatten(1)[:, gone] @ usual[gone]
    after = f"{block}.{depthwise + 4}.running_mean"
    cut[after] = cut[after] - missing


def _mean_behind_relu6(mean: Tensor, deviation: Tensor) -> Tensor:
    """What ReLU6 makes of normally distributed values, on the mean."""
    spread = deviation.clamp(min=1e-6)

    def above(limit: float) -> Tensor:  # the mean of what lies over it
        z = (mean - limit) / spread
        density = torch.exp(-z.square() / 2) / (2 * torch.pi) ** 0.5
        over: Tensor = (mean - limit) * torch.special.ndtr(z) + spread * density
        return over

    return above(0.0) - above(_SIX)


def _scale(cut: Mapping[str, Tensor], norm: str) -> Tensor:
    return cut[f"{norm}.weight"].abs() / (cut[f"{norm}.running_var"] + 1e-3).sqrt()


def _cut_outputs(cut: dict[str, Tensor], layer: str, norm: str, kept: Tensor) -> None:
    cut[f"{layer}.weight"] = cut[f"{layer}.weight"][kept]
    for name in ("weight", "bias", "running_mean", "running_var"):
        cut[f"{norm}.{name}"] = cut[f"{norm}.{name}"][kept]


def _cut_inputs(cut: dict[str, Tensor], layer: str, kept: Tensor) -> None:
    cut[f"{layer}.weight"] = cut[f"{layer}.weight"][:, kept]
