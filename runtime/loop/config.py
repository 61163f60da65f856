"""What is to be watched, source by source: from the command line, or from a TOML file."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..preprocess import Region

__all__ = ["SourcePlan", "parse_agree", "parse_size", "read_config", "with_unique_names"]

FLIPS = ("horizontal", "vertical", "both")


@dataclass(frozen=True)
class SourcePlan:
    """One source with the settings that are its own; None leaves what the command line or the model says."""

    source: str
    name: str = ""
    model: str | None = None
    labels: str | None = None
    region: Region | None = None
    threshold: float | None = None
    smoothing: float | None = None
    agree: tuple[int, int] = (3, 5)
    max_fps: float | None = None
    motion: bool = False
    size: tuple[int, int] | None = None  # width, height
    camera_fps: float | None = None
    flip: str | None = None
    rotate: int = 0

    def __post_init__(self) -> None:
        checks = (
            (self.threshold is None or 0 <= self.threshold <= 1, "threshold", "lies between 0 and 1"),
            (self.smoothing is None or 0 < self.smoothing <= 1, "smoothing", "lies above 0 and at most at 1"),
            (self.max_fps is None or self.max_fps > 0, "max_fps", "is above 0"),
            (self.camera_fps is None or self.camera_fps > 0, "camera_fps", "is above 0"),
            (self.flip is None or self.flip in FLIPS, "flip", f"is one of {', '.join(FLIPS)}"),
            (self.rotate in (0, 90, 180, 270), "rotate", "is 0, 90, 180 or 270"),
        )
        for good, key, rule in checks:
            if not good:
                raise UsageError(f"{_shown(self.source)}: {key} {rule}")
        if not self.name:
            object.__setattr__(self, "name", _shown(self.source))


def read_config(path: str, fallback: SourcePlan) -> tuple[SourcePlan, ...]:
    """The `[[source]]` tables of a file; what one does not say is the fallback's."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {path}: could not be read ({error.strerror or error})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path}: is no valid TOML: {error}") from None
    tables = document.pop("source", None)
    if document:
        raise UsageError(f"--config {path}: {next(iter(document))!r} is not known here; there are [[source]] tables")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"--config {path}: has no [[source]] table")
    return tuple(_plan(table, fallback, f"--config {path}: source {i + 1}") for i, table in enumerate(tables))


def with_unique_names(plans: tuple[SourcePlan, ...]) -> tuple[SourcePlan, ...]:
    """The plans with a number behind names that are there twice: results are told apart by them."""
    seen: dict[str, int] = {}
    unique = []
    for plan in plans:
        seen[plan.name] = seen.get(plan.name, 0) + 1
        again = seen[plan.name]
        unique.append(plan if again == 1 else dataclasses.replace(plan, name=f"{plan.name} #{again}"))
    return tuple(unique)


def parse_agree(text: str) -> tuple[int, int]:
    """N and M from `N/M`."""
    needed, _, window = text.partition("/")
    if not (needed.isdigit() and window.isdigit() and 1 <= int(needed) <= int(window) <= 1000):
        raise UsageError(f"--agree {text}: write N/M, such as 3/5: announced when 3 of the last 5 frames agree")
    return int(needed), int(window)


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from `WxH`."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and 0 < int(width) <= 16384 and 0 < int(height) <= 16384):
        raise UsageError(f"--size {text}: write WIDTHxHEIGHT, such as 1280x720")
    return int(width), int(height)


def _shown(source: str) -> str:
    """A source as people may see it."""
    if "://" not in source:
        return source
    from ..sources.credentials import masked

    return masked(source)


def _plan(table: Mapping[str, Any], fallback: SourcePlan, where: str) -> SourcePlan:
    table = {("source" if key == "url" else key): value for key, value in table.items()}
    known = {field.name: field for field in dataclasses.fields(SourcePlan)}
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: {key!r} is not known; there are url, {', '.join(list(known)[1:])}")
    if not isinstance(table.get("source"), str | int) or table["source"] == "":
        raise UsageError(f"{where}: needs a url: a camera, stream, file or folder")
    values: dict[str, Any] = {"name": "", **table, "source": str(table["source"])}
    try:
        return dataclasses.replace(fallback, **{key: _value(key, value) for key, value in values.items()})
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: {error}") from None


def _value(key: str, value: Any) -> Any:
    if key == "region":
        return Region.parse(value if isinstance(value, str) else ",".join(map(str, value)))
    if key == "agree":
        return parse_agree(value if isinstance(value, str) else "/".join(map(str, value)))
    if key == "size":
        return parse_size(value if isinstance(value, str) else "x".join(map(str, value)))
    kinds: dict[str, tuple[type, ...]] = {
        **dict.fromkeys(("threshold", "smoothing", "max_fps", "camera_fps"), (int, float)),
        **dict.fromkeys(("source", "name", "model", "labels", "flip"), (str,)),
        "rotate": (int,),
        "motion": (bool,),
    }
    if not isinstance(value, kinds[key]) or (isinstance(value, bool) and key != "motion"):
        raise ValueError(f"{key} must be {' or '.join(kind.__name__ for kind in kinds[key])}, not {value!r}")
    return value
