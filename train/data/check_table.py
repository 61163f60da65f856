"""What the data check found, as lines of a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from .check import DataCheck
from .duplicates import Duplicate

__all__ = ["check_table"]


def check_table(check: DataCheck) -> list[str]:
    """One line of counts, then one line for every kind of finding: how many, and the first of them."""
    sizes = [count for part in check.counts.values() for count in part.values()]
    parts = ", ".join(f"{images:,} {split}" for split, images in check.pictures.items())
    if check.things != "images":
        parts += f" images with {sum(sizes):,} {check.things}"
    classes = len(next(iter(check.counts.values()), {}))
    each = "class and split" if classes > 1 else "split"
    smallest = f"{min(sizes):,} to {max(sizes):,} {check.things} a {each}" if sizes else "no images"
    kinds = f"{classes} class{'es' if classes != 1 else ''}, {smallest}"
    findings: list[tuple[str, int, str]] = [
        ("unreadable, left out", len(check.unreadable), _first(check.unreadable)),
        ("identical in two splits", *_pairs([p for p in check.exact if p.splits[0] != p.splits[1]])),
        ("nearly identical in two splits", *_pairs([p for p in check.near if p.splits[0] != p.splits[1]])),
        ("identical, labelled differently", *_pairs(check.conflicts)),
        ("identical pictures", *_pairs(check.exact)),
        ("nearly identical pictures", *_pairs([p for p in check.near if p.splits[0] == p.splits[1]])),
        ("much too small", len(check.tiny), _first(check.tiny)),
        ("of unusual shape or size", len(check.odd), _first(check.odd)),
        ("all of one colour", len(check.blank), _first(check.blank)),
        (f"classes with one of the {check.things}", len(check.once), _first(check.once)),
        ("classes that nothing teaches", len(check.elsewhere), _first(check.elsewhere)),
        ("classes that nothing validates", len(check.unjudged), _first(check.unjudged)),
        ("names that are no UTF-8", len(check.illegible), _first(check.illegible)),
        ("class names alike", len(check.alike), " and ".join(check.alike[0]) if check.alike else ""),
    ]
    shown = [finding for finding in findings if finding[1]]
    width = max((len(what) for what, _, _ in shown), default=0)
    lines = [f"data: {parts}; {kinds}"]
    return lines + [f"  {what:<{width}}  {count:>6,}  {first}".rstrip() for what, count, first in shown]


def _first(names: Sequence[str]) -> str:
    return names[0].encode("utf-8", "replace").decode() if names else ""


def _pairs(pairs: Sequence[Duplicate]) -> tuple[int, str]:
    return len(pairs), _first([f"{p.names[0]} = {p.names[1]}" for p in pairs[:1]])
