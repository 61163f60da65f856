"""What is unknown in 8 bits: as much of the same images as in float, at the edges too."""

import numpy as np
import pytest

from edgelens.compress.tasks.classify import matching_threshold
from edgelens.runtime.decode.classify import softmax

FLOAT = np.random.default_rng(0).normal(0, 2, (200, 5)).astype(np.float32)
SHIPPED = FLOAT * np.float32(0.7)


def rejected(logits, threshold):
    return float((softmax(logits, 1.0).max(axis=1) < threshold).mean())


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_the_shipped_model_rejects_as_much(threshold):
    found = matching_threshold(FLOAT, 1.0, threshold, SHIPPED, 1.0)
    assert found < threshold
    assert rejected(SHIPPED, found) == pytest.approx(rejected(FLOAT, threshold), abs=0.01)


def test_all_or_nothing_stays_so():
    assert matching_threshold(FLOAT, 1.0, 0.0, SHIPPED, 1.0) == 0
    assert rejected(SHIPPED, matching_threshold(FLOAT, 1.0, 0.2, SHIPPED, 1.0)) == 0
    assert matching_threshold(FLOAT, 1.0, 1.0, SHIPPED, 1.0) == 1
