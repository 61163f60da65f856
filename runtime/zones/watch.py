"""All lines and zones of one source: rows of a frame in, what happened and how it stands out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ..recognitions import Recognitions
from .areas import ZoneWatch
from .geometry import anchors
from .lines import LineCounter
from .moment import Event, Moment
from .options import Line, Zone, ZoneOptions

__all__ = ["Watch"]

Placed = TypeVar("Placed", Line, Zone)

_HAIR = 0.01  # pixels


class Watch:
    """Counts over one source's lines and zones; a thing is where its box stands."""

    def __init__(
        self, options: ZoneOptions, hidden_s: float = 2.0, keep: Callable[[Mapping[str, Any]], None] | None = None
    ) -> None:
        self.options, self._keep = options, keep
        self.lines = [LineCounter(line) for line in options.line]
        self.zones = [ZoneWatch(zone, options.loiter, hidden_s) for zone in options.zone]
        self._before: tuple[Event, ...] = ()  # of zones that are not watched any more
        # the counts and who is where, as plain JSON types: never changed, only replaced, for other threads ask for it
        self.standing: dict[str, Any] = self._as_json()

    def see(self, seen: Recognitions, now: float, size: tuple[int, int]) -> tuple[Event, ...]:
        """What happened in a frame; `now` in seconds of the source's clock, `size` the frame's height and width."""
        moment = self._moment(seen, now, size)
        crossed = [event for line in self.lines for event in line.see(moment)]
        events = (*self._before, *crossed, *(event for zone in self.zones for event in zone.see(moment)))
        self._before = ()
        self.standing = self._as_json()
        if events and self._keep is not None:
            self._keep(self.standing)
        return events

    def close(self) -> tuple[Event, ...]:
        """Nobody looks any more: whoever was in a zone has left it."""
        events = tuple(event for zone in self.zones for event in zone.close())
        self.standing = self._as_json()
        if events and self._keep is not None:
            self._keep(self.standing)
        return events

    def succeed(self, before: Watch) -> None:
        """Go on where another one stopped: what lies where it lay notices nothing, of others the counts go on."""
        lines = {each.line: each for each in before.lines}
        zones = {each.zone: each for each in before.zones}
        gone = [each for each in before.zones if each.zone not in self.options.zone]
        left = tuple(event for zone in gone for event in zone.close())
        self._before = (*before._before, *left)
        self.take_up(_renamed(before, self.options, left))
        self.lines = [lines.get(each.line, each) for each in self.lines]
        self.zones = [zones.get(each.zone, each) for each in self.zones]
        self.standing = self._as_json()
        if self._keep is not None:
            self._keep(self.standing)

    def take_up(self, counts: Mapping[str, Any]) -> None:
        """Go on from counts that were kept: those of `standing`, of lines and zones that are still there."""
        for line in self.lines:
            kept = counts.get("lines", {}).get(line.line.name, {})
            for way, numbers in line.counts.items():
                numbers.update({str(label): int(n) for label, n in kept.get(way, {}).items()})
        for zone in self.zones:
            kept = counts.get("zones", {}).get(zone.zone.name, {})
            zone.entries.update({str(label): int(n) for label, n in kept.get("entries", {}).items()})
            zone.dwell_s.update({str(label): float(n) for label, n in kept.get("dwell_s", {}).items()})
        self.standing = self._as_json()

    def _as_json(self) -> dict[str, Any]:
        return {
            "lines": {each.line.name: _line_json(each) for each in self.lines},
            "zones": {each.zone.name: _zone_json(each) for each in self.zones},
        }

    def _moment(self, seen: Recognitions, now: float, size: tuple[int, int]) -> Moment:
        """The confirmed things of a frame that have a place."""
        ids = seen.track_ids if seen.track_ids is not None else np.full(len(seen), -1)
        rows = np.flatnonzero((ids > 0) & ~np.isnan(seen.places[:, 0]))
        boxes = seen.places[rows]
        points = anchors(boxes, self.options.anchor)
        within = np.clip(points, 0, np.maximum(np.array(size[::-1]) - _HAIR, 0))  # what is cut off stands on the edge
        return Moment(
            now,
            size,
            tuple(ids[rows].tolist()),
            tuple(seen.label(row) for row in rows.tolist()),
            within,
            boxes[:, 2:].mean(axis=1).astype(np.float64),
        )


def _renamed(before: Watch, wanted: ZoneOptions, left: Sequence[Event]) -> dict[str, Any]:
    """How it stood, by the names of now: a name that is new is that of the old one that lay there, if any did."""
    counts = before._as_json()
    for event in left:  # who is still there under the new name enters once more
        entries = counts["zones"][event["zone"]]["entries"]
        entries[event["label"]] = max(entries.get(event["label"], 0) - 1, 0)
    for name, now in _new_names(before.options.line, wanted.line):
        counts["lines"][now] = counts["lines"][name]
    for name, now in _new_names(before.options.zone, wanted.zone):
        counts["zones"][now] = counts["zones"][name]
    return counts


def _new_names(before: Sequence[Placed], wanted: Sequence[Placed]) -> list[tuple[str, str]]:
    """What was called so before, and is now called otherwise."""
    gone = {each.name for each in before} - {each.name for each in wanted}
    new = {each.name for each in wanted} - {each.name for each in before}
    return [
        (old.name, each.name)
        for old in before
        for each in wanted
        if old.name in gone and each.name in new and each == replace(old, name=each.name)
    ]


def _line_json(line: LineCounter) -> dict[str, Any]:
    return {"at": [*line.line.start, *line.line.end], **{way: dict(n) for way, n in line.counts.items()}}


def _zone_json(zone: ZoneWatch) -> dict[str, Any]:
    return {
        "at": [value for point in zone.zone.points for value in point],
        "occupancy": dict(zone.occupancy),
        "entries": dict(zone.entries),
        "dwell_s": {label: round(seconds, 3) for label, seconds in zone.dwell_s.items()},
        "loitering": zone.loitering,
    }
