"""Batch normalisation over all processes' samples, on CPUs too (torch's SyncBatchNorm takes only GPUs)."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["SharedBatchNorm2d", "share_batch_norm"]


class _Summed(torch.autograd.Function):
    """A sum over processes whose gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        total = gradients[0].clone()
        dist.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """nn.BatchNorm2d whose mean and variance in training are those of the global batch."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W), normalised; statistics in float32 whatever the input is."""
        if not self.training:
            return super().forward(x)
        values = x.float()
        count = values.new_tensor(float(values.numel() // values.shape[1]))
        sums = torch.cat([count[None], values.sum((0, 2, 3)), values.square().sum((0, 2, 3))])
        total: Tensor = _Summed.apply(sums)  # type: ignore[no-untyped-call]
        count, first, second = total[0], total[1 : 1 + self.num_features], total[1 + self.num_features :]
        mean = first / count
        variance = second / count - mean.square()
        self._remember(mean.detach(), variance.detach(), float(count.detach()))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        out: Tensor = values * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]
        return out.to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: float) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * (count / max(count - 1, 1)), momentum)
        self.num_batches_tracked += 1


def share_batch_norm(network: nn.Module) -> None:
    """Let every batch normalisation of a network see the global batch; weights and names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
