"""The camera loop: frames from every source in turn, through the recognizer, smoothed, to the sinks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2

from .control import Control
from .feeds import Feeds
from .model_slot import ModelSlot
from .motion import MotionGate
from .outlets import Outlets
from .pace import Pace
from .result import Result
from .sinks.protocol import Notice, Sink
from .smoothing import Announcer, Smoother
from .sources.protocol import Source
from .summary import Tally

__all__ = ["Lane", "LoopOptions", "run", "watch"]

LOOK_UP_S = 0.2  # how often a loop without frames looks whether it is to end


@dataclass
class Lane:
    """One source's way through the loop, with the state that is kept for it."""

    source: Source
    model: ModelSlot
    motion: MotionGate | None = None
    stills: bool = False  # pictures that have nothing to do with one another: nothing is smoothed or announced
    smoother: Smoother = field(default_factory=Smoother)
    announcer: Announcer = field(default_factory=Announcer)
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class LoopOptions:
    """What holds for a whole run."""

    duration_s: float | None = None
    device: str = ""  # the stable id that results carry


def watch(
    lanes: Sequence[Lane],
    control: Control,
    options: LoopOptions,
    *,
    feeds: Feeds,
    pace: Pace,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Result]:
    """Results as they come, until every source has ended, the duration is over, or `stop` says so."""
    cv2.setNumThreads(1)
    by_feed = dict(zip(feeds.feeds, lanes, strict=True))
    with feeds:
        for model in {id(lane.model): lane.model for lane in lanes}.values():
            model.load()  # while the sources open
        ends = time.monotonic() + (options.duration_s or float("inf"))
        while not stop() and (left := ends - time.monotonic()) > 0:
            got = feeds.take(min(LOOK_UP_S, left))
            if got is None:
                feeds.check()
                if feeds.over:
                    return
                continue
            feed, waiting = got
            frame, lane = waiting.frame, by_feed[feed]
            settings = control.settings(feed.name)
            feed.not_before = pace.next(feed.not_before, settings.max_fps)
            if settings.paused:
                feed.not_before = time.monotonic() + LOOK_UP_S
                continue
            if lane.motion is not None and not lane.motion.changed(frame.image, settings.region):
                continue
            with lane.model.in_use() as recognizer:
                seen, stages = recognizer.recognize(frame, region=settings.region, threshold=settings.threshold)
                decode = recognizer.bundle.manifest.main.decode
            announced = None
            if not lane.stills:
                threshold = decode.threshold if settings.threshold is None else settings.threshold
                seen = lane.smoother.smooth(seen, settings.smoothing, threshold)
                announced = lane.announcer.hear(seen, settings.agree, decode.background)
            age_ms = (time.monotonic() - frame.captured) * 1e3
            result = Result(frame, seen, {"capture": waiting.capture_ms, **stages}, age_ms, announced, options.device)
            lane.tally.add(result)
            yield result


def run(
    lanes: Sequence[Lane],
    sinks: Sequence[Sink],
    control: Control,
    options: LoopOptions,
    *,
    pace: Pace,
    log: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
) -> tuple[dict[str, Any], Outlets, Feeds]:
    """Watch, hand every result to the sinks, and sum up."""
    tally = Tally()
    with Outlets(sinks, stop) as outlets:

        def tell(notice: Notice) -> None:
            log(notice.text)
            outlets.notice(notice)

        feeds = Feeds([lane.source for lane in lanes], tell)
        results = watch(lanes, control, options, feeds=feeds, pace=pace, stop=stop)
        live = {lane.source.name: lane.source.live for lane in lanes}
        with contextlib.closing(results):
            for result in results:
                tally.add(result)
                outlets.put(result, wait=not live[result.frame.source])
    captured = sum(feed.slot.captured for feed in feeds.feeds)
    recoveries = sum(feed.recoveries for feed in feeds.feeds)
    summary = tally.to_json(captured=captured, skipped=captured - tally.processed, recoveries=recoveries)
    return summary, outlets, feeds
