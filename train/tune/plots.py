"""`tune.html`: what the search found, on one self-contained page."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from html import escape
from pathlib import Path
from statistics import fmean
from typing import Any

import optuna
from optuna.trial import TrialState

from edgelens.runtime.host.files import write_text

from ..report.charts import Dot, Series, bar_chart, line_chart, scatter_chart
from ..report.page import definitions, facts, figure, page, table
from ..report.score import Score
from .promise import Promise
from .storage import score_of

__all__ = ["importance", "pareto", "write_plots"]


def write_plots(study: Any, target: Path, promise: Promise | None = None) -> Path:
    """Write the page: best settings, history, importance, score against cost, every dimension, every trial."""
    trials = study.get_trials(deepcopy=False)
    finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    score = score_of(study)
    sections = [_headline(trials, finished, score, promise)]
    if finished:
        sections += [
            _best(finished, score),
            _overview(finished, trials, importance(study), score),
            _slices(finished, score),
            _listed(trials, score),
        ]
    write_text(target, page(f"Search: {study.study_name}", str(study.user_attrs.get("data", "")), sections))
    return target


def importance(study: Any) -> dict[str, float]:
    """How much of what makes good trials good each dimension explains; empty while there are too few trials."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(finished) < 6 or len({trial.value for trial in finished}) < 3:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            evaluator = optuna.importance.PedAnovaImportanceEvaluator()
            shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError, ZeroDivisionError):
        return {}
    return {name: float(share) for name, share in shares.items() if math.isfinite(share)}


def pareto(trials: Sequence[Any], score: Score) -> list[Any]:
    """The trials that no other beats in both score and multiply-adds, the cheapest first."""
    front: list[Any] = []
    for trial in sorted(trials, key=lambda t: (t.user_attrs["macs"], -score.rank(t.value))):
        if not front or score.better(trial.value, front[-1].value):
            front.append(trial)
    return front


def _headline(trials: Sequence[Any], finished: Sequence[Any], score: Score, promise: Promise | None) -> str:
    by_state = {state: sum(t.state == state for t in trials) for state in TrialState}
    seconds = sum(t.user_attrs.get("seconds", 0) for t in finished)
    values = sorted((t.value for t in finished), key=score.rank)
    luck = ", partly by luck" if promise else ""
    items = [(score.number(values[-1]), f"best validation {score.title}{luck}")] if values else []
    items += [(promise.said(score), "to expect of other pictures")] if promise else []
    items += [
        (str(by_state[TrialState.COMPLETE]), "finished"),
        (str(by_state[TrialState.PRUNED]), "stopped as hopeless"),
        (str(by_state[TrialState.FAIL]), "failed or interrupted"),
        (str(by_state[TrialState.RUNNING]), "running"),
        (f"{seconds / 60:.1f} min", "of finished trainings"),
    ]
    return facts(items)


def _best(finished: Sequence[Any], score: Score) -> str:
    best = max(finished, key=lambda t: score.rank(t.value))
    settings = definitions({"trial": best.number + 1, **best.params, "run": best.user_attrs.get("run", "")})
    return (
        f"<h2>The best</h2>{settings}<p></p><p>Train with it: <code>edgelens train DATA --config best.json</code></p>"
    )


def _overview(finished: Sequence[Any], trials: Sequence[Any], shares: dict[str, float], score: Score) -> str:
    study_order = sorted(finished, key=lambda t: t.number)
    best, so_far = study_order[0].value, []
    for trial in study_order:
        best = trial.value if score.better(trial.value, best) else best
        so_far.append((trial.number + 1, best))
    history = scatter_chart(
        [Dot(t.number + 1, t.value, _title(t, score)) for t in study_order],
        x_label="trial",
        y_label=score.title,
        percent=score.share,
        front=so_far,
        legend=[("a trial", 0), ("best so far", 1)],
    )
    front = pareto(finished, score)
    cost = scatter_chart(
        [
            Dot(t.user_attrs["macs"], t.value, _title(t, score), 1 if t in front else 0, strong=t in front)
            for t in finished
        ],
        x_label="multiply-adds",
        y_label=score.title,
        percent=score.share,
        log_x=True,
        front=[(t.user_attrs["macs"], t.value) for t in front],
        legend=[("no other is better and cheaper", 1), ("the rest", 0)],
    )
    bars = bar_chart(list(shares.items()), label="importance of each dimension") if shares else ""
    curves = line_chart(
        [
            Series(
                f"trial {t.number + 1}", list(t.intermediate_values), list(t.intermediate_values.values()), faint=True
            )
            for t in trials
            if len(t.intermediate_values) > 1
        ],
        x_label="% of the training",
        y_label=score.title,
        percent=score.share,
    )
    parts = [
        figure("History", history),
        figure(f"{score.heading} against cost", cost, "Point at a dot to read its settings."),
        figure("What matters", bars, "The part each dimension has in what tells the better trials from the others."),
        figure("Every trial as it learned", curves),
    ]
    return f'<h2>The search</h2><div class="grid2">{"".join(parts)}</div>'


def _slices(finished: Sequence[Any], score: Score) -> str:
    names = list(dict.fromkeys(name for trial in finished for name in trial.params))
    slices = "".join(_slice(finished, name, score) for name in names)
    return f'<h2>Dimension by dimension</h2><div class="grid2">{slices}</div>'


def _slice(finished: Sequence[Any], name: str, score: Score) -> str:
    own = [trial for trial in finished if name in trial.params]
    values = [trial.params[name] for trial in own]
    if all(isinstance(value, int | float) for value in values):
        spread = min(values) > 0 and max(values) / min(values) > 10
        points = [Dot(value, trial.value, _title(trial, score)) for value, trial in zip(values, own, strict=True)]
        return figure(name, scatter_chart(points, x_label=name, y_label=score.title, percent=score.share, log_x=spread))
    by_word = {
        word: [trial.value for value, trial in zip(values, own, strict=True) if value == word]
        for word in dict.fromkeys(values)
    }
    ordered = sorted(by_word.items(), key=lambda entry: -max(map(score.rank, entry[1])))
    rows = [
        (escape(str(word)), str(len(found)), score.number(max(found, key=score.rank)), score.number(fmean(found)))
        for word, found in ordered
    ]
    return figure(name, table((name, "trials", "best", "mean"), rows))


def _listed(trials: Sequence[Any], score: Score) -> str:
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    rows = []
    for trial in sorted(trials, key=lambda t: (t.value is None, -score.rank(t.value or 0))):
        value = "" if trial.value is None else score.number(trial.value)
        macs = trial.user_attrs.get("macs")
        cells = [escape(_short(trial.params.get(name, ""))) for name in names]
        rows.append(
            (
                str(trial.number + 1),
                trial.state.name.lower(),
                value,
                "" if macs is None else f"{macs / 1e6:,.2f} M",
                *cells,
            )
        )
    header = ("trial", "state", score.title, "multiply-adds", *names)
    return f"<h2>Every trial</h2>{table(header, rows, text=(0, 1))}"


def _title(trial: Any, score: Score) -> str:
    settings = ", ".join(f"{name} {_short(value)}" for name, value in trial.params.items())
    return f"trial {trial.number + 1}: {score.number(trial.value)} ({settings})"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
