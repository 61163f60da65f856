"""What fine-tuning is told: how many epochs fit the time, and the gentle settings that keep what a trunk knows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..config import TrainConfig

__all__ = ["Tuning", "gentle", "minutes_of", "planned"]

_BATCH = 32
_EPOCHS = 12  # where nothing was said; more of the same photos stopped helping
_MOST_MINUTES = 15.0  # where nothing was said
_FEW = 300  # photos under which the head alone does as well
_RATE, _FIRST_RATE = 5e-4, 0.03
_MANY, _FIRST_RATE_OF_MANY = 2000, 0.3  # photos from which the first layers have much to learn, and little to spoil
_LEARNT_AT, _LARGE = 0.75, 192  # of the side; pictures from that side on
_OVERHEAD = 1.25  # what validation, augmentation and averaging add to the steps


@dataclass(frozen=True)
class Tuning:
    """So many epochs, about so many minutes; none, and why."""

    epochs: int
    minutes: float
    said: str
    limit: float | None = None  # minutes after which no epoch begins, whatever was measured; None: there is none


def gentle(config: TrainConfig, side: int, photos: int) -> TrainConfig:
    """The configuration of a fine-tuning on photos of a side, if there is to be one; what was asked for in so many
    words stays.

    Crops show things larger than they are at validation, smaller pictures show them smaller: the two make up for each
    other (Touvron et al., 2019), and an epoch takes little more than half the time.
    """
    if config.minutes == 0:
        return config
    first = _FIRST_RATE if photos < _MANY else _FIRST_RATE_OF_MANY
    return replace(
        config,
        augment="photos" if config.augment is None else config.augment,
        batch=config.batch or _BATCH,
        rate=_RATE if config.rate is None else config.rate,
        first_rate=first if config.first_rate is None else config.first_rate,
        learnt_at=_LEARNT_AT if side >= _LARGE else config.learnt_at,
        frozen_norm=True,
        ema=0.99 if config.ema is None else config.ema,
        halfway=True,
        label_smoothing=0.1 if config.label_smoothing is None else config.label_smoothing,
    )


def minutes_of(photos: int, images_per_s: float) -> float:
    """How long an epoch takes, by what its steps alone would."""
    return photos / images_per_s * _OVERHEAD / 60


def planned(config: TrainConfig, photos: int, images_per_s: float) -> Tuning:
    """The epochs that the minutes allow at a measured speed."""
    an_epoch = minutes_of(photos, images_per_s)
    if config.minutes is None and not config.epochs and photos < _FEW:
        return Tuning(
            0, 0.0, f"of {photos} photos the head alone is the best answer; --minutes 10 fine-tunes all the same"
        )
    most: float | None = None
    if config.epochs and config.minutes is None:
        epochs = config.epochs
    else:
        most = _MOST_MINUTES if config.minutes is None else config.minutes
        epochs = int(most / an_epoch)
        epochs = min(epochs, config.epochs or (_EPOCHS if config.minutes is None else epochs))
    if epochs == 0:
        return Tuning(
            0, 0.0, f"an epoch of fine-tuning would take {an_epoch:.0f} minutes here: the head stays the answer"
        )
    minutes = epochs * an_epoch
    said = f"fine-tuning for {epochs} epochs, about {minutes:.0f} minutes; Ctrl-C keeps what is best so far"
    if photos < _FEW:
        said += f"; of {photos} photos the head alone (--minutes 0) mostly does as well, and all of them judge it"
    return Tuning(epochs, minutes, said, most)
