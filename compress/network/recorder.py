"""Every float tensor of a graph while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from .prepared import prepared_batches

__all__ = ["Recorder", "node_values"]


class Recorder(fx.Interpreter):
    """Runs a graph and shows every float tensor to a function as it is made."""

    def __init__(self, module: fx.GraphModule, show: Callable[[str, torch.Tensor], None]) -> None:
        super().__init__(module)
        self._show = show

    def run_node(self, n: fx.Node) -> Any:
        """Run one node and show what it made."""
        value = super().run_node(n)
        if n.op in ("call_function", "placeholder") and isinstance(value, torch.Tensor) and value.is_floating_point():
            self._show(n.name, value)
        return value


@torch.no_grad()
def node_values(graph: fx.GraphModule, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Every float tensor of the graph for a few pictures."""
    values: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, value: torch.Tensor) -> None:
        values[name] = value.detach().float().numpy().copy()

    for batch in prepared_batches(images, len(images)):
        Recorder(graph, keep).run(batch)
    return values
