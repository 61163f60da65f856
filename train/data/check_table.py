"""What the data check found, as lines of a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from .check import DataCheck
from .duplicates import Duplicate

__all__ = ["check_table"]

_NAMED = 4  # of a kind


def check_table(check: DataCheck) -> list[str]:
    """One line of counts, then one line for every kind of finding: how many, and the first few of them."""
    sizes, each = _sizes(check)
    parts = ", ".join(f"{images:,} {split}" for split, images in check.pictures.items())
    if check.things != "images":
        parts += f" images with {sum(sizes):,} {check.things}"
    classes = len(next(iter(check.counts.values()), {}))
    smallest = f"{min(sizes):,} to {max(sizes):,} {check.things} a {each}" if sizes else "no images"
    kinds = f"; {classes} class{'es' if classes != 1 else ''}, {smallest}"
    if classes == 1 and check.things == "images":  # texts have no classes, and how many there are is said
        kinds = ""
    at_odds = set(check.conflicts)
    plain = [pair for pair in check.near if pair not in at_odds]
    findings: list[tuple[str, int, str]] = [
        ("unreadable, left out", len(check.unreadable), _some(check.unreadable)),
        ("identical in two splits", *_pairs([p for p in check.exact if p.splits[0] != p.splits[1]])),
        ("nearly identical in two splits", *_pairs([p for p in check.near if p.splits[0] != p.splits[1]])),
        ("identical, labelled differently", *_pairs([p for p in check.exact if p in at_odds])),
        ("nearly identical, labelled differently", *_pairs([p for p in check.near if p in at_odds])),
        ("identical pictures", *_pairs(check.exact)),
        ("nearly identical pictures", *_pairs([p for p in plain if p.splits[0] == p.splits[1]])),
        ("much too small", len(check.tiny), _some(check.tiny)),
        ("of unusual shape or size", len(check.odd), _some(check.odd)),
        ("all of one colour", len(check.blank), _some(check.blank)),
        (f"classes with one of the {check.things}", len(check.once), _some(check.once)),
        ("classes that nothing teaches", len(check.elsewhere), _some(check.elsewhere)),
        ("classes that nothing validates", len(check.unjudged), _some(check.unjudged)),
        ("names that are no UTF-8", len(check.illegible), _some(check.illegible)),
        ("class names alike", len(check.alike), _some([" and ".join(pair) for pair in check.alike])),
    ]
    shown = [finding for finding in findings if finding[1]]
    width = max((len(what) for what, _, _ in shown), default=0)
    lines = [f"data: {parts}{kinds}"]
    return lines + [f"  {what:<{width}}  {count:>6,}  {first}".rstrip() for what, count, first in shown]


def _sizes(check: DataCheck) -> tuple[list[int], str]:
    """The counts that there are, and of what each is; who validates an identifier is a class of that split alone."""
    sizes = [count for part in check.counts.values() for count in part.values()]
    by_class = list(zip(*(part.values() for part in check.counts.values()), strict=True))
    if len(by_class) < 2:
        return sizes, "split"
    if all(sum(map(bool, counts)) == 1 for counts in by_class):
        return [size for size in sizes if size], "class"
    return sizes, "class and split"


def _some(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_NAMED]).encode("utf-8", "replace").decode()
    return shown + ("; …" if len(names) > _NAMED else "")


def _pairs(pairs: Sequence[Duplicate]) -> tuple[int, str]:
    return len(pairs), _some([f"{p.names[0]} = {p.names[1]}" for p in pairs])
