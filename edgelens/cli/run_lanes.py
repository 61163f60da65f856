"""What `edgelens run` watches and with which model: sources, models and settings as the command line said them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:
    from edgelens.cli.run_options import RunOptions
    from edgelens.runtime.loop.config import SourcePlan
    from edgelens.runtime.loop.control import Control
    from edgelens.runtime.loop.lane import Lane
    from edgelens.runtime.loop.model_slot import ModelAsked, ModelSlot
    from edgelens.runtime.loop.motion import MotionGate
    from edgelens.runtime.model.following import Follower
    from edgelens.runtime.sources.protocol import Judge, Source

__all__ = ["control_of", "inner", "judge_of", "open_lanes", "plans_of"]


def plans_of(options: RunOptions) -> tuple[SourcePlan, ...]:
    """The sources with their settings, from the options or from the file of --config."""
    from edgelens.runtime.loop.config import read_config, with_unique_names
    from edgelens.runtime.sources.catalog import default_source

    if options.config is not None and options.sources:
        raise UsageError("--config and --source: give one of them")
    if options.config is not None:
        return with_unique_names(read_config(options.config, options.plan))
    specs = options.sources or (default_source(),)
    return with_unique_names(tuple(replace(options.plan, source=spec, name="") for spec in specs))


def open_lanes(
    plans: Sequence[SourcePlan], options: RunOptions, stack: ExitStack, say: Callable[[str], None]
) -> list[Lane]:
    """Each source with its model; one model serves all sources that ask for it, and each may take the others'."""
    from edgelens.runtime.loop.lane import Lane
    from edgelens.runtime.sources.catalog import kind_of, open_source
    from edgelens.runtime.sources.protocol import SourceContext

    every = [_asked(plan, options) for plan in plans]
    slots = {asked: stack.enter_context(_model(asked, options)) for asked in dict.fromkeys(every)}
    named = {asked.name: asked for asked in reversed(every)}
    lanes: list[Lane] = []
    stack.callback(_close, lanes)
    for plan, asked in zip(plans, every, strict=True):
        source = open_source(plan.source, plan.given, SourceContext(plan.name, say))
        stills = kind_of(plan.source) == "images"
        motion = _motion_gate() if plan.motion else None
        at_hand = {**named, asked.name: asked}
        lane = Lane(source, slots[asked], motion=motion, stills=stills, at_hand=at_hand)
        _watch_places(lane, plan, stack, say)
        lanes.append(lane)
    return lanes


def _close(lanes: Sequence[Lane]) -> None:
    """Close the models that were taken while the loop ran."""
    from edgelens.runtime.loop.lane import models_of

    for model in models_of(lanes):
        model.__exit__()


def control_of(plans: Sequence[SourcePlan], lanes: Sequence[Lane], options: RunOptions) -> Control:
    """The settings that hold at the start, and can be changed from the page."""
    from edgelens.runtime.loop.control import Control, Settings

    at_hand = dict.fromkeys((*(lane.model.name for lane in lanes), *options.models))
    control = Control([plan.name for plan in plans], Settings(), tuple(at_hand))
    for plan, lane in zip(plans, lanes, strict=True):
        control.change(
            plan.name,
            threshold=plan.threshold,
            smoothing=plan.smoothing if plan.smoothing is not None else (0.5 if lane.source.live else 1.0),
            agree=plan.agree,
            region=plan.region,
            max_fps=plan.max_fps,
        )
    return control


def judge_of(lanes: Sequence[Lane]) -> Judge | None:
    """Who holds the run against the truth, where one of its sources knows it."""
    from edgelens.runtime.sources.protocol import KnowsTruth

    return next((source.judge() for lane in lanes if isinstance(source := inner(lane.source), KnowsTruth)), None)


def inner(source: Source) -> Source:
    """The source itself where it is turned or mirrored."""
    within: Source = getattr(source, "source", source)
    return within


def _motion_gate() -> MotionGate:
    from edgelens.runtime.loop.motion import MotionGate

    return MotionGate()


def _watch_places(lane: Lane, plan: SourcePlan, stack: ExitStack, say: Callable[[str], None]) -> None:
    """Give a source what follows things, counts over its lines and zones, and hides, as far as that was asked for."""
    lane.follower = _follower(plan, lane.model)
    if plan.places.mask:
        from edgelens.runtime.zones.masks import PrivacyMask

        lane.mask = PrivacyMask(plan.places.mask)
    if plan.places.watched:
        from edgelens.runtime.zones.kept import CountsKeeper, counts_file
        from edgelens.runtime.zones.watch import Watch

        keeper = CountsKeeper(counts_file(plan.name), say) if lane.source.live else None  # a file's begin anew
        lane.watch = Watch(plan.places, plan.follow.track_keep, keeper.put if keeper else None)
        if keeper is not None:
            lane.watch.take_up(keeper.read())
            stack.enter_context(keeper)


def _follower(plan: SourcePlan, model: ModelSlot) -> Follower | None:
    """What follows things before a source, where that was asked for; lines and zones count what is followed."""
    if not plan.follow.track and not plan.places.watched:
        return None
    from edgelens.runtime.tasks.catalog import task_of
    from edgelens.runtime.track.follower import TrackFollower

    manifest = model.bundle.manifest
    if not task_of(manifest.networks[manifest.steps[0].network].task).places:
        raise UsageError(f"--track: {manifest.name} does not say where things are; take a model that finds boxes")
    return TrackFollower(plan.follow)


def _asked(plan: SourcePlan, options: RunOptions) -> ModelAsked:
    from edgelens.runtime.loop.model_slot import ModelAsked

    labels = plan.labels or options.arguments.labels
    return ModelAsked(plan.model or options.model, replace(options.arguments, labels=labels, threshold=None))


def _model(asked: ModelAsked, options: RunOptions) -> ModelSlot:
    from edgelens.runtime.loop.model_slot import ModelChoice, ModelSlot
    from edgelens.runtime.model.open import open_model

    bundle = open_model(asked.name, asked.said)
    return ModelSlot(bundle, ModelChoice(options.engine, options.precision, options.threads), asked)
