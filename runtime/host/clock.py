"""The time that files are stamped with."""

from __future__ import annotations

import contextlib
import datetime as dt
import os

__all__ = ["now"]


def now() -> str:
    """The time in UTC, or what SOURCE_DATE_EPOCH says it is."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = dt.datetime.now(dt.timezone.utc)
    if said.isdecimal():
        with contextlib.suppress(ValueError, OverflowError, OSError):  # a year past 9999 is no time to stamp
            moment = dt.datetime.fromtimestamp(int(said), dt.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
