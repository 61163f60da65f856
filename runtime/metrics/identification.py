"""How well embeddings tell identities apart, as pure functions of rows of length 1 and who each one is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Identification",
    "accepts_of",
    "identification",
    "in_one_space",
    "nearest_other",
    "recognized",
    "unit_rows",
]

DRAWS = 10  # choices of the shown pictures that figures are averaged over
SHOWN = (1, 3, 5)  # pictures of everybody
RATES = (0.01, 0.001)  # false accepts at which false rejects are told
_AS_NEAR = 0.02  # cosine: two pictures that are as near as that are equally good neighbours
_MOST_PAIRS = 3000  # rows that pairs are made of
_MOST_OF_ONE = 30  # of them, or a few identities would be all
_STRANGERS = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)  # shares that limits are kept for

Rows = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Identification:
    """What is told of embeddings."""

    rank1: dict[int, float]  # share recognized, by how many pictures of everybody were shown, or all that there are
    rank5: dict[int, float]  # share whose identity is among the five nearest
    equal_error: float  # of pairs: where as many strangers are taken as friends are refused
    false_rejects: dict[float, float]  # of pairs, by the share of strangers that is taken
    mean_precision: float  # of retrieval: each picture asks for all others of its identity
    pictures: int
    identities: int
    asked: dict[int, int]  # of how many identities, by how many pictures were shown: those that have more

    def notes(self) -> tuple[str, ...]:
        """What is to be said where not every identity has more pictures than were shown of it."""
        few = {n: count for n, count in self.asked.items() if count < self.identities}
        return tuple(
            f"with {n} shown, pictures of {count} of {self.identities} identities are asked: the others have no more"
            for n, count in few.items()
        )

    def to_json(self) -> dict[str, object]:
        """Plain JSON types, shares with five digits."""
        return {
            "rank1": {str(n): round(share, 5) for n, share in self.rank1.items()},
            "rank5": {str(n): round(share, 5) for n, share in self.rank5.items()},
            "equal_error": round(self.equal_error, 5),
            "false_rejects": {str(rate): round(share, 5) for rate, share in self.false_rejects.items()},
            "mean_precision": round(self.mean_precision, 5),
            "images": self.pictures,
            "identities": self.identities,
            "asked": {str(n): count for n, count in self.asked.items()},
        }


def unit_rows(rows: NDArray[np.float32]) -> Rows:
    """Rows (N, D) of length 1."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), np.float32)


def identification(rows: Rows, ids: Ids) -> Identification:
    """Every figure of rows (N, D) of length 1, and whose each is (N,)."""
    counts = np.bincount(ids)
    shown = [n for n in SHOWN if n == 1 or counts.max() > n]
    ranks = {n: recognized(rows, ids, n) for n in shown}
    same, other = _pairs(rows, ids)
    return Identification(
        {n: found[0] for n, found in ranks.items()},
        {n: found[1] for n, found in ranks.items()},
        _equal_error(same, other),
        {rate: _false_rejects(same, other, rate) for rate in RATES},
        _mean_precision(rows, ids),
        len(rows),
        int((counts > 0).sum()),
        {n: int((counts > n).sum()) for n in shown},
    )


def recognized(rows: Rows, ids: Ids, shown: int = 1, draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """Rank-1 and rank-5: the shares whose identity is the nearest to some shown pictures, or among the five nearest."""
    rng, first, fifth, asked = np.random.default_rng(seed), 0, 0, 0
    for _ in range(draws):
        taken = _some_of_each(ids, shown, rng)
        rest = np.ones(len(ids), bool)
        rest[taken] = False
        if not rest.any():
            return 1.0, 1.0
        scores, names = _to_names(rows[rest], rows[taken], ids[taken])
        own = scores[np.arange(int(rest.sum())), np.searchsorted(names, ids[rest])]
        place = (scores >= own[:, None]).sum(axis=1) - 1  # another name that is as near is taken for the nearer
        first, fifth, asked = first + int((place == 0).sum()), fifth + int((place < 5).sum()), asked + len(place)
    return first / asked, fifth / asked


def accepts_of(rows: Rows, ids: Ids, shown: int = 3, seed: int = 0) -> tuple[tuple[float, float], ...]:
    """(share of strangers, the similarity to one name that so many of them reach), from many to few."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        taken = _some_of_each(ids, shown, rng)
        rest = np.ones(len(ids), bool)
        rest[taken] = False
        scores, names = _to_names(rows[rest], rows[taken], ids[taken])
        found.append(scores[ids[rest][:, None] != names[None]])
    strangers = np.concatenate(found) if found else np.empty(0)
    if not len(strangers):
        return ()
    known = [rate for rate in _STRANGERS if rate * len(strangers) / DRAWS >= 1]
    return tuple((rate, round(float(np.quantile(strangers, 1 - rate)), 5)) for rate in known)


def nearest_other(rows: Rows) -> tuple[NDArray[np.intp], Rows]:
    """(N,) which other row is nearest to each, and (N, N) cosines with a row's own at -1."""
    near = rows @ rows.T
    np.fill_diagonal(near, -1)
    return near.argmax(axis=1), near


def in_one_space(ours: Rows, theirs: Rows) -> float:
    """How often two networks see a picture so alike that what one was taught the other knows by it.

    That is where nothing is nearer to the picture in the other's eyes than it is itself in ours, and where its nearest
    other picture by theirs is as near by ours.
    """
    if len(ours) < 2:
        return 1.0
    rows = np.arange(len(ours))
    best, near = nearest_other(ours)
    other, _ = nearest_other(theirs)
    across = theirs @ ours.T
    ranked = near[rows, best] - near[rows, other] <= _AS_NEAR
    itself = across.max(axis=1) - across[rows, rows] <= _AS_NEAR
    return float((ranked & itself).mean())


def _some_of_each(ids: Ids, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    order = rng.permutation(len(ids))
    picked = [order[ids[order] == name][:count] for name in np.unique(ids)]
    return np.concatenate(picked)


def _to_names(rows: Rows, shown: Rows, ids: Ids) -> tuple[Rows, Ids]:
    """(N, names): what lies between the nearest shown picture's cosine and that of all shown ones' mean."""
    names = np.unique(ids)
    cosines = rows @ shown.T
    scores = np.empty((len(rows), len(names)), np.float32)
    for i, name in enumerate(names):
        own = ids == name
        mean = shown[own].mean(axis=0)
        center = mean / max(float(np.linalg.norm(mean)), 1e-9)
        scores[:, i] = (cosines[:, own].max(axis=1) + rows @ center) / 2
    return scores, names


def _pairs(rows: Rows, ids: Ids) -> tuple[Rows, Rows]:
    """Cosines of pairs of one identity, and of two, each rising."""
    if len(rows) > _MOST_PAIRS:
        some = _some_with_company(ids)
        rows, ids = rows[some], ids[some]
    a, b = np.triu_indices(len(rows), 1)
    near, alike = (rows @ rows.T)[a, b], ids[a] == ids[b]
    return np.sort(near[alike]), np.sort(near[~alike])


def _some_with_company(ids: Ids) -> NDArray[np.intp]:
    """Rows enough for pairs, all or many of each identity: evenly spaced ones might hold one picture of everybody."""
    rng, taken, count = np.random.default_rng(0), [], 0
    for name in rng.permutation(np.unique(ids)):
        taken.append(rng.permutation(np.flatnonzero(ids == name))[:_MOST_OF_ONE])
        count += len(taken[-1])
        if count >= _MOST_PAIRS:
            break
    return np.concatenate(taken)


def _equal_error(same: Rows, other: Rows) -> float:
    if not len(same) or not len(other):
        return 0.0
    limits = np.concatenate([same, other])
    rejects = np.searchsorted(same, limits) / len(same)
    accepts = 1 - np.searchsorted(other, limits) / len(other)
    at = int(np.abs(rejects - accepts).argmin())
    return float((rejects[at] + accepts[at]) / 2)


def _false_rejects(same: Rows, other: Rows, rate: float) -> float:
    if not len(same) or not len(other):
        return 0.0
    return float(np.searchsorted(same, np.quantile(other, 1 - rate)) / len(same))


def _mean_precision(rows: Rows, ids: Ids) -> float:
    _, near = nearest_other(rows)
    found = []
    for row in range(len(rows)):
        order = np.argsort(-near[row], kind="stable")[:-1]
        hits = ids[order] == ids[row]
        if hits.any():
            found.append(float((np.cumsum(hits)[hits] / (np.flatnonzero(hits) + 1)).mean()))
    return float(np.mean(found)) if found else 0.0
