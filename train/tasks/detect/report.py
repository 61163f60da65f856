"""A detector's report, section by section."""

from __future__ import annotations

from ...report.findings import Findings
from ...report.sections import advice_section, curves, data, settings
from .advice import advise
from .sections import confusion, headline, per_class, precision_and_recall
from .seen import seen_of
from .worst import worst_pictures

__all__ = ["sections"]


def sections(found: Findings) -> list[str]:
    """The figures, what to try next, how it learned, where it is wrong, and what it was made from."""
    said = seen_of(found)
    return [
        headline(said),
        advice_section(advise(said)),
        curves(found),
        precision_and_recall(said),
        worst_pictures(said),
        confusion(said),
        per_class(said),
        data(found),
        settings(found),
    ]
