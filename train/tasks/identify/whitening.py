"""A projection from frozen features in closed form: what differs within an identity counts little, the rest much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.metrics.identification import recognized, unit_rows

from ...data.targets import Targets
from ...task import FittedHead
from ..classify.labels import class_ids
from .embedder import WIDTH

__all__ = ["SHRINKAGES", "fitted_identities", "refitted"]

# how much of the spread within identities is taken as equal in all directions; chosen by identities that were left out
SHRINKAGES = (0.1, 0.3, 0.6, 0.8)
_FOLDS = 5  # of identities, where nothing else parts them
_LEAST_SPREAD = 0.05  # of the usual one: a feature that hardly moves is not blown up

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Projection:
    mean: Floats  # (F,)
    matrix: Floats  # (F, 128)

    def __call__(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((rows - self.mean) @ self.matrix, np.float32)


def fitted_identities(features: NDArray[np.float32], targets: Targets, fold_of: NDArray[np.intp]) -> FittedHead:
    """The dense layer that brings an identity's pictures together and others apart, fitted on features (N, F).

    Each fold's rows are answered by a layer that has not seen their identities, turned so that all can be compared.
    """
    ids = class_ids(targets)
    scored = {shrinkage: _judged(features, ids, fold_of, shrinkage) for shrinkage in SHRINKAGES}
    best = max(SHRINKAGES, key=lambda shrinkage: scored[shrinkage])
    whole = _fit(features, ids, best)
    answered = _out_of_fold(features, ids, fold_of, best, whole)
    bias = -(whole.mean @ whole.matrix)
    return FittedHead(
        {
            "classifier.weight": np.ascontiguousarray(whole.matrix.T, np.float32),
            "classifier.bias": bias.astype(np.float32),
        },
        {"embedding": answered},
        f"a projection fitted on {len(features):,} pictures of {len(np.unique(ids))} identities, its shrinkage"
        f" ({best:g}) chosen by identities that were left out",
    )


def refitted(features: NDArray[np.float32], targets: Targets) -> FittedHead:
    """The same of features that have learned these identities: the shrinkage is chosen among those, a fold left out."""
    _, ids = np.unique(class_ids(targets), return_inverse=True)
    return fitted_identities(features, targets, (ids % _FOLDS).astype(np.intp))


def _judged(
    features: NDArray[np.float32], ids: NDArray[np.int64], fold_of: NDArray[np.intp], shrinkage: float
) -> float:
    """The share recognized by one picture, of identities that the projection has not seen."""
    shares = []
    for fold in np.unique(fold_of):
        held = fold_of == fold
        if len(np.unique(ids[held])) < 2 or len(np.unique(ids[~held])) < 2:
            continue
        rows = unit_rows(_fit(features[~held], ids[~held], shrinkage)(features[held]))
        shares.append((recognized(rows, ids[held])[0], held.sum()))
    total = sum(count for _, count in shares)
    return float(sum(share * count for share, count in shares) / total) if total else 0.0


def _out_of_fold(
    features: NDArray[np.float32],
    ids: NDArray[np.int64],
    fold_of: NDArray[np.intp],
    shrinkage: float,
    whole: _Projection,
) -> NDArray[np.float32]:
    """Each fold's rows by a projection of the others, in directions of its own: those of all identities know them, too,
    and part them better than they part anybody to come. A turn that the others' rows tell makes one space of all."""
    out = np.empty((len(features), WIDTH), np.float32)
    for fold in np.unique(fold_of):
        held = fold_of == fold
        own = _fit(features[~held], ids[~held], shrinkage)
        out[held] = own(features[held]) @ _turn(own(features[~held]), whole(features[~held]))
    return out


def _turn(rows: NDArray[np.float32], onto: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rotation (128, 128) that brings rows nearest to others of the same pictures (Schönemann, 1966)."""
    left, _, right = np.linalg.svd(rows.astype(np.float64).T @ onto.astype(np.float64))
    return np.asarray(left @ right, np.float32)


def _fit(
    features: NDArray[np.float32],
    ids: NDArray[np.int64],
    shrinkage: float,
) -> _Projection:
    """Standardised, whitened by the spread within identities, and cut to the directions that vary most."""
    rows = features.astype(np.float64)
    mean = rows.mean(axis=0)
    spread = rows.std(axis=0)
    scale = 1 / (spread + _LEAST_SPREAD * max(float(spread.mean()), 1e-9))
    moved = (rows - mean) * scale
    centers = np.zeros((int(ids.max()) + 1, moved.shape[1]))
    np.add.at(centers, ids, moved)
    centers /= np.maximum(np.bincount(ids, minlength=len(centers)), 1)[:, None]
    within = moved - centers[ids]
    covariance = within.T @ within / max(len(within), 1)
    usual = max(float(np.trace(covariance)) / len(covariance), 1e-12)
    covariance = (1 - shrinkage) * covariance + shrinkage * usual * np.eye(len(covariance))
    values, vectors = np.linalg.eigh(covariance)
    whitening = (vectors / np.sqrt(values)) @ vectors.T
    white = moved @ whitening
    _, _, found = np.linalg.svd(white, full_matrices=False)
    directions = np.zeros((whitening.shape[1], WIDTH))
    directions[:, : min(WIDTH, len(found))] = found[:WIDTH].T
    return _Projection(mean, scale[:, None] * (whitening @ directions))
