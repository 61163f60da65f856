"""A YOLO data.yaml: class names and where each split lies, which need no YAML package on a device."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataError
from .listing import read_text

__all__ = ["YoloYaml", "names_in_yaml", "read_yaml"]

_NUMBERED = re.compile(r"^\s+['\"]?(\d+)['\"]?\s*:\s*(.+)$")
_DASHED = re.compile(r"^\s*-\s+(.+)$")
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class YoloYaml:
    """What a data.yaml says; `places` are folders, lists or pictures of each split, as they are written."""

    names: Sequence[str] = ()
    path: str = ""
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keypoints: bool = False  # after each box stand the places of its keypoints


def read_yaml(file: Path) -> YoloYaml:
    """A data.yaml: `names` as `[a, b]`, `{0: a, 1: b}` or one a line; `path`, `train`, `val` and `test`."""
    text = read_text(file)
    lines = _lines_of(text)
    path = _listed(lines, "path")
    places = {split: found for key, split in _SPLITS.items() if (found := _listed(lines, key))}
    names = names_in_yaml(text, str(file))
    return YoloYaml(names, path[0] if path else "", places, bool(_listed(lines, "kpt_shape")))


def names_in_yaml(text: str, where: str) -> list[str]:
    """The class names of a data.yaml's text, none where it has no `names:`; `where` is what messages call it."""
    lines = _lines_of(text)
    start = _line_of(lines, "names")
    if start is None:
        return []
    rest = lines[start].split(":", 1)[1].strip()
    if rest:
        return _inline(" ".join([rest, *_until_closed(rest, lines[start + 1 :])]), where)
    numbered: dict[int, str] = {}
    for line in lines[start + 1 :]:
        if match := _NUMBERED.match(line):
            numbered[int(match.group(1))] = _plain(match.group(2))
        elif match := _DASHED.match(line):
            numbered[len(numbered)] = _plain(match.group(1))
        elif line.strip():
            break
    return _in_order(numbered, where)


def _lines_of(text: str) -> list[str]:
    return [_without_comment(line) for line in text.splitlines()]


def _listed(lines: list[str], key: str) -> tuple[str, ...]:
    """A key's value, or values where they are a list in brackets or one a line."""
    start = _line_of(lines, key)
    if start is None:
        return ()
    rest = lines[start].split(":", 1)[1].strip()
    if rest.startswith("["):
        text = " ".join([rest, *_until_closed(rest, lines[start + 1 :])]).strip()
        return tuple(_plain(word) for word in _words(text[1:-1]) if word.strip())
    if rest:
        return () if rest in ("null", "~") else (_plain(rest),)
    found = []
    for line in lines[start + 1 :]:
        match = _DASHED.match(line)
        if match is None and line.strip():
            break
        found += [_plain(match.group(1))] if match else []
    return tuple(found)


def _line_of(lines: list[str], key: str) -> int | None:
    return next((n for n, line in enumerate(lines) if re.match(rf"""^(['"]?){key}\1\s*:""", line)), None)


def _inline(text: str, where: str) -> list[str]:
    inner = text.strip()[1:-1]
    words = [word.strip() for word in _words(inner) if word.strip()]
    if text.startswith("["):
        return [_plain(word) for word in words]
    if not text.startswith("{"):
        raise DataError(f"{where}: names: write a list or one name a line")
    pairs = [word.split(":", 1) for word in words]
    try:
        return _in_order({int(_plain(key)): _plain(name) for key, name in pairs}, where)
    except ValueError:
        raise DataError(f"{where}: names: the keys must be class numbers") from None


def _until_closed(first: str, following: list[str]) -> list[str]:
    closing = {"[": "]", "{": "}"}.get(first[0], "")
    taken: list[str] = []
    for line in following:
        if not closing or _closes(first, closing) or (taken and _closes(taken[-1], closing)):
            break
        taken.append(line.strip())
    return taken


def _in_order(numbered: dict[int, str], where: str) -> list[str]:
    if sorted(numbered) != list(range(len(numbered))):
        raise DataError(f"{where}: names: the class numbers must run from 0 without a gap")
    return [numbered[c] for c in range(len(numbered))]


def _plain(word: str) -> str:
    word = word.strip()
    if len(word) < 2 or word[0] != word[-1] or word[0] not in "'\"":
        return word
    if word[0] == "'":
        return word[1:-1].replace("''", "'")
    try:
        return str(json.loads(word))
    except ValueError:  # an escape that only YAML knows
        return word[1:-1]


def _without_comment(line: str) -> str:
    quoted = _quoted(line)
    for at, char in enumerate(line):
        if char == "#" and not quoted[at] and (at == 0 or line[at - 1].isspace()):
            return line[:at]
    return line


def _words(text: str) -> list[str]:
    """What stands between commas that are no part of a quoted word."""
    quoted, words = _quoted(text), [""]
    for char, inside in zip(text, quoted, strict=True):
        if char == "," and not inside:
            words.append("")
        else:
            words[-1] += char
    return words


def _closes(text: str, closing: str) -> bool:
    return any(char == closing and not inside for char, inside in zip(text, _quoted(text), strict=True))


def _quoted(text: str) -> list[bool]:
    """Which characters are of quoted words; a quote within a plain one, as in it's, opens nothing."""
    marks, inside, begins, at = [False] * len(text), "", True, 0
    while at < len(text):
        char = text[at]
        if inside:
            pair = text[at : at + 2]
            step = 2 if (inside == '"' and char == "\\") or (inside == "'" and pair == "''") else 1
            marks[at : at + step] = [True] * len(text[at : at + step])
            inside = "" if step == 1 and char == inside else inside
            at += step
            continue
        if begins and char in "'\"":
            inside, marks[at] = char, True
        begins = char in "[{,:-" or (begins and char.isspace())
        at += 1
    return marks
