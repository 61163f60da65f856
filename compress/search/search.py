"""The budget search: cheap estimates, short recoveries, then long ones; the most accurate file that fits."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from edgelens.runtime.errors import WorkError

from ..bundle.assemble import checked_target
from ..bundle.card import share_of
from ..candidate import Candidate, candidate_of
from ..config import CompressConfig
from ..export.artifact import Artifact, file_outputs
from ..ingredients import Ingredients, ingredients_of, open_run
from ..learn.lesson import Lesson, lesson_of
from ..learn.taught import taught_by
from ..pipeline import Compressed, write_candidate
from ..progress import Progress
from ..proof.feature_space import feature_space
from ..shrink import teacher_of
from ..timing.on_device import require_host
from ..unread import refuse_unread
from .budget import Budget, Cost
from .candidates import Recovery, bare_network, estimate, file_bytes, recovered, seen_by
from .front import mark_front, nearest_words, pareto_plots, table_rows
from .latency import Found, Latencies, Latency, latency_for
from .measured_file import MeasuredFile
from .memory import memory_mb
from .space import Attempt, attempts_of
from .study import Study, check_folder

__all__ = ["SearchConfig", "search_run"]

HOPELESS = 0.15  # accuracy below the limit after a short recovery that no long one makes good
SHORT_UNTIL = 0.7  # of the time, in which short recoveries are begun and end
A_TURN = 0.35  # of the time left for short recoveries, at most for one of them: the first are the largest
LEAST = 0.02  # of the time, that a recovery must have to be begun
ROUGHLY = 0.7  # of the bytes of a rough cut, which another one may fall to
NEARLY, SURELY = 0.97, 1.03  # of the bytes that are expected: what a file may have, and what it surely keeps to
LATE = 2.0  # times the minutes, until which what was not begun is tried where nothing fits
GENEROUS = 0.6  # estimates are only trusted to be this good: what they exclude must be far off


@dataclass(frozen=True)
class SearchConfig:
    """What is searched for, and how long."""

    budget: Budget
    compress: CompressConfig = field(default_factory=CompressConfig)
    device: str | None = None
    on: str | None = None
    study: str | None = None
    minutes: float = 15.0
    recovery: Recovery = field(default_factory=Recovery)
    plans: tuple[Attempt, ...] | None = None

    @property
    def time_words(self) -> str:
        """The minutes, for people."""
        return f"{self.minutes:.2g} minutes" if self.minutes < 10 else f"{self.minutes:,.0f} minutes"


def search_run(
    run_path: str | Path, out: str | Path, config: SearchConfig, *, progress: Progress | None = None
) -> Compressed:
    """The bundle of the most accurate file within the budget; a WorkError that says how near it came where none is."""
    progress = progress or Progress(quiet=True)
    checked_target(out, config.compress)
    folder = Path(config.study or f"{out}.study")
    check_folder(folder)
    require_host(config.on)
    run = open_run(run_path, progress)
    with progress.step("reading the run and its images"):
        made_of = ingredients_of(run, config.compress)
        refuse_unread(made_of, config.compress)
    teacher = _teacher(made_of, config.compress, progress)
    study = Study.open(folder, _identity(made_of, teacher))
    search = _Search(config, made_of, teacher, study, progress)
    points = search.all_points()
    fitting = sorted((p for p in points if not p.excess), key=lambda p: (-p.cost.accuracy, p.cost.latency_ms))
    rows = mark_front([point.row() for point in points])
    for point in fitting:
        again = search.cost_again(point)
        if not config.budget.excess(again, search.trained):
            return _finished(point, again, points, rows, out, config, progress)
        progress.say(f"{point.plan.words}, {point.artifact.title}: no longer within the budget when measured again")
    nearest = nearest_words(points, search.unmeasured) + search.left_out_words()
    raise WorkError(f"{run_path}: no candidate keeps {config.budget.words()}; {nearest}; nothing is written")


def _teacher(made_of: Ingredients, config: CompressConfig, progress: Progress) -> nn.Module:
    """Who candidates learn from: the run that was named, else who taught this one, else the trained network."""
    taught = None if config.teacher else taught_by(made_of.run)
    if taught is None:
        return teacher_of(made_of, config)
    progress.say(f"candidates learn from {made_of.run.config.teacher}, which taught this network")
    return taught


@dataclass(frozen=True)
class Excess:
    """Why a plan was left out before it was made."""

    times: float  # the limit
    words: str


class _Search:
    """The candidates of one run, made and measured one after another."""

    def __init__(
        self, config: SearchConfig, made_of: Ingredients, teacher: nn.Module, study: Study, progress: Progress
    ) -> None:
        self.config, self.made_of, self.teacher, self.study, self.progress = config, made_of, teacher, study, progress
        self.began, self.whole_s = time.monotonic(), config.minutes * 60
        self.files_s = 0.0  # that making and measuring a plan's files has taken, at most
        self.latency: Latency = latency_for(config.device, config.on, config.compress.threads)
        self.trained = made_of.score(made_of.network, made_of.validation)
        self.least = config.budget.least_accuracy(self.trained)
        self.lesson = _lesson(made_of)
        self.best: MeasuredFile | None = None
        self.unmeasured: list[str] = []  # why files of candidates have no costs
        self._bare: dict[Attempt, nn.Module] = {}
        self._left_out: dict[Attempt, Excess | None] = {}
        self._begun: dict[Attempt, nn.Module] = {}  # after their short recovery, cut short or not

    def bare(self, plan: Attempt) -> nn.Module:
        """A plan's network before it has learned anything; the same plan gives the same one, whenever it is made."""
        if plan not in self._bare:
            seen = seen_by(plan, self.made_of)
            self._bare[plan] = bare_network(plan, seen, self.lesson if plan.side == 1 else _lesson(seen))
        return self._bare[plan]

    def all_points(self) -> list[MeasuredFile]:
        """Measured files, as many as the time allows, the promising first; of one network at least, however long."""
        plans = list(self.config.plans or attempts_of(self.made_of.run))
        first = next((plan for plan in plans if plan.kind == "trained"), None)
        points = self.measured(first, self.made_of) if first and self.may_fit(first, []) else []
        if any(not point.excess for point in points):
            return points  # nothing smaller can be expected to answer better
        ranked = self.after_short_recovery([plan for plan in plans if plan is not first], points)
        if first and not ranked and not points:
            points = self.measured(first, self.made_of)  # so that it can be said how far it is
        promising = 0
        for plan, _ in ranked:
            if self.best and self.left_s(1.0) - self.files_s < LEAST * self.whole_s:
                self.say_over(f"{plan.words} is not begun")
                break
            points += self.measured(plan, seen_by(plan, self.made_of))
            promising += any(not point.excess for point in points if point.plan is plan)
            if promising == 2:
                break  # plans come by accuracy: what follows answers worse
        return points + self.smaller_ones(plans, points)

    def smaller_ones(self, plans: Sequence[Attempt], points: Sequence[MeasuredFile]) -> list[MeasuredFile]:
        """Where every measured file is too large or too slow: what was not begun, the largest first, until one fits."""
        begun, further = {point.plan for point in points}, list[MeasuredFile]()
        for plan in plans:
            if any(point.excess.keys() <= {"accuracy"} for point in [*points, *further]) or self.left_s(LATE) < 0:
                break
            if plan not in begun and self.may_fit(plan, points):
                further += self.measured(plan, seen_by(plan, self.made_of))
        return further

    def after_short_recovery(
        self, plans: Sequence[Attempt], points: Sequence[MeasuredFile]
    ) -> list[tuple[Attempt, float]]:
        """Plans that the estimates allow, by their accuracy after a short recovery."""
        tried: list[tuple[Attempt, float]] = []
        for turn, plan in enumerate(plans):
            if tried and self.left_s(SHORT_UNTIL) < LEAST * self.whole_s:
                self.say_over(f"{plan.words} and what follows are not begun")
                break
            if not self.may_fit(plan, points):
                continue
            seconds = self.left_s(SHORT_UNTIL) * max(A_TURN, 1 / (len(plans) - turn))
            accuracy = self.short_accuracy(plan, max(seconds, 0.0 if tried else A_TURN * SHORT_UNTIL * self.whole_s))
            said = _share(accuracy, self.made_of)
            self.progress.say(f"{plan.words}: {said} after a short recovery{self.so_far()}")
            tried.append((plan, accuracy))
        tried.sort(key=lambda pair: -pair[1])
        hopeful = [pair for pair in tried if pair[1] >= self.least - HOPELESS]
        return hopeful or tried[:1]  # what is said of the nearest should be of the best that could be done

    def may_fit(self, plan: Attempt, points: Sequence[MeasuredFile]) -> bool:
        """Whether the estimates allow a plan; why not is said."""
        if plan not in self._left_out:
            rough = bare_network(plan, seen_by(plan, self.made_of), None)
            trust = NEARLY if plan.kind == "trained" else SURELY
            excess = self.too_costly(plan, rough, points, ROUGHLY)
            excess = excess or self.too_costly(plan, self.bare(plan), points, trust)
            if excess:
                self.progress.say(f"{plan.words}: left out, {excess.words}")
            self._left_out[plan] = excess
        return self._left_out[plan] is None

    def left_out_words(self) -> str:
        """Which plan that was never made would have come nearest, where one was left out by its estimate."""
        left = [(excess.times, plan.words, excess.words) for plan, excess in self._left_out.items() if excess]
        return "" if not left else "; of those left out {1} comes nearest, {2}".format(*min(left))

    def too_costly(self, plan: Attempt, bare: Any, points: Sequence[MeasuredFile], trust: float) -> Excess | None:
        """Why a plan cannot fit, by what its file takes about and by multiply-adds; None where it may."""
        budget = self.config.budget
        if budget.size_bytes is not None and file_bytes(bare) * trust > budget.size_bytes:
            size = file_bytes(bare)
            return Excess(size / budget.size_bytes, f"about {size:,} bytes in 8 bits")
        if budget.latency_ms is not None and points:
            cost = estimate(bare, plan.pixels(self.made_of.pixels))
            whole = estimate(self.made_of.network, self.made_of.pixels)
            fastest = min(point.cost.latency_ms for point in points)
            about = fastest * cost.macs / max(whole.macs, 1)
            if about * GENEROUS > budget.latency_ms:
                return Excess(about / budget.latency_ms, f"about {about:.3g} ms")
        return None

    def left_s(self, share: float) -> float:
        """Seconds until a share of the search's time is over."""
        return self.began + share * self.whole_s - time.monotonic()

    def say_over(self, what: str) -> None:
        """Tell what the time was too short for."""
        self.progress.say(f"{self.config.time_words}: {what}; run it again to go on, or give more --minutes")

    def learned(
        self, plan: Attempt, student: nn.Module, made_of: Ingredients, stage: str, seconds: float
    ) -> tuple[nn.Module, bool]:
        """A plan's network after a stage of its recovery, and whether the seconds were enough for all of it."""
        began = time.monotonic()
        with self.progress.step(f"{stage} recovery: {plan.words}"):
            network = recovered(plan, student, made_of, self.teacher, stage, self.config.recovery, max(seconds, 1.0),
                                self.progress.update)  # fmt: skip
        whole = time.monotonic() - began < seconds
        if not whole:
            self.say_over(f"the {stage} recovery of {plan.words} is cut short after {seconds:.0f} s")
        return network, whole

    def short_accuracy(self, plan: Attempt, seconds: float) -> float:
        """Validation accuracy after the short recovery, for so long at most; from the study where it is known."""
        accuracy = self.study.accuracy(plan, "short")
        if accuracy is None:
            made_of = seen_by(plan, self.made_of)
            network, whole = self.learned(plan, copy.deepcopy(self.bare(plan)), made_of, "short", seconds)
            accuracy = made_of.score(network, made_of.validation)
            self._begun[plan] = network
            if whole:
                self.study.keep_network(plan, "short", network)
                self.study.keep_accuracy(plan, "short", accuracy)
        return accuracy

    def measured(self, plan: Attempt, made_of: Ingredients) -> list[MeasuredFile]:
        """A plan's files with their costs, after the long recovery."""
        bare = self.bare(plan)
        network = self.made_of.network if plan.kind == "trained" else self.study.network(plan, "long", bare)
        if network is None:
            start = self._begun.get(plan) or self.study.network(plan, "short", bare) or copy.deepcopy(bare)
            seconds = self.left_s(1.0) - self.files_s
            least = 0.0 if self.best else A_TURN * self.whole_s  # an answer comes late rather than not at all
            network, whole = self.learned(plan, start, made_of, "long", max(seconds, least))
            if whole:
                self.study.keep_network(plan, "long", network)
        began = time.monotonic()
        quiet = Progress(quiet=True)
        with self.progress.step(f"making and measuring files: {plan.words}"):
            config = dataclasses.replace(self.config.compress, allow_mismatch=True)
            candidate = candidate_of(network, made_of, config, quiet)
            sound = self.sound(plan, candidate)
            latency = self.latency(sound, made_of.validation.pixels[0]) if sound else Latencies({})
            points = [
                self.point(plan, artifact, candidate, latency.found[artifact.path])
                for artifact in sound
                if artifact.path in latency.found
            ]
        for artifact in sound:
            if artifact.path in latency.untimed:
                self.leave_out(plan, f"{artifact.title} {latency.untimed[artifact.path]}")
        self.files_s = max(self.files_s, time.monotonic() - began)
        for point in points:
            if not point.excess and (self.best is None or point.cost.accuracy > self.best.cost.accuracy):
                self.best = point
        self.progress.say(f"{plan.words}: measured{self.so_far()}")
        return points

    def leave_out(self, plan: Attempt, why: str) -> None:
        """A file that has no costs: what is said of it, now and where nothing else could be measured."""
        self.progress.say(f"{why}: left out")
        self.unmeasured.append(f"{plan.words}: {why}")

    def sound(self, plan: Attempt, candidate: Candidate) -> list[Artifact]:
        """The files that are the candidate's network; others are no candidates, however small they are."""
        broken = {} if self.config.compress.allow_mismatch else candidate.verdict.broken
        for said in broken.values():
            self.leave_out(plan, said)
        return [artifact for artifact in candidate.artifacts if artifact.path not in broken]

    def point(self, plan: Attempt, artifact: Artifact, candidate: Candidate, latency: Found) -> MeasuredFile:
        made_of, pictures = candidate.made_of, candidate.made_of.validation
        accuracy = made_of.task.judge(file_outputs(artifact, pictures.pixels), made_of.targets(pictures))
        wanted = self.config.budget.memory_mb is not None
        memory = memory_mb(artifact, self.config.compress.threads) if wanted else None
        cost = Cost(accuracy, len(artifact.data), latency.ms, memory, latency.predicted_ms)
        return MeasuredFile(plan, artifact, candidate, cost, self.config.budget.excess(cost, self.trained))

    def cost_again(self, point: MeasuredFile) -> Cost:
        """A point's cost with its latency measured once more: one lucky measurement must not decide."""
        if point.cost.predicted_ms is not None or self.config.budget.latency_ms is None:
            return point.cost
        again = self.latency([point.artifact], point.candidate.made_of.validation.pixels[0])
        if (found := again.found.get(point.artifact.path)) is None:  # a device that gave a time before
            why = again.untimed[point.artifact.path]
            raise WorkError(f"{point.plan.words}, {point.artifact.title}: {why}; the same command goes on")
        return dataclasses.replace(point.cost, latency_ms=max(found.ms, point.cost.latency_ms))

    def so_far(self) -> str:
        """The best file until now, for a line of progress."""
        if self.best is None:
            return "; nothing fits yet"
        best = self.best
        return f"; best so far {best.plan.words}, {best.artifact.title}: {_share(best.cost.accuracy, self.made_of)}"


def _lesson(made_of: Ingredients) -> Lesson:
    """What tells which channels matter."""
    return lesson_of(made_of.run, made_of.training_pictures(most=512), made_of.pixels)


def _share(accuracy: float, made_of: Ingredients) -> str:
    """A score on the validation images for people, with what chance leaves open where they are counted."""
    return share_of(accuracy, len(made_of.validation) if made_of.task.right else 0)


def _identity(made_of: Ingredients, teacher: nn.Module) -> str:
    """What candidates are shared by: the trained network, and who taught them where it was another one."""
    own = feature_space(made_of.network, made_of.pixels)
    if teacher is made_of.network:
        return own
    return hashlib.sha256((own + feature_space(teacher, made_of.pixels)).encode()).hexdigest()


def _finished(
    point: MeasuredFile, cost: Cost, points: Sequence[MeasuredFile], rows: list[dict[str, Any]], out: str | Path,
    config: SearchConfig, progress: Progress,
) -> Compressed:  # fmt: skip
    """The bundle of every file of the winning candidate that keeps the budget, the winner preferred."""
    kept = [p.artifact for p in points if p.candidate is point.candidate and not p.excess]
    kept.sort(key=lambda artifact: artifact.path != point.artifact.path)
    parity = point.candidate.parity.only([artifact.path for artifact in kept])
    candidate = dataclasses.replace(point.candidate, artifacts=tuple(kept), parity=parity)
    how = "measured" if cost.predicted_ms is None else "predicted"
    rivals = len({p.plan.key for p in points if not p.excess})
    luck = f" (the best there of {rivals} networks that fit, which is partly luck)" if rivals > 1 else ""
    notes = [
        f"budget: {config.budget.words()}",
        f"taken: {point.plan.words}, {point.artifact.title}: {_share(cost.accuracy, candidate.made_of)} on"
        f" validation{luck}, {cost.size_bytes:,} bytes, {cost.latency_words}"
        + ("" if cost.memory_mb is None else f", {cost.memory_mb:.1f} MB"),
    ]
    for note in notes:
        progress.say(note)
    extra = {"search": {"budget": config.budget.words(), "latency": how, "points": rows}}
    tables = {"Candidates of the budget search": table_rows(rows)}
    plain = dataclasses.replace(config.compress, on=None, device=None)
    return write_candidate(
        candidate, out, plain, progress, preferred=point.artifact.path, notes=notes, extra=extra,
        plots=pareto_plots(rows), tables=tables,
    )  # fmt: skip
