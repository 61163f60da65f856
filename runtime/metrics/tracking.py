"""How well things were followed: HOTA, IDF1 and MOTA as their authors define them, equal to TrackEval's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..decode.boxes import corners_of_xywh, overlaps
from ..track.assignment import assign

__all__ = ["Followed", "TrackingScores", "joined_sequences", "tracking_scores"]

ALPHAS = np.arange(0.05, 0.99, 0.05)  # overlaps from which on HOTA takes two boxes for one thing
HALF = 0.5  # the overlap of the others
_TINY = float(np.finfo(np.float64).eps)
_SAME_AS_BEFORE = 1000.0  # what a pair that stood in the frame before is worth more than any overlap

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Followed:
    """Boxes of one sequence with the numbers of the things that they are."""

    frames: NDArray[np.int64]  # (N,)
    ids: NDArray[np.int64]  # (N,)
    boxes: Array  # (N, 4) x, y, w, h


@dataclass(frozen=True)
class TrackingScores:
    """0 to 1 but for MOTA, which is below 0 where more is wrong than right."""

    hota: float
    det_a: float  # HOTA's part that is finding
    ass_a: float  # HOTA's part that is keeping apart
    loc_a: float
    idf1: float
    id_precision: float
    id_recall: float
    mota: float
    motp: float
    switches: int
    missed: int
    false: int


@dataclass(frozen=True)
class _Frame:
    """One frame's numbers, made to count from 0, and how far every pair of boxes overlaps."""

    true: NDArray[np.intp]  # (G,)
    found: NDArray[np.intp]  # (D,)
    overlap: Array  # (G, D)


def joined_sequences(pairs: Sequence[tuple[Followed, Followed]]) -> tuple[Followed, Followed]:
    """Truths and answers of several sequences as one of each, in which no frame and no thing is shared."""
    truths: list[Followed] = []
    answers: list[Followed] = []
    frame = thing = 0
    for pair in pairs:
        for part, into in zip(pair, (truths, answers), strict=True):
            into.append(Followed(part.frames + frame, part.ids + thing, part.boxes))
        frame += max(int(part.frames.max(initial=0)) for part in pair) + 1
        thing += max(int(part.ids.max(initial=0)) for part in pair) + 1
    return _one(truths), _one(answers)


def _one(parts: Sequence[Followed]) -> Followed:
    return Followed(
        np.concatenate([part.frames for part in parts]),
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


def tracking_scores(truth: Followed, found: Followed) -> TrackingScores:
    """What was found held against the truth, all of one class."""
    frames, things, numbers = _frames(truth, found)
    hota, det_a, ass_a, loc_a = _hota(frames, things, numbers)
    same = _kept(frames, things, numbers)
    total, given = len(truth.ids), len(found.ids)
    right, switches, overlap = _clear(frames, things)
    return TrackingScores(
        hota,
        det_a,
        ass_a,
        loc_a,
        idf1=same / max(1.0, 0.5 * (total + given)),
        id_precision=same / max(1, given),
        id_recall=same / max(1, total),
        mota=(right - (given - right) - switches) / max(1, total),
        motp=overlap / max(1, right),
        switches=switches,
        missed=total - right,
        false=given - right,
    )


def _frames(truth: Followed, found: Followed) -> tuple[list[_Frame], int, int]:
    """The frames in which anything is or was found, and how many things there are and were found."""
    names, true_ids = np.unique(truth.ids, return_inverse=True)
    numbers, found_ids = np.unique(found.ids, return_inverse=True)
    true_rows, found_rows = _rows_by_frame(truth), _rows_by_frame(found)
    none, frames = np.empty(0, np.intp), []
    for frame in sorted(true_rows.keys() | found_rows.keys()):
        there, seen = true_rows.get(frame, none), found_rows.get(frame, none)
        overlap = overlaps(corners_of_xywh(truth.boxes[there]), corners_of_xywh(found.boxes[seen]))
        frames.append(_Frame(true_ids[there], found_ids[seen], overlap))
    return frames, len(names), len(numbers)


def _rows_by_frame(boxes: Followed) -> dict[int, NDArray[np.intp]]:
    order = np.argsort(boxes.frames, kind="stable")
    frames, starts = np.unique(boxes.frames[order], return_index=True)
    return dict(zip(frames.tolist(), np.split(order, starts[1:]), strict=True)) if len(order) else {}


def _hota(frames: Sequence[_Frame], things: int, numbers: int) -> tuple[float, float, float, float]:
    """HOTA and its parts, each the mean over all overlaps."""
    alike, true_count, found_count = np.zeros((things, numbers)), np.zeros((things, 1)), np.zeros((1, numbers))
    for frame in frames:
        both = frame.overlap.sum(axis=0)[None] + frame.overlap.sum(axis=1)[:, None] - frame.overlap
        alike[np.ix_(frame.true, frame.found)] += np.where(
            both > _TINY, frame.overlap / np.where(both > _TINY, both, 1), 0
        )
        true_count[frame.true] += 1
        found_count[0, frame.found] += 1
    alike /= np.maximum(true_count + found_count - alike, _TINY)
    pairs, shares = [], []  # of what was taken for one: few of all pairs ever meet
    for frame in frames:
        rows, columns = assign(alike[np.ix_(frame.true, frame.found)] * frame.overlap)
        pairs.append(frame.true[rows] * numbers + frame.found[columns])
        shares.append(frame.overlap[rows, columns])
    pair, overlap = np.concatenate([np.empty(0, np.intp), *pairs]), np.concatenate([np.empty(0), *shares])
    both_count = (true_count + found_count).ravel()
    right, located, ass_a = np.zeros((3, len(ALPHAS)))
    for level in range(len(ALPHAS)):
        enough = overlap >= ALPHAS[level] - _TINY
        which, matches = np.unique(pair[enough], return_counts=True)
        right[level], located[level] = enough.sum(), overlap[enough].sum()
        ass_a[level] = (matches * matches / np.maximum(1, both_count[which] - matches)).sum() / max(1, right[level])
    det_a = right / np.maximum(1, true_count.sum() + found_count.sum() - right)
    loc_a = np.maximum(1e-10, located) / np.maximum(1e-10, right)
    return float(np.sqrt(det_a * ass_a).mean()), float(det_a.mean()), float(ass_a.mean()), float(loc_a.mean())


def _kept(frames: Sequence[_Frame], things: int, numbers: int) -> int:
    """The boxes that are right when every thing may have one number only, the one that serves best in all."""
    together = np.zeros((things, numbers))
    for frame in frames:
        there, seen = np.nonzero(frame.overlap >= HALF)
        together[frame.true[there], frame.found[seen]] += 1
    rows, columns = assign(together)
    return int(together[rows, columns].sum())


def _clear(frames: Sequence[_Frame], things: int) -> tuple[int, int, float]:
    """Right boxes, numbers that changed, and the sum of overlaps, pairs of the frame before held together."""
    number, before = np.full(things, -1), np.full(things, -1)  # each thing's last number, and that in the last frame
    right, switches, total = 0, 0, 0.0
    for frame in frames:
        if not len(frame.true) or not len(frame.found):
            continue  # what is not there changes nothing that is known of the frame before
        gain = frame.overlap + _SAME_AS_BEFORE * (frame.found[None] == before[frame.true][:, None])
        gain[frame.overlap < HALF - _TINY] = 0
        rows, columns = assign(gain)
        there, seen = frame.true[rows], frame.found[columns]
        switches += int(((number[there] >= 0) & (number[there] != seen)).sum())
        number[there] = seen
        before[:] = -1
        before[there] = seen
        right += len(rows)
        total += float(frame.overlap[rows, columns].sum())
    return right, switches, total
