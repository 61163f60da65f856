"""What the best of many trials is worth on other pictures: the best on few is so partly by luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState

from edgelens.runtime.errors import DataError

from ..honest.out_of_choice import out_of_choice, parts_of
from ..honest.ranking import figures_of, ranked_by
from ..runs.outputs import SplitOutputs
from ..runs.run import Run
from ..task import Score, keep_all
from ..tasks.catalog import make_task

__all__ = ["Promise", "promised"]


@dataclass(frozen=True)
class Promise:
    """A score of answers by trials that other pictures chose."""

    value: float
    count: int  # pictures

    def said(self, score: Score) -> str:
        """It with its interval, for people."""
        return score.with_interval(self.value, self.count)


def promised(study: Any) -> Promise | None:
    """What to expect of the best trial; None where it is not known.

    That is so where there was no choice, a trial's run is elsewhere, or answers cannot be put together of several.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    folders = [trial.user_attrs.get("run", "") for trial in finished]
    try:
        runs = [Run.open(folder) for folder in folders]
        kept = [SplitOutputs.load(run.path) for run in runs]
        names = [run.judged_names for run in runs]
        groups = runs[0].judged_groups if runs else []
    except DataError:
        return None
    if len(runs) < 2 or any(own != names[0] for own in names):
        return None
    task, targets = make_task(runs[0].config, runs[0].classes), kept[0].val_targets
    shapes = [{name: values.shape for name, values in each.val.items()} for each in kept]
    if not task.alone or task.keep is not keep_all or any(own != shapes[0] for own in shapes):
        return None
    parts = parts_of(len(groups), runs[0].config.seed, groups)
    answers = out_of_choice([each.val for each in kept], parts, ranked_by(task, targets))
    return Promise(figures_of(answers, targets, task)[task.score.name], len(targets))
