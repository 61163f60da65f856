"""A classifier that also gives what its classifier looks at, so that a device can tell what is like nothing learned."""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from edgelens.runtime.decode.known import FEATURES

from ..tasks.task import Task

__all__ = ["Knowing", "knowing"]


class Knowing(nn.Module):
    """A network's own output and, behind it, the row that its classifier is given."""

    def __init__(self, network: nn.Module, output: str) -> None:
        super().__init__()
        self.network, self.output = network, output

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """(B, classes) and (B, features) of pictures (B, C, H, W)."""
        row: Tensor = self.network.embedding(x)  # type: ignore[operator]
        classifier: nn.Module = self.network.get_submodule("classifier")
        return {self.output: classifier(row), FEATURES: row}


def knowing(network: nn.Module, task: Task) -> tuple[nn.Module, Task]:
    """The network and its task with the features as the last output."""
    wrapped = Knowing(network, task.outputs[0]).eval()
    return wrapped, dataclasses.replace(task, outputs=(*task.outputs, FEATURES))
