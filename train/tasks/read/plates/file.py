"""A layout from its TOML file, refused with the place where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.toml_text import read_toml

from .layout import MARKS, Band, Border, Box, Colours, Layout, Line, Part
from .signs import Signs

__all__ = ["is_file", "layout_names", "load_layout"]

T = TypeVar("T")

_LAYOUTS = "edgelens.train.tasks.read.plates.layouts"
_MOST_BYTES = 1 << 20
_HEX = "0123456789abcdef"


def layout_names() -> tuple[str, ...]:
    """The layouts that the kit knows, by name."""
    folder = resources.files(_LAYOUTS)
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


def is_file(said: str) -> bool:
    """Whether a file of one's own is meant, no name."""
    return Path(said).suffix.lower() == ".toml"


def load_layout(said: str) -> Layout:
    """A known layout by its name, or that of a file."""
    where = f"--plates {said}"
    if is_file(said):
        return _layout(where, _document(where, Path(said)))
    if said not in layout_names():
        raise UsageError(f"{where}: is none of {', '.join(layout_names())}; a file of your own ends in .toml")
    inside = resources.files(_LAYOUTS) / f"{said}.toml"
    return _layout(where, read_toml(inside.read_text("utf-8")))


def _document(where: str, path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise UsageError(f"{where}: is larger than {_MOST_BYTES >> 20} MB, which no layout is")
        return read_toml(data.decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{where}: could not be read ({error.strerror or error})") from None
    except RecursionError:
        raise UsageError(f"{where}: is no valid TOML: its brackets go too deep") from None
    except ValueError as error:
        raise UsageError(f"{where}: is no valid TOML: {' '.join(str(error).split())}") from None


class _Table:
    """A table whose keys are taken one by one; what is left at the end is refused."""

    def __init__(self, where: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise UsageError(f'{where}: must be a table, such as {{ text = "[A-Z]{{3}}" }}')
        self.where, self._left = where, dict(values)

    def number(self, key: str, default: float | None = None, *, most: float = 1e4) -> float:
        value = self._taken(key, default)
        if not _is_number(value) or not 0 <= value <= most:
            raise self._wrong(key, f"must be a number from 0 to {most:g}")
        return float(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        return self._row(key, self._taken(key, None), count)

    def points(self, key: str) -> tuple[tuple[float, float], ...]:
        rows = self._taken(key, [])
        if not isinstance(rows, list):
            raise self._wrong(key, "must be a list of places, such as [[63, 16], [241, 16]]")
        return tuple(cast("tuple[float, float]", self._row(key, row, 2)) for row in rows)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._taken(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "must be true or false")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._taken(key, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise self._wrong(key, 'must be a list of texts, such as ["Narrow", "Condensed"]')
        return tuple(value)

    def signs(self, key: str) -> Signs | None:
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self._wrong(key, 'must be a pattern, such as "[A-Z]{2}[0-9]{3}"')
        signs = Signs(value)
        try:
            found = signs.characters
        except UsageError as error:
            raise self._wrong(key, str(error).removeprefix("--pattern ")) from None
        if not found:
            raise self._wrong(key, f"{value!r} fits no letter at all")
        return signs

    def colours(self, key: str, *, needed: bool = False) -> Colours:
        value = self._taken(key, None if needed else [])
        found = tuple(_colour(each) for each in (value if isinstance(value, list) else [value]))
        if None in found or (needed and not found):
            raise self._wrong(key, 'must be a colour such as "#f4c81e", or a list of which one is drawn')
        return cast("Colours", found)

    def tables(self, key: str, made: Callable[[_Table], T]) -> tuple[T, ...]:
        rows = self._left.pop(key, [])
        if not isinstance(rows, list):
            raise self._wrong(key, "must be a list of tables")
        found = []
        for number, row in enumerate(rows, 1):
            table = _Table(f"{self.where}: {key} {number}", row)
            found.append(made(table))
            table.done()
        return tuple(found)

    def marks(self) -> list[str]:
        """The marks that it names."""
        return [mark for mark in MARKS if mark in self._left]

    def done(self) -> None:
        """Refuse keys that nobody asked for."""
        if self._left:
            raise self._wrong(next(iter(self._left)), "is not known here")

    def _taken(self, key: str, default: Any) -> Any:
        value = self._left.pop(key, default)
        if value is None:
            raise self._wrong(key, "is missing")
        return value

    def _row(self, key: str, value: Any, count: int) -> tuple[float, ...]:
        is_row = isinstance(value, list) and len(value) == count
        if not is_row or not all(_is_number(number) and 0 <= number <= 1e4 for number in value):
            raise self._wrong(key, f"must be {count} numbers from 0 to 10000")
        return tuple(map(float, value))

    def _wrong(self, key: str, what: str) -> UsageError:
        return UsageError(f"{self.where}: {key}: {what}")


def _layout(where: str, document: Mapping[str, Any]) -> Layout:
    table = _Table(where, document)
    width, height = table.numbers("size", 2)
    if min(width, height) < 1 or not 0.1 <= width / height <= 20:
        raise UsageError(f"{where}: size: must be width and height of a plate, such as [520, 110]")
    made = Layout(
        Path(where.removeprefix("--plates ")).stem,
        (width, height),
        table.number("corner", 0, most=min(width, height) / 2),
        table.colours("ground", needed=True),
        table.colours("fade"),
        table.colours("ink", needed=True),
        table.texts("fonts"),
        table.points("rivets"),
        table.tables("border", _border),
        table.tables("band", _band),
        table.tables("line", _line),
    )
    table.done()
    _check_places(where, made)
    return made


def _border(table: _Table) -> Border:
    return Border(table.number("inset", 0), table.number("width"), _chance(table), table.colours("colour"))


def _band(table: _Table) -> Band:
    box = cast("Box", table.numbers("box", 4))
    colour = table.colours("colour", needed=True)
    return Band(box, colour, _chance(table), table.flag("stars", default=False), table.signs("text"))


def _line(table: _Table) -> Line:
    box = cast("Box", table.numbers("box", 4))
    character, gap = table.number("character"), table.number("gap", 0)
    if character <= 0:
        raise UsageError(f"{table.where}: character: must be the width of a usual one, above 0")
    read, cells = table.flag("read", default=True), table.flag("cells", default=True)
    parts = table.tables("parts", _part)
    if not any(part.signs for part in parts):
        raise UsageError(f'{table.where}: parts: must hold a text, such as {{ text = "[A-Z]{{3}}" }}')
    return Line(box, character, gap, parts, read, cells, _chance(table), table.colours("ink"))


def _part(table: _Table) -> Part:
    signs, marks = table.signs("text"), table.marks()
    if (signs is not None) + len(marks) != 1:
        raise UsageError(f"{table.where}: must have one of text, {', '.join(MARKS)}")
    return Part(signs, *(marks[0], table.number(marks[0])) if marks else ("", 0.0), chance=_chance(table))


def _chance(table: _Table) -> float:
    return table.number("chance", 1, most=1)


def _check_places(where: str, layout: Layout) -> None:
    """What is drawn lies on the plate, and something is read."""
    wide, high = layout.size
    lines, bands = [line.box for line in layout.lines], [band.box for band in layout.bands]
    for kind, boxes in (("line", lines), ("band", bands)):
        for number, (x, y, w, h) in enumerate(boxes, 1):
            if w < 1 or h < 1 or x + w > wide + 1e-6 or y + h > high + 1e-6:
                raise UsageError(
                    f"{where}: {kind} {number}: box: must be x, y, width, height within {wide:g} by {high:g}"
                )
    if not layout.read:
        raise UsageError(f"{where}: has no [[line]] that is read")


def _colour(value: Any) -> tuple[int, int, int] | None:
    if not isinstance(value, str) or len(value) != 7 or value[0] != "#" or set(value[1:].lower()) - set(_HEX):
        return None
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:], 16)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
