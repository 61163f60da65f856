"""What is to be watched, source by source: from the command line, or from a TOML file.

Imports nothing heavy: the command line makes its options from these fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..model.arguments import spelled
from ..said import Said, checked, joined, option, spelled_in
from ..sources.catalog import option_classes
from ..track.options import TrackOptions
from ..zones.options import ZoneOptions

if TYPE_CHECKING:
    from ..preprocess import Region

__all__ = ["PLAN_GROUPS", "SourcePlan", "known_keys", "read_config", "with_unique_names"]

LONGEST = 1000  # frames that may have to agree
_MOST_BYTES = 4 * 1024 * 1024
# what a source's table may say beside the plan's own fields, by the field that it stands in
PLAN_GROUPS: dict[str, type[Any]] = {"follow": TrackOptions, "places": ZoneOptions}
_CAMERAS = 1_000_000  # what a camera's number stays below


def _agreement(value: str | Sequence[int], written: str) -> tuple[int, int]:
    """N and M from `N/M`, or from two numbers."""
    text = joined(value, "/")
    needed, _, window = text.partition("/")
    if not (needed.isdecimal() and window.isdecimal() and 1 <= int(needed) <= int(window) <= LONGEST):
        raise UsageError(f"{written} {text}: write N/M, such as 3/5: announced when 3 of the last 5 frames agree")
    return int(needed), int(window)


def _region(value: str | Sequence[float], written: str) -> Region:  # noqa: ARG001
    from ..preprocess import Region

    return Region.parse(joined(value, ","))


@dataclass(frozen=True)
class SourcePlan:
    """One source with the settings that are its own; None leaves what the command line or the model says.

    Every field is a key of a `[[source]]` table (`source` is written `url`), and so is every option of a source; a
    field that says how it is written is an option of the command line as well.
    """

    source: str = ""
    name: str = ""
    model: str | None = None
    labels: str | None = None
    region: Region | None = option(  # noqa: RUF009 (a field)
        Said("Look only there: pixels, or fractions of the frame.", "X,Y,W,H", flag="--roi", read=_region)
    )
    motion: bool = option(Said("Recognize only where the picture changed."), default=False)
    threshold: float | None = option(spelled()["threshold"])
    false_accepts: float | None = option(spelled()["false_accepts"])
    smoothing: float | None = option(
        Said(
            "Weight of the newest frame in the scores, 1 is no smoothing; .5 for what is live, 1 for files.",
            "W",
            above=0,
            high=1,
        )
    )
    agree: tuple[int, int] = option(
        Said("Announce a label when N of the last M frames agree.", "N/M", read=_agreement), default=(3, 5)
    )
    max_fps: float | None = option(Said("Recognize no more often.", "FPS", above=0))
    follow: TrackOptions = field(default_factory=TrackOptions)
    places: ZoneOptions = field(default_factory=ZoneOptions)
    given: Mapping[str, Any] = field(default_factory=dict)  # what was said to the source itself, by its options' names

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", _shown(self.source))


def read_config(path: str, fallback: SourcePlan) -> tuple[SourcePlan, ...]:
    """The `[[source]]` tables of a file; what one does not say is the fallback's."""
    from ..host.toml_text import read_toml

    try:
        with Path(path).open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise UsageError(f"--config {path}: is larger than {_MOST_BYTES >> 20} MB, which no list of sources is")
        document = read_toml(data.decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"--config {path}: could not be read ({error.strerror or error})") from None
    except RecursionError:
        raise UsageError(f"--config {path}: is no valid TOML: its brackets go too deep") from None
    except ValueError as error:  # what is no TOML, no UTF-8, or a number of thousands of digits
        raise UsageError(f"--config {path}: is no valid TOML: {' '.join(str(error).split())}") from None
    tables = document.pop("source", None)
    if document:
        raise UsageError(f"--config {path}: {next(iter(document))!r} is not known here; there are [[source]] tables")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"--config {path}: has no [[source]] table")
    return tuple(_plan(table, fallback, f"--config {path}: source {i + 1}") for i, table in enumerate(tables))


def known_keys() -> dict[str, str]:
    """Every key of a `[[source]]` table, and the option of the command line that says the same ("" where none does)."""
    options = _keys(SourcePlan, *PLAN_GROUPS.values(), *option_classes())
    return {"url": "--source"} | {key: said.flag if said is not None else "" for key, (said, _) in options.items()}


def with_unique_names(plans: tuple[SourcePlan, ...]) -> tuple[SourcePlan, ...]:
    """The plans with a number behind names that are there twice: results are told apart by them."""
    taken, names = {plan.name for plan in plans}, list[str]()
    for plan in plans:
        name = plan.name
        if name in names:
            name = next(free for n in count(2) if (free := f"{plan.name} #{n}") not in taken)
        taken.add(name)
        names.append(name)
    return tuple(replace(plan, name=name) for plan, name in zip(plans, names, strict=True))


def _shown(source: str) -> str:
    """A source as people may see it."""
    if not {"@", ":"} & set(source):
        return source
    from ..sources.credentials import masked

    return masked(source)


def _plan(table: Mapping[str, Any], fallback: SourcePlan, where: str) -> SourcePlan:
    if "url" in table and "source" in table:
        raise UsageError(f"{where}: url and source are the same: give one of them")
    url = table.get("url", table.get("source"))
    numbered = isinstance(url, int) and not isinstance(url, bool) and 0 <= url < _CAMERAS
    if not numbered and (not isinstance(url, str) or url == ""):
        raise UsageError(f"{where}: needs a url: a camera, stream, file or folder")
    own, of_source = _keys(SourcePlan), _keys(*option_classes())
    group_of = {key: name for name, options in PLAN_GROUPS.items() for key in _keys(options)}
    of_group = _keys(*PLAN_GROUPS.values())
    of_plan: dict[str, Any] = {"name": ""}
    given = dict(fallback.given)
    groups: dict[str, dict[str, Any]] = {name: {} for name in PLAN_GROUPS}
    for key, value in table.items():
        if key in ("url", "source"):
            continue
        if key not in own and key not in of_group and key not in of_source:
            known = ", ".join([*own, *of_group, *of_source])
            raise UsageError(f"{where}: {key!r} is not known; there are url, {known}")
        into: dict[str, Any] = of_plan if key in own else groups[group_of[key]] if key in group_of else given
        said, usual = {**of_source, **of_group, **own}[key]
        try:
            into[key] = _value(value, said, usual, key)
        except (UsageError, TypeError, ValueError) as error:
            raise UsageError(f"{where}: {' '.join(str(error).split())}") from None
    told = {name: replace(getattr(fallback, name), **values) for name, values in groups.items()}
    return replace(fallback, **of_plan, **told, source=str(url), given=given)


def _keys(*options: type[Any]) -> dict[str, tuple[Said | None, Any]]:
    """The keys that dataclasses bring to a table: how each is written, where that is said, and what holds unsaid."""
    keys: dict[str, tuple[Said | None, Any]] = {}
    for each in options:
        said = spelled_in(each)
        keys |= {
            f.name: (said.get(f.name), f.default)
            for f in fields(each)
            if f.name not in ("source", "given", *PLAN_GROUPS)
        }
    return keys


def _value(value: Any, said: Said | None, usual: Any, key: str) -> Any:
    """A table's value, refused where it is of another kind than the option's."""
    if isinstance(usual, bool):
        if not isinstance(value, bool):
            raise UsageError(f"{key} {value!r}: must be true or false")
        return value
    if (said is None or not (said.number or said.read)) and not isinstance(value, str):
        raise UsageError(f"{key} {value!r}: must be a text in quotes")
    return value if said is None else checked(value, said, key)
