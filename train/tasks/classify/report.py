"""A classifier's report, section by section."""

from __future__ import annotations

from ...report.findings import Findings
from ...report.sections import advice_section, curves, data, settings
from .advice import advise
from .answers import answers_of
from .mistakes import mistakes
from .sections import calibration, confusion, headline, per_class

__all__ = ["sections"]


def sections(found: Findings) -> list[str]:
    """The figures, what to try next, how it learned, where it is wrong, and what it was made from."""
    said = answers_of(found)
    return [
        headline(said),
        advice_section(advise(said)),
        curves(found),
        mistakes(said),
        confusion(said),
        per_class(said),
        calibration(said),
        data(found),
        settings(found),
    ]
