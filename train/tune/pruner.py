"""A trial is hopeless when it is worse than the median of the finished ones was at the same part of their training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna

__all__ = ["HopelessPruner", "best_until"]


class HopelessPruner(optuna.pruners.BasePruner):  # type: ignore[misc]
    """Steps are per cent of a trial's epochs, so that trials of different lengths can be compared."""

    def __init__(self, after_trials: int = 5, after_percent: int = 20) -> None:
        self.after_trials, self.after_percent = after_trials, after_percent

    def prune(self, study: Any, trial: Any) -> bool:
        """Whether to stop this trial now."""
        step = trial.last_step
        if step is None or step < self.after_percent:
            return False
        finished = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        best = max if study.direction == optuna.study.StudyDirection.MAXIMIZE else min
        others = [value for other in finished if (value := best_until(other, step, best)) is not None]
        own = best_until(trial, step, best)
        if len(others) < self.after_trials or own is None:
            return False
        middle = float(np.median(others))
        return own != middle and best([own, middle]) == middle


def best_until(trial: Any, step: int, best: Callable[[list[float]], float]) -> float | None:
    """The best value that a trial had reported by then."""
    values = [value for at, value in trial.intermediate_values.items() if at <= step]
    return best(values) if values else None
