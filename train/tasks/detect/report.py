"""A detector's report, section by section."""

from __future__ import annotations

from ...report.findings import Findings
from ...report.sections import curves, data, settings

__all__ = ["sections"]


def sections(found: Findings) -> list[str]:
    """The figures, how it learned, and what it was made from."""
    return [curves(found), data(found), settings(found)]
