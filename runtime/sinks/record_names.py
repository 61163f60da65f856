"""What the files of a recording are called: when, which source, which label; so that they are found again."""

from __future__ import annotations

import calendar
import re
import time

from ..host.told_apart import digits_of

__all__ = ["names_of_source", "source_and_time", "stem_of"]

_STEM = re.compile(r"(\d{8}-\d{6})-(\d{6})-(\w*)-\w*")


def stem_of(moment: float, source: str, label: str) -> str:
    """The name, without its ending, of what was kept of a moment (seconds since 1970)."""
    stamp = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(moment))}-{int(moment % 1 * 1e6):06d}"
    return f"{stamp}-{names_of_source(source)[0]}-{_plain(label)}"


def source_and_time(stem: str) -> tuple[str, float] | None:
    """The source, as it is spelled in names, and the moment; None for what no recording is called."""
    found = _STEM.fullmatch(stem)
    if found is None:
        return None
    try:
        seconds = calendar.timegm(time.strptime(found[1], "%Y%m%d-%H%M%S"))
    except ValueError:
        return None
    return found[3], seconds + int(found[2]) / 1e6


def names_of_source(source: str) -> tuple[str, ...]:
    """How a source is spelled in names, and how it was before names that had to be changed were told apart."""
    plain = _plain(source)
    if plain == source:
        return (plain,)
    return f"{plain}_{digits_of(source)}", plain


def _plain(text: str) -> str:
    """Letters of any script, as far as a file's name has room for them."""
    return re.sub(r"\W+", "_", text).strip("_").encode()[:60].decode(errors="ignore")
