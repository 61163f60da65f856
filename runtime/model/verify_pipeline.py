"""A whole pipeline's golden frames: the share of rows that it finds again, children inside their own parents."""

from __future__ import annotations

from collections.abc import Sequence

from ..bundle.bundle import Bundle
from ..bundle.manifest import Golden
from ..decode.boxes import corners_of_xywh, overlaps
from ..engines.protocol import EngineOptions
from ..recognitions import Recognitions
from ..tasks.rows import top_rows
from .golden import frames_of, reference_of, rows_from_arrays
from .recognizer import BundleRecognizer

__all__ = ["pipeline_agreement", "rows_agree"]

_SAME = 0.5  # overlap from which two boxes are the same thing


def pipeline_agreement(
    bundle: Bundle, golden: Golden, engine: str, precision: str, options: EngineOptions | None
) -> float:
    """How much of the reference's rows a pipeline run by this engine, in this precision, finds again."""
    manifest = bundle.manifest
    task = manifest.networks[manifest.steps[0].network].task
    wanted = rows_from_arrays(reference_of(bundle, golden), manifest.labels, task, f"{bundle.path}: {golden.reference}")
    with BundleRecognizer(bundle, engine=engine, precision=precision, options=options) as recognizer:
        found = [recognizer.recognize(frame).recognitions for frame in frames_of(bundle, golden)]
    return rows_agree(wanted, found)


def rows_agree(wanted: Sequence[Recognitions], found: Sequence[Recognitions]) -> float:
    """The share (F1) of rows that two runs over the same frames have in common: same label, same place, same parent."""
    hits = total = 0
    for ours, theirs in zip(wanted, found, strict=True):
        total += len(ours) + len(theirs)
        hits += 2 * _common(ours, top_rows(ours), theirs, top_rows(theirs))
    return hits / total if total else 1.0


def _common(ours: Recognitions, mine: list[int], theirs: Recognitions, other: list[int]) -> int:
    """How many of some rows are among some others, with all that was found inside them."""
    free, count = set(other), 0
    for row in mine:
        fitting = [each for each in free if theirs.ids[each] == ours.ids[row]]
        best = max(fitting, key=lambda each: _overlap(ours, row, theirs, each), default=None)
        if best is not None and _overlap(ours, row, theirs, best) >= _SAME:
            free.discard(best)
            count += 1 + _common(ours, ours.children_of(row), theirs, theirs.children_of(best))
    return count


def _overlap(ours: Recognitions, row: int, theirs: Recognitions, other: int) -> float:
    """Intersection over union of two rows' boxes; 1 where neither has one."""
    if not ours.has_place(row) or not theirs.has_place(other):
        return float(ours.has_place(row) == theirs.has_place(other))
    return float(overlaps(corners_of_xywh(ours.places[[row]]), corners_of_xywh(theirs.places[[other]]))[0, 0])
