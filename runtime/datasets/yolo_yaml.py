"""The class names in a YOLO data.yaml: three ways to write a list, which need no YAML package on a device."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import DataError
from .listing import read_text

__all__ = ["read_yaml"]

_NUMBERED = re.compile(r"^\s+(\d+)\s*:\s*(.+)$")
_DASHED = re.compile(r"^\s*-\s+(.+)$")


def read_yaml(file: Path) -> list[str]:
    """The `names` of a data.yaml: `[a, b]`, `{0: a, 1: b}`, or one a line; none where it has no names."""
    lines = [_without_comment(line) for line in read_text(file).splitlines()]
    start = next((n for n, line in enumerate(lines) if re.match(r"^names\s*:", line)), None)
    if start is None:
        return []
    rest = lines[start].split(":", 1)[1].strip()
    if rest:
        return _inline(" ".join([rest, *_until_closed(rest, lines[start + 1 :])]), file)
    numbered: dict[int, str] = {}
    for line in lines[start + 1 :]:
        if match := _NUMBERED.match(line):
            numbered[int(match.group(1))] = _plain(match.group(2))
        elif match := _DASHED.match(line):
            numbered[len(numbered)] = _plain(match.group(1))
        elif line.strip():
            break
    return _in_order(numbered, file)


def _inline(text: str, file: Path) -> list[str]:
    inner = text.strip()[1:-1]
    words = [word.strip() for word in re.findall(r"(?:'[^']*'|\"[^\"]*\"|[^,'\"])+", inner) if word.strip()]
    if text.startswith("["):
        return [_plain(word) for word in words]
    if not text.startswith("{"):
        raise DataError(f"{file}: names: write a list or one name a line")
    pairs = [word.split(":", 1) for word in words]
    try:
        return _in_order({int(key): _plain(name) for key, name in pairs}, file)
    except ValueError:
        raise DataError(f"{file}: names: the keys must be class numbers") from None


def _until_closed(first: str, following: list[str]) -> list[str]:
    closing = {"[": "]", "{": "}"}.get(first[0], "")
    taken: list[str] = []
    for line in following:
        if not closing or closing in first or (taken and closing in taken[-1]):
            break
        taken.append(line.strip())
    return taken


def _in_order(numbered: dict[int, str], file: Path) -> list[str]:
    if sorted(numbered) != list(range(len(numbered))):
        raise DataError(f"{file}: names: the class numbers must run from 0 without a gap")
    return [numbered[c] for c in range(len(numbered))]


def _plain(word: str) -> str:
    return word.strip().strip("'\"")


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s)#.*$", "", line)
