"""Learning-rate schedules: pure functions from how far the training is to a factor on the rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from edgelens.runtime.errors import UsageError

__all__ = ["SCHEDULES", "factor"]

_MOST_WARMUP = 0.25  # of the steps: a short training is to come to its schedule, too


def _constant(done: float) -> float:  # noqa: ARG001
    return 1.0


def _step(done: float) -> float:
    """A tenth after half of the training, a hundredth after three quarters."""
    return 1.0 if done < 0.5 else 0.1 if done < 0.75 else 0.01


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))


def _one_cycle(done: float) -> float:
    """Up from a 25th over the first 30 %, then down to almost nothing along a cosine."""
    rise = 0.3
    if done < rise:
        return 0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * done / rise))
    return 1e-4 + (1 - 1e-4) * 0.5 * (1 + math.cos(math.pi * (done - rise) / (1 - rise)))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": _constant,
    "step": _step,
    "cosine": _cosine,
    "one-cycle": _one_cycle,
}


def factor(schedule: str, step: float, steps: int, warmup_steps: int = 0) -> float:
    """What the rate is multiplied with at a step of `steps`, after a linear warm-up over a quarter of them at most."""
    if schedule not in SCHEDULES:
        raise UsageError(f"--schedule {schedule}: must be one of {', '.join(SCHEDULES)}")
    warmup_steps = min(warmup_steps, math.ceil(_MOST_WARMUP * steps))
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return SCHEDULES[schedule]((step - warmup_steps) / max(steps - warmup_steps, 1))
