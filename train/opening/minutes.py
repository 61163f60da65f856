"""`--minutes` of a network that learns all from its first step: as many epochs as fit, at the speed measured here."""

from __future__ import annotations

from dataclasses import replace

from ..config import TrainConfig
from ..head.tuning import minutes_of

__all__ = ["within"]

_LONG = 2.0  # minutes from which on seconds say nothing more


def within(config: TrainConfig, photos: int, images_per_s: float) -> tuple[TrainConfig, str]:
    """The configuration with the epochs that its minutes allow, one at least and at most those asked for; that said."""
    assert config.minutes
    an_epoch = minutes_of(photos, images_per_s)
    fit = max(1, int(config.minutes / an_epoch))
    epochs = min(fit, config.epochs or fit)
    said = f"{epochs} epochs of about {60 * an_epoch:.0f} s fit --minutes {config.minutes:g}"
    if an_epoch > config.minutes:
        lasts = f"{an_epoch:.0f} minutes" if an_epoch >= _LONG else f"{60 * an_epoch:.0f} s"
        said = f"one epoch takes about {lasts} here, longer than --minutes {config.minutes:g}: it is all"
    elif epochs < fit:
        said = f"{epochs} epochs, about {epochs * an_epoch:.0f} minutes"
    return replace(config, epochs=epochs), said
