"""What `edgelens run` watches and with which model: sources, models and settings as the command line said them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
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
    from edgelens.runtime.zones.options import ZoneOptions

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

    _check_idle(plans)
    several = len(plans) > 1
    every = [_asked(plan, options) for plan in plans]
    slots: dict[ModelAsked, ModelSlot] = {}
    for plan, asked in zip(plans, every, strict=True):
        if asked not in slots:
            with _naming(plan, several):
                slots[asked] = stack.enter_context(_model(asked, options))
    _tell_idle_thresholds([slots[asked] for plan, asked in zip(plans, every, strict=True) if plan.threshold], say)
    named = {asked.name: asked for asked in reversed(every)}
    lanes: list[Lane] = []
    stack.callback(_close, lanes)
    for plan, asked in zip(plans, every, strict=True):
        source = open_source(plan.source, plan.given, SourceContext(plan.name, say))
        stills = kind_of(plan.source) == "images"
        motion = _motion_gate(plan) if plan.motion else None
        at_hand = {**named, asked.name: asked}
        lane = Lane(source, slots[asked], motion=motion, stills=stills, at_hand=at_hand)
        with _naming(plan, several):
            _watch_places(lane, plan, stack, say)
        lanes.append(lane)
    return lanes


def _check_idle(plans: Sequence[SourcePlan]) -> None:
    """Refuse what was said of following things where nothing is followed, and to sources that none of these is."""
    from edgelens.runtime.said import refuse_idle
    from edgelens.runtime.sources.catalog import refuse_unheeded

    if not any(map(_follows, plans)):
        for plan in plans:
            refuse_idle(plan.follow, "--track, --line or --zone")
            refuse_idle(plan.places, "--track, --line or --zone", only=("loiter", "anchor"))
    refuse_unheeded([(plan.source, plan.name, plan.given) for plan in plans])


def _tell_idle_thresholds(models: Sequence[ModelSlot], say: Callable[[str], None]) -> None:
    """Say once of models that were given a threshold that it decides nothing there."""
    if models:
        from edgelens.runtime.model.asked import idle_threshold

        for note in dict.fromkeys(note for model in models for note in idle_threshold(model.bundle.manifest.main)):
            say(note)


@contextmanager
def _naming(plan: SourcePlan, several: bool) -> Iterator[None]:
    """Of several sources an error says which one it is about."""
    from edgelens.runtime.errors import EdgelensError

    try:
        yield
    except EdgelensError as error:
        if not several:
            raise
        raise type(error)(f"{plan.name}: {error}") from None


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
            places=lane.places,
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


def _motion_gate(plan: SourcePlan) -> MotionGate:
    """What passes over unmoved frames; where things are followed one is looked at before they would be given up."""
    from edgelens.runtime.loop.motion import REFRESH_S, MotionGate

    return MotionGate(min(REFRESH_S, plan.follow.track_keep / 2) if _follows(plan) else REFRESH_S)


def _follows(plan: SourcePlan) -> bool:
    """Whether things are followed before a source: lines and zones count what is."""
    return plan.follow.track or plan.places.watched


def _check_seen_twice(lane: Lane, plan: SourcePlan) -> None:
    """Refuse to follow what is looked at so seldom that nothing would ever have a number; a file has its own time."""
    keep = plan.follow.track_keep
    if lane.source.live and plan.max_fps is not None and plan.max_fps * keep <= 1:
        raise UsageError(
            f"with --max-fps {plan.max_fps:g} a frame is looked at every {1 / plan.max_fps:g} s, and a "
            f"thing is given up after --track-keep {keep:g}: nothing would be followed"
        )


def _watch_places(lane: Lane, plan: SourcePlan, stack: ExitStack, say: Callable[[str], None]) -> None:
    """Give a source what follows things, counts over its lines and zones, and hides, as far as that was asked for."""
    if plan.places.mask:
        from edgelens.runtime.zones.masks import PrivacyMask

        lane.mask = PrivacyMask(plan.places.mask)
    if not _follows(plan):
        if not lane.stills and any(step.every == "track" for step in lane.model.bundle.manifest.steps):
            say(f"{lane.model.name} looks into everything in every frame; with --track only into what is new")
        return
    _check_seen_twice(lane, plan)
    from edgelens.runtime.zones.drawn import drawn_file, laid_over
    from edgelens.runtime.zones.kept import CountsKeeper, counts_file

    lane.follower = _follower(plan, lane.model)
    keeper = None
    if lane.source.live:  # what was drawn and counted before a file says nothing of the next time it is read
        keeper = stack.enter_context(CountsKeeper(counts_file(plan.name), say))
    drawn = drawn_file(plan.name)

    def place(places: ZoneOptions) -> None:
        """Watch these from now on; what a line or zone of the same name has counted goes on."""
        from edgelens.runtime.zones.watch import Watch

        watch = Watch(places, plan.follow.track_keep, keeper.put if keeper is not None else None)
        if lane.watch is not None:
            watch.succeed(lane.watch)
        elif keeper is not None:
            watch.take_up(keeper.read())
        lane.watch, lane.places = watch, places

    def redraw(places: ZoneOptions) -> None:
        """What was drawn on the page: watched, and kept for the next start."""
        from edgelens.runtime.errors import EdgelensError
        from edgelens.runtime.zones.drawn import keep_drawn

        place(replace(plan.places, line=places.line, zone=places.zone))
        lane.places = places  # the very object that the page gave: it is news only once
        try:
            keep_drawn(drawn, plan.places, places)
        except (OSError, EdgelensError) as error:
            say(f"what was drawn is not kept: {error}")

    lane.place = redraw
    place(laid_over(plan.places, drawn, say) if lane.source.live else plan.places)


def _follower(plan: SourcePlan, model: ModelSlot) -> Follower:
    """What follows things before a source; lines and zones count what is followed."""
    from edgelens.runtime.tasks.catalog import task_of
    from edgelens.runtime.track.follower import TrackFollower

    manifest = model.bundle.manifest
    if not task_of(manifest.networks[manifest.steps[0].network].task).places:
        asked = "--track" if plan.follow.track else "--line" if plan.places.line else "--zone"
        raise UsageError(f"{asked}: {manifest.name} does not say where things are; take a model that finds boxes")
    return TrackFollower(plan.follow)


def _asked(plan: SourcePlan, options: RunOptions) -> ModelAsked:
    from edgelens.runtime.loop.model_slot import ModelAsked

    labels = plan.labels or options.arguments.labels
    said = replace(options.arguments, labels=labels, false_accepts=plan.false_accepts, threshold=None)
    return ModelAsked(plan.model or options.model, said)


def _model(asked: ModelAsked, options: RunOptions) -> ModelSlot:
    from edgelens.runtime.loop.model_slot import ModelChoice, ModelSlot
    from edgelens.runtime.model.open import open_model

    bundle = open_model(asked.name, asked.said)
    return ModelSlot(bundle, ModelChoice(options.engine, options.precision, options.threads), asked)
