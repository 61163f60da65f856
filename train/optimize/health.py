"""Whether a training is still sound: gradients that are not numbers, explode or vanish, named with their layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Health", "Trouble"]

_EXPLODES = 1e4  # times the usual norm of the gradient
_WARM = 20  # steps until a norm counts as usual
_DEAD = 30  # steps without any gradient
_VANISHES = 1e-6  # the first layer's gradient against the last one's, a weight


@dataclass(frozen=True)
class Trouble:
    """What went wrong, and in which layer it shows."""

    kind: str  # "NaN", "exploding gradient", "dead network"
    layer: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.layer}"


class Health:
    """Looks at every step's gradients."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        self._sizes = torch.tensor([float(p.numel()) for _, p in self._named])
        self._usual, self._steps = 0.0, 0
        self._epoch = torch.zeros(len(self._named))
        self._layers = [i for i, (_, p) in enumerate(self._named) if p.ndim > 1]
        self._idle = 0  # steps on end in which no layer but the last had a gradient

    @property
    def sound(self) -> bool:
        """Whether a checkpoint of this step would be worth going back to."""
        return self._idle == 0

    def norms(self) -> Tensor:
        """The gradient's norm in every layer, (layers,) on the CPU."""
        there = [p.grad if p.grad is not None else torch.zeros_like(p) for _, p in self._named]
        return torch.stack(torch._foreach_norm(there)).float().cpu()

    def look(self, norms: Tensor, inputs: Tensor) -> Trouble | None:
        """What is wrong with this step, judged by its norms; the inputs serve to find the layer."""
        total = float(norms.norm())
        if not math.isfinite(total):
            return Trouble(
                "NaN", self._first_bad_layer(inputs) or self._named[int((~norms.isfinite()).nonzero()[-1])][0]
            )
        self._epoch += norms
        self._idle = self._idle + 1 if len(self._layers) > 1 and not bool(norms[self._layers[:-1]].any()) else 0
        if self._idle >= _DEAD:
            return Trouble("dead network: no gradient", self._named[self._layers[-2]][0])
        if self._steps >= _WARM and not self._idle and total > _EXPLODES * self._usual and self._usual > 0:
            return Trouble("exploding gradient", self._named[int(norms.argmax())][0])
        if self._idle:
            return None
        self._usual = total if not self._steps else 0.95 * self._usual + 0.05 * total
        self._steps += 1
        return None

    def end_epoch(self) -> str | None:
        """A warning where the first layers got next to no gradient in the epoch."""
        per_weight = self._epoch / self._sizes.sqrt()
        self._epoch = torch.zeros_like(self._epoch)
        if len(self._layers) < 2:
            return None
        first, last = self._layers[0], self._layers[-1]
        share = float(per_weight[first] / per_weight[last].clamp(min=1e-30))
        if share >= _VANISHES:
            return None
        return (
            f"gradients vanish: {self._named[first][0]} gets {share:.0e} of what {self._named[last][0]} gets;"
            " take --activation relu, fewer layers, or a network with shortcuts"
        )

    @torch.no_grad()
    def _first_bad_layer(self, inputs: Tensor) -> str | None:
        """The first layer whose output is not finite although its input is."""
        bad: list[str] = []

        def hook(name: str) -> object:
            def look(_: nn.Module, given: tuple[Tensor, ...], out: object) -> None:
                outputs = out if isinstance(out, tuple) else (out,)
                finite = all(bool(t.isfinite().all()) for t in outputs if isinstance(t, Tensor))
                if not finite and all(bool(t.isfinite().all()) for t in given if isinstance(t, Tensor)):
                    bad.append(name)

            return look

        leaves = [(name, m) for name, m in self._network.named_modules() if name and not any(m.children())]
        handles = [module.register_forward_hook(hook(name)) for name, module in leaves]
        try:
            self._network(inputs)
        finally:
            for handle in handles:
                handle.remove()
        return bad[0] if bad else None
