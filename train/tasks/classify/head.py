"""A classifier's head from frozen features: logistic regression."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...head.regression import regress
from ...task import FittedHead, Targets
from .labels import class_ids

__all__ = ["fitted_classes"]


def fitted_classes(
    features: NDArray[np.float32],
    targets: Targets,
    fold_of: NDArray[np.intp],
    *,
    classes: Sequence[str],
    weights: NDArray[np.float32] | None,
) -> FittedHead:
    """The dense layer that tells classes apart by features (N, F); `weights` say what a picture of each counts."""
    found = regress(features, class_ids(targets), len(classes), fold_of=fold_of, weights=weights)
    return FittedHead(
        {"classifier.weight": found.weight, "classifier.bias": found.bias},
        {"logits": found.out_of_fold},
        f"a head on {len(features):,} photos, its regularisation ({found.strength:g}) chosen by cross-validation",
    )
