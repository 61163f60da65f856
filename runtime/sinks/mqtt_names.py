"""What a source is called in MQTT and in Home Assistant: two sources never share a name."""

from __future__ import annotations

import re

from ..host.told_apart import digits_of

__all__ = ["identity", "topic_level"]

LONGEST = 64
_LEVEL = re.compile(rf"[\w-]{{1,{LONGEST}}}")  # letters of any script
_IDENTITY = re.compile(rf"[\w-]{{1,{LONGEST}}}", re.ASCII)
_TOLD_APART = re.compile(r".*_[0-9a-f]{8}")  # what only names get that had to be changed


def topic_level(source: str) -> str:
    """A source's name as one level of a topic: as it is where MQTT allows it, else changed and told apart."""
    return _named(source, _LEVEL, r"[^\w-]+")


def identity(source: str) -> str:
    """A source's name in letters that Home Assistant takes."""
    return _named(source, _IDENTITY, r"[^A-Za-z0-9_-]+")


def _named(source: str, allowed: re.Pattern[str], others: str) -> str:
    if allowed.fullmatch(source) and not _TOLD_APART.fullmatch(source):
        return source
    plain = re.sub(others, "_", source).strip("_").lower()[: LONGEST - 9].rstrip("_") or "source"
    return f"{plain}_{digits_of(source)}"
