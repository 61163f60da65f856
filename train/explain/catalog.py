"""The methods by name, and the one that fits a network when none is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from torch import Tensor, nn

from edgelens.runtime.errors import UsageError

from ..task import Reading
from .features import has_maps

__all__ = ["METHODS", "Method", "fitting_method", "method"]

Method = Callable[[nn.Module, Tensor, Tensor, Reading], Tensor]  # (network, images, answers, …) → heat (B, H, W)

# name → (module, function, what it shows)
METHODS: dict[str, tuple[str, str, str]] = {
    "grad-cam": ("gradcam", "grad_cam", "where the last feature maps speak for the answer"),
    "integrated-gradients": ("integrated_gradients", "integrated_gradients", "what each pixel adds to the answer"),
    "occlusion": ("occlusion", "occlusion", "how much is lost when a part is covered"),
    "attention": ("attention", "attention", "which patches an attention network looks at"),
}


def method(name: str) -> Method:
    """The method that `--method` names."""
    if name not in METHODS:
        raise UsageError(f"--method {name}: must be one of {', '.join(METHODS)}")
    module, function, _ = METHODS[name]
    chosen: Method = getattr(importlib.import_module(f"edgelens.train.explain.{module}"), function)
    return chosen


def fitting_method(network: nn.Module) -> str:
    """Grad-CAM where there are feature maps, else integrated gradients, which need none."""
    return "grad-cam" if has_maps(network) else "integrated-gradients"
