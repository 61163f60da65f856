"""Names of classes: from a label file, from a model file's metadata, and fitted to the number of classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import UsageError

__all__ = [
    "BACKGROUND_NAMES",
    "NumberedNames",
    "background_labels",
    "first_is_no_class",
    "fit_labels",
    "is_alphabet",
    "is_background",
    "labels_from_metadata",
    "parse_names",
    "read_labels",
    "read_words",
]

BACKGROUND_NAMES = frozenset(
    ["background", "???", "other", "others", "unknown", "none", "nothing", "negative", "negatives", "empty",
     "no object", "no objects", "nothing here", "nothing there", "none of these", "something else", "other things",
     "anything else"]
)  # fmt: skip
_METADATA_KEYS = ("names", "labels", "classes", "class_names")
_METADATA_LINES = "character"  # one name a line, as files of Paddle's networks keep them
_MAX_LABELS = 1_000_000
_MAX_BYTES = 16 * 1024 * 1024
_SIGNS, _MOST = 10, 0.9  # lines of one sign from which on a list is an alphabet, and their share of it
_NUMBERED = re.compile(r"(\d{1,9})\s*[:,\t ]\s*(\S.*)")
_PBTXT_ITEM = re.compile(r"item\s*\{")
_PBTXT_FIELD = re.compile(r"""(id|name|display_name)\s*:\s*(?:"([^"]*)"|'([^']*)'|(\d{1,9}))""")


class NumberedNames(tuple[str, ...]):
    """Names that were written with their classes' numbers: each stands at its own, the numbers between are empty."""

    __slots__ = ()


def read_labels(path: str) -> tuple[str, ...]:
    """Class names from a file: one a line, "3 name" or "3: name" lines, JSON, a .pbtxt map, a data.yaml's `names:`."""
    from .datasets.yolo_yaml import names_in_yaml

    text, where = _text_of(path, "--labels"), f"--labels {path}"
    names = _from_pbtxt(text) or parse_names(text)
    if not names and _is_json(text):
        raise UsageError(f"{where}: is JSON, but no list of names, nor an object of numbers and names")
    names = names or NumberedNames(names_in_yaml(text, where)) or _from_lines(text)
    if not any(names):
        raise UsageError(f"{where}: holds no names")
    return names


def read_words(path: str, option: str) -> tuple[str, ...]:
    """The words of a file, one a line; `option` is what messages call it."""
    words = tuple(dict.fromkeys(word for line in _text_of(path, option).splitlines() if (word := line.strip())))
    if not words:
        raise UsageError(f"{option} {path}: holds no words; write one a line")
    return words


def _text_of(path: str, option: str) -> str:
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{option} {path}: is larger than {_MAX_BYTES >> 20} MB, which no list of names is")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{option} {path}: is no UTF-8 text") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise UsageError(f"{option} {path}: could not be read ({getattr(error, 'strerror', None) or error})") from None


def is_background(name: str) -> bool:
    """Whether a class's name says that nothing of interest is there, however its words are joined."""
    return " ".join(re.split(r"[\s_-]+", name.lower())).strip() in BACKGROUND_NAMES


def first_is_no_class(labels: Sequence[str]) -> bool:
    """Whether names begin before the first class: with the background, or with none where numbers begin at 1."""
    return bool(labels) and (not labels[0] or is_background(labels[0]))


def background_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels that mean nothing is there: training, compressing and running alike never announce them."""
    return tuple(name for name in labels if is_background(name))


def labels_from_metadata(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Class names under one of the usual keys of a model file's metadata."""
    for key in _METADATA_KEYS:
        if key in metadata and (names := parse_names(metadata[key])):
            return names
    return tuple(metadata.get(_METADATA_LINES, "").splitlines())


def parse_names(text: str) -> tuple[str, ...]:
    """Names from a list or an id → name object, written in JSON or in Python; empty where it is neither."""
    if text.lstrip()[:1] not in ("[", "{"):
        return ()
    import ast
    import json

    for read in (json.loads, ast.literal_eval):
        try:
            return _names_in(read(text.strip()))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return ()


def _names_in(found: Any) -> tuple[str, ...]:
    """The names of a list, an id → name or a name → id object, or of any of them under `names`."""
    if isinstance(found, dict) and isinstance(found.get("names"), (dict, list)):
        found = found["names"]
    if isinstance(found, list):
        return () if any(isinstance(name, (dict, list)) for name in found) else tuple(map(str, found))
    if not isinstance(found, dict):
        return ()
    if all(isinstance(name, str) and type(number) is int and number >= 0 for name, number in found.items()):
        numbers = {number: name for name, number in found.items()}  # as Keras and torchvision keep them
        return NumberedNames(_spread(numbers)) if len(numbers) == len(found) else ()
    if all(str(key).isdecimal() and len(str(key)) < 10 for key in found):
        return NumberedNames(_spread({int(key): str(value) for key, value in found.items()}))
    return ()


def fit_labels(
    labels: Sequence[str], classes: int, where: str, *, background: bool = True
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels for a network with so many classes, and notes; a background row too many or too few is put right.

    One too few is the network's only where that may have a row for the `background`, and names bear no numbers.
    """
    names = tuple(labels)
    if len(names) == classes:
        return names, ()
    if len(names) == classes + 1 and first_is_no_class(names):
        said = f"its first name, {names[0]!r}, stands for no class of this model: passed over"
        return names[1:], (f"{where}: {said if names[0] else 'has no name for 0: its 1 is the first class'}",)
    numbered = isinstance(labels, NumberedNames)
    if background and not numbered and len(names) == classes - 1 and not is_background(names[0]):
        return ("background", *names), (f"{where}: one name fewer than classes: class 0 is taken as background",)
    if "" in names and numbered:
        raise UsageError(
            f"{where}: its names' numbers end at {len(names) - 1}, a model of {classes} classes has 0 to {classes - 1}"
        )
    raise UsageError(f"{where}: {len(names)} names for a model of {classes} classes: one name a class is needed")


def is_alphabet(names: Sequence[str]) -> bool:
    """Whether names are the signs that a network reads, nearly all of them single ones."""
    signs = sum(len(name) == 1 for name in names)
    return signs >= _SIGNS and signs >= _MOST * len(names)


def _from_lines(text: str) -> tuple[str, ...]:
    signs = text.rstrip("\r\n").splitlines()
    if is_alphabet(signs):  # spaces are signs, too
        return tuple(signs)
    lines = [line.strip() for line in text.rstrip().splitlines()]
    numbered = [_NUMBERED.fullmatch(line) for line in lines if line]
    if numbered and all(numbered):
        pairs = {int(found[1]): found[2].strip() for found in numbered if found}
        if len(pairs) == len(numbered) and max(pairs) < 4 * len(pairs) + 16:
            return NumberedNames(_spread(pairs))
    return tuple(lines)


def _is_json(text: str) -> bool:
    import json

    if text.lstrip()[:1] not in ("[", "{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _from_pbtxt(text: str) -> tuple[str, ...]:
    """TensorFlow's label map; its ids count from 1, the background being 0."""
    names: dict[int, str] = {}
    for item in _items(text):
        fields = {key: a or b or number for key, a, b, number in _PBTXT_FIELD.findall(item)}
        if str(fields.get("id", "")).isdecimal():
            names[int(fields["id"]) - 1] = fields.get("display_name") or fields.get("name", "")
    return _spread(names) if names and min(names) >= 0 else ()


def _items(text: str) -> Iterator[str]:
    """What stands between `item {` and the next brace; read once from front to back, whatever the text holds."""
    at = 0
    while (start := _PBTXT_ITEM.search(text, at)) is not None:
        end = text.find("}", start.end())
        if end < 0:
            return
        yield text[start.end() : end]
        at = end


def _spread(names: Mapping[int, str]) -> tuple[str, ...]:
    """Names at their numbers, with empty ones in the gaps."""
    if not names or max(names) >= _MAX_LABELS:
        return ()
    return tuple(names.get(i, "") for i in range(max(names) + 1))
