"""Groups of images that must stay on one side of a split: one person's, one object's, one day's pictures."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from edgelens.runtime.errors import DataError, UsageError

__all__ = ["groups_from_file", "groups_from_pattern", "joined"]


def groups_from_pattern(names: Sequence[str], pattern: str) -> list[str]:
    """The part of every path that a regular expression finds: its first group, else all of it."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group {pattern}: is no regular expression ({error})") from None
    matches = [expression.search(name) for name in names]
    if missing := [name for name, match in zip(names, matches, strict=True) if match is None]:
        raise DataError(
            f"--group {pattern}: fits {len(names) - len(missing)} of {len(names)} paths, not {missing[0]!r}"
        )
    return [(match.group(1) if expression.groups else match.group()) or "" for match in matches if match is not None]


def groups_from_file(names: Sequence[str], file: str | Path) -> list[str]:
    """The group that a CSV of path,group gives every path; a path may be written with more folders before it."""
    try:
        with Path(file).open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, csv.Error) as error:
        raise DataError(f"--groups {file}: could not be read ({error})") from None
    if rows and [cell.strip().lower() for cell in rows[0][:2]] == ["path", "group"]:
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if len(row) < 2:
            raise DataError(f"--groups {file}: row {number} has {len(row)} cells; it needs path,group")
    given = {Path(row[0].strip()).as_posix(): row[1].strip() for row in rows}
    groups = [given.get(Path(name).as_posix()) for name in names]
    if None in groups:
        by_ending = _by_ending(given)
        groups = [
            by_ending.get(_ending(name)) if group is None else group for name, group in zip(names, groups, strict=True)
        ]
    if missing := [name for name, group in zip(names, groups, strict=True) if group is None]:
        raise DataError(
            f"--groups {file}: has no group for {len(missing)} of {len(names)} images, first {missing[0]!r}"
        )
    return [group for group in groups if group is not None]


def joined(names: Sequence[str], groups: Sequence[str] | None, pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Every picture's group where pairs of pictures stay together too, whatever groups they are in.

    A group is called by its first member, so that one that nothing joins keeps its name.
    """
    own = list(names if groups is None else groups)
    leader = {name: name for name in own}

    def first(name: str) -> str:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    place = {name: i for i, name in reversed(list(enumerate(own)))}
    for a, b in pairs:
        one, other = sorted((first(own[a]), first(own[b])), key=place.__getitem__)
        leader[other] = one
    return [first(name) for name in own]


def _ending(path: str) -> str:
    """The last folder and the file's name: what stays the same when a data set is moved."""
    return "/".join(Path(path).parts[-2:])


def _by_ending(given: dict[str, str]) -> dict[str, str]:
    endings: dict[str, str] = {}
    doubtful = set()
    for path, group in given.items():
        ending = _ending(path)
        if endings.setdefault(ending, group) != group:
            doubtful.add(ending)
    return {ending: group for ending, group in endings.items() if ending not in doubtful}
