"""What the page may change, checked before it reaches the loop."""

from __future__ import annotations

from typing import Any

from ...errors import UsageError
from ...loop.control import Control, Settings
from ...preprocess import Region
from ...zones.drawn import places_json
from ...zones.options import ZoneOptions, read_lines, read_zones
from .json_numbers import is_number

__all__ = ["change_settings", "settings_json"]

MOST_CLASSES, LONGEST_NAME = 200, 200


def settings_json(settings: Settings) -> dict[str, Any]:
    """The knobs of one source as plain JSON types."""
    region = settings.region
    return {
        "threshold": settings.threshold,
        "smoothing": settings.smoothing,
        "agree": list(settings.agree),
        "region": None if region is None else [region.x, region.y, region.w, region.h],
        "paused": settings.paused,
        "max_fps": settings.max_fps,
        "classes": None if settings.classes is None else list(settings.classes),
        "places": None if settings.places is None else places_json(settings.places),
    }


def change_settings(control: Control, body: Any) -> None:
    """Apply `{"source": name or null, knob: value, …}`; everything is checked before anything is changed."""
    if not isinstance(body, dict):
        raise UsageError("send a JSON object")
    source = body.get("source")
    if source is not None and source not in control.sources:
        raise UsageError("no source of that name")
    changes: dict[str, Any] = {}
    for name, value in body.items():
        if name == "source":
            continue
        if name not in _CHECKS:
            raise UsageError(f"no knob is called {name[:40]!r}; there are {', '.join(_CHECKS)}")
        changes[name] = _CHECKS[name](value)
    control.change(source, **changes)


def _fraction(name: str, value: Any) -> float:
    number = _number(name, value)
    if not 0 <= number <= 1:
        raise UsageError(f"{name} lies between 0 and 1")
    return number


def _threshold(value: Any) -> float | None:
    return None if value is None else _fraction("threshold", value)


def _smoothing(value: Any) -> float:
    weight = _fraction("smoothing", value)
    if weight < 0.01:
        raise UsageError("smoothing lies between 0.01 (slowest) and 1 (off)")
    return weight


def _agree(value: Any) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2 or not all(type(n) is int for n in value):
        raise UsageError("agree is two whole numbers: N of the last M frames")
    if not 1 <= value[0] <= value[1] <= 1000:
        raise UsageError("agree: N of the last M frames, 1 ≤ N ≤ M ≤ 1000")
    return value[0], value[1]


def _region(value: Any) -> Region | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise UsageError("region is null or [x, y, w, h] in fractions of the frame")
    x, y, w, h = (_fraction("region", number) for number in value)
    if w < 0.01 or h < 0.01 or x + w > 1.001 or y + h > 1.001:
        raise UsageError("region: at least a hundredth of the frame wide and high, and inside it")
    return Region(x, y, w, h)


def _paused(value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError("paused is true or false")
    return value


def _max_fps(value: Any) -> float | None:
    if value is None:
        return None
    rate = _number("max_fps", value)
    if not 0.1 <= rate <= 1000:
        raise UsageError("max_fps lies between 0.1 and 1000")
    return rate


def _classes(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    texts = isinstance(value, list) and all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in value)
    if not texts or not 1 <= len(value) <= MOST_CLASSES:
        raise UsageError(f"classes is null for all, or 1 to {MOST_CLASSES} names of up to {LONGEST_NAME} letters")
    return tuple(dict.fromkeys(value))


def _places(value: Any) -> ZoneOptions:
    if not isinstance(value, dict) or set(value) != {"lines", "zones"} or not all(map(_is_object, value.values())):
        raise UsageError("places is an object of lines and zones, each with its points by its name")
    return ZoneOptions(read_lines(value["lines"], "places: line"), read_zones(value["zones"], "places: zone"))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _number(name: str, value: Any) -> float:
    if not is_number(value):
        raise UsageError(f"{name} is a number")
    return float(value)


_CHECKS = {
    "threshold": _threshold,
    "smoothing": _smoothing,
    "agree": _agree,
    "region": _region,
    "paused": _paused,
    "max_fps": _max_fps,
    "places": _places,
    "classes": _classes,
}
