"""A CSV of path,label (and optionally split)."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PureWindowsPath

import numpy as np

from ..errors import DataError
from .imageset import ImageSet, in_class_order, legible
from .listing import ENDINGS, is_regular
from .other_machine import told_apart, ways_here
from .splits import SPLIT_WORDS

__all__ = ["lists_pictures", "names_texts", "read"]

_TEXTS = ("text", "texts", "word", "words", "transcription", "plate")
_HEADERS = {
    "path": ("path", "file", "filename", "filepath", "image", "imagepath", "imagename", "imagefile", "img", "imgpath",
             "name", "imageid", "id"),
    "label": ("label", "class", "target", "category", "labels", "classname", "labelname", "categoryname",
              *_TEXTS),
    "split": ("split", "set", "subset"),
}  # fmt: skip
_FIRST = 5  # rows that tell whether a table is one of pictures
_LOOKED_AT = 50  # rows, spread over the table
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # spreadsheets' "Unicode text"


def lists_pictures(path: Path) -> bool:
    """Whether each of a table's first rows, but a header, names a file and says something of it."""
    try:
        rows = list(itertools.islice(_each_row(path), _FIRST))
    except DataError:  # some other program's
        return False
    named = [len(row) > 1 and any(any(_places(path, cell.strip())) for cell in row if cell.strip()) for row in rows]
    return bool(named) and all(named[1:] or named)


def names_texts(path: Path) -> bool:
    """Whether a table's header says that its pictures have texts."""
    header = next(_each_row(path), [])
    columns = _columns(header)
    return {"path", "label"} <= set(columns) and _plain(header)[columns["label"]] in _TEXTS


def read(path: Path, *, texts: bool = False) -> ImageSet:
    """The set a CSV lists; paths are relative to the CSV's folder, to `images` in it, or to a folder called like the
    CSV, and may lack their ending. Columns that no header names are told by what is in them: a path is what is a file,
    a label what is there often; without either the first column is the path and the second the label. Of `texts` one
    may be empty: nothing is written there."""
    wanted = "file,text" if texts else "path,label"
    rows = _rows(path)
    columns = _columns(rows[0]) if rows else {}
    header: list[str] | None = None
    if rows and ({"path", "label"} <= set(columns) or _is_header(rows, path)):
        header, rows = rows[0], rows[1:]
    else:
        columns = {}
    if not rows:
        raise DataError(f"{path}: lists no images; it needs rows of {wanted}")
    notes: tuple[str, ...] = ()
    if not {"path", "label"} <= set(columns):
        columns, notes = _guessed(path, rows, columns)
    file_at, label_at = columns["path"], columns["label"]
    most = len(rows[0]) if header is None else len(header)
    for number, row in enumerate(rows, 1):
        if any(cell.strip() for cell in row[most:]):
            first = "the first" if header is None else "the header"
            shown = ",".join(row)[:60]
            raise DataError(
                f"{path}: row {number} ({shown}) has more cells than {first}: put quotes around what holds a comma"
            )
        if len(row) <= max(file_at, label_at) or not row[file_at].strip() or not (row[label_at].strip() or texts):
            what = " or no ".join(wanted.split(","))
            raise DataError(f"{path}: row {number} ({','.join(row)[:60]}) has no {what}; it needs {wanted}")
    cells = [row[file_at].strip() for row in rows]
    root, names = _found(path, cells)
    labels = [legible(row[label_at].strip()) for row in rows]
    classes = in_class_order(labels)
    index = {name: c for c, name in enumerate(classes)}
    return ImageSet(
        str(root),
        "csv",
        classes,
        np.array([index[label] for label in labels], np.int32),
        np.array(_splits(path, rows, columns), "<U5"),
        names,
        notes=notes,
    )


def _found(table: Path, cells: list[str]) -> tuple[Path, list[str]]:
    """The folder that a table's paths are of, and the paths in it; what nothing is found of stays as it is written."""
    some = cells[:: max(len(cells) // _LOOKED_AT, 1)]
    if first := next((place for cell in some for place in _places(table, cell)), None):
        root, windows, ending = first
        names = [(PureWindowsPath(cell).as_posix() if windows else cell) + ending for cell in cells]
        if ending:  # of the first; others may end otherwise
            names = [name if is_regular(root / name) else _ended(root, name.removesuffix(ending)) for name in names]
        return root, names
    ways = ((folder, way) for cell in some for way in ways_here(cell) for folder in _folders(table))
    root = next((folder for folder, way in ways if is_regular(folder / way)), table.parent)
    here = {cell: way for cell in cells if (way := next(filter(_is_in(root), ways_here(cell)), None))}
    here = told_apart(here)
    return root, [here.get(cell, cell) for cell in cells]


def _is_in(root: Path) -> Callable[[str], bool]:
    return lambda way: is_regular(root / way)


def _guessed(table: Path, rows: list[list[str]], named: Mapping[str, int]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Where path, label and split are, by what is in the columns; a line where that is not their usual order."""
    some = rows[:: max(len(rows) // _LOOKED_AT, 1)]
    cells = [[row[c].strip() if c < len(row) else "" for row in some] for c in range(min(map(len, rows)))]
    files: list[int] = [sum(any(_places(table, cell)) for cell in column if cell) for column in cells]
    best: int = files.index(max(files)) if files else 0
    file_at = named.get("path", best)
    rest = [c for c in range(len(cells)) if c != file_at]
    whole = {c: {row[c].strip().lower() for row in rows} for c in rest}
    splits = [c for c in rest if len(rest) > 1 and whole[c] <= {"", *SPLIT_WORDS}]
    labels = [c for c in rest if c not in splits] or rest
    label_at = named.get("label", min(labels, key=lambda c: (len(whole[c]) < 2, len(whole[c]), c)) if labels else 1)
    columns = {"path": file_at, "label": label_at} | ({"split": splits[0]} if splits and splits[0] != label_at else {})
    usual = (file_at, label_at) == (0, 1)
    said = f"{table.name}: column {file_at + 1} holds the paths, column {label_at + 1} the labels"
    return columns, () if usual else (said,)


def _rows(path: Path) -> list[list[str]]:
    return list(_each_row(path))


def _each_row(path: Path) -> Iterator[list[str]]:
    try:
        with path.open("rb") as stream:
            encoding = _ENCODINGS.get(stream.read(2), "utf-8-sig")
        with path.open(newline="", encoding=encoding, errors="surrogateescape") as stream:
            sample = stream.readline()
            stream.seek(0)
            separator = "\t" if "\t" in sample else ";" if ";" in sample and "," not in sample else ","
            made = map(_tabbed, stream) if separator == "\t" else _quoted(stream, separator)
            yield from (row for row in made if any(cell.strip() for cell in row))
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path}: could not be read ({error})") from None


def _tabbed(line: str) -> list[str]:
    """A row between tabs, in which a quote may be a quote."""
    line = line.rstrip("\r\n")
    whole = all(len(cell) > 1 and cell[-1] == '"' for cell in line.split("\t") if cell[:1] == '"')
    return next(csv.reader([line], delimiter="\t"), []) if whole else line.split("\t")


def _quoted(stream: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Rows between commas or semicolons; a cell of several lines is a quote that nobody closed."""
    rows = csv.reader(stream, delimiter=separator, skipinitialspace=True, strict=True)
    while True:
        begun = rows.line_num + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise csv.Error(f"line {begun}: {error}; is a quote opened and not closed?") from None
        if row is None:
            return
        if any("\n" in cell for cell in row):
            raise csv.Error(f"line {begun}: a quote is opened and not closed")
        yield row


def _ended(root: Path, name: str) -> str:
    """A path with the ending of the file that is there; as it is where none is."""
    return next((name + ending for ending in ("", *ENDINGS) if is_regular(root / (name + ending))), name)


def _places(table: Path, cell: str) -> Iterator[tuple[Path, bool, str]]:
    """Where a cell's file is: under which folder, read as a Windows path or not, and with which ending added."""
    for folder in _folders(table):
        for windows in (False, "\\" in cell):
            name = PureWindowsPath(cell).as_posix() if windows else cell
            for ending in ("", *ENDINGS):
                if is_regular(folder / (name + ending)):
                    yield folder, windows, ending


def _folders(table: Path) -> tuple[Path, ...]:
    """Where a table's pictures may lie."""
    return table.parent, table.parent / "images", table.with_suffix("")


def _plain(cells: list[str]) -> list[str]:
    """Names of columns as they are compared."""
    return [cell.strip().lower().replace("_", "").replace(" ", "") for cell in cells]


def _columns(first: list[str]) -> dict[str, int]:
    """Where the columns are that the first row names."""
    header = _plain(first)
    columns = {
        name: next((header.index(word) for word in words if word in header), -1) for name, words in _HEADERS.items()
    }
    return {name: column for name, column in columns.items() if column >= 0}


def _is_header(rows: list[list[str]], table: Path) -> bool:
    """Whether the first row is another kind of header: nothing in it is a file, and in the second row something is."""
    if len(rows) < 2:
        return False
    first, second = (any(any(_places(table, cell.strip())) for cell in row if cell.strip()) for row in rows[:2])
    return second and not first


def _splits(path: Path, rows: list[list[str]], columns: dict[str, int]) -> list[str]:
    """Every row's split."""
    column = columns.get("split", -1)
    words = [row[column].strip().lower() if 0 <= column < len(row) else "" for row in rows]
    unknown = sorted({word for word in words if word and word not in SPLIT_WORDS})
    if unknown:
        raise DataError(f"{path}: split {unknown[0]!r} is none of train, val and test")
    return [SPLIT_WORDS.get(word, "") for word in words]
