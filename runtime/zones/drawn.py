"""What was drawn on the page: kept in the device's state, laid over the lines and zones of config and command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ..errors import EdgelensError
from ..host.owned import read_own, write_own
from ..host.told_apart import state_file
from .options import Line, Zone, ZoneOptions, read_lines, read_zones

__all__ = ["drawn_file", "keep_drawn", "laid_over", "places_json"]

Placed = TypeVar("Placed", Line, Zone)


def drawn_file(source: str) -> Path:
    """Where it is kept what was drawn over a source, by its name."""
    return state_file("places", source)


def places_json(options: ZoneOptions) -> dict[str, dict[str, list[float]]]:
    """The points of lines and zones by name, as the page draws them."""
    return {
        "lines": {line.name: [*line.start, *line.end] for line in options.line},
        "zones": {zone.name: [value for point in zone.points for value in point] for zone in options.zone},
    }


def keep_drawn(path: Path, configured: ZoneOptions, now: ZoneOptions) -> None:
    """Keep how `now` differs from what is configured; null stands for what was taken away.

    What it was drawn in place of is kept too: where the configuration says something else later, that is newer.
    """
    before, after = places_json(configured), places_json(now)
    changes: dict[str, dict[str, list[float] | None]] = {}
    for kind, placed in after.items():
        gone: dict[str, list[float] | None] = dict.fromkeys(before[kind].keys() - placed.keys())
        changes[kind] = gone | {name: at for name, at in placed.items() if before[kind].get(name) != at}
    write_own(path, json.dumps({**changes, "instead_of": before}, ensure_ascii=False).encode())


def laid_over(configured: ZoneOptions, path: Path, say: Callable[[str], None]) -> ZoneOptions:
    """The configured lines and zones with what was drawn in their place or beside them."""
    try:
        changes = _still_meant(json.loads(read_own(path)), places_json(configured))
        lines = read_lines(_there(changes["lines"]), "line")
        zones = read_zones(_there(changes["zones"]), "zone")
    except FileNotFoundError:
        return configured
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EdgelensError) as error:
        say(f"what was drawn on the page is passed over: {path}: {' '.join(str(error).split())}")
        return configured
    for kind, written in places_json(configured).items():
        for name in sorted(written.keys() & changes[kind].keys()):
            what = "is left out, as it was taken away" if changes[kind][name] is None else "lies where it was drawn"
            say(f"{kind[:-1]} {name} {what} on the page; as configured again without {path}")
    return replace(
        configured,
        line=_laid(configured.line, lines, changes["lines"]),
        zone=_laid(configured.zone, zones, changes["zones"]),
    )


def _still_meant(changes: Mapping[str, Any], configured: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What was drawn, without what was configured anew since."""
    before = changes.get("instead_of", configured)
    return {
        kind: {name: at for name, at in changes[kind].items() if before[kind].get(name) == places.get(name)}
        for kind, places in configured.items()
    }


def _there(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: at for name, at in changes.items() if at is not None}


def _laid(configured: Sequence[Placed], drawn: Sequence[Placed], changes: Mapping[str, Any]) -> tuple[Placed, ...]:
    return tuple([each for each in configured if each.name not in changes] + list(drawn))
