"""What is unknown in 8 bits: the shipped file is as sure as the trained network, whatever pictures there are."""

import numpy as np
import pytest

from edgelens.compress.tasks.classify import TASK, matched_temperature
from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.classify import softmax

FLOAT = np.random.default_rng(0).normal(0, 2, (200, 5)).astype(np.float32)


def rejected(logits, temperature, threshold):
    return float((softmax(logits, temperature).max(axis=1) < threshold).mean())


@pytest.mark.parametrize("count", [6, 200])
@pytest.mark.parametrize("scale", [0.5, 0.9, 1.6])
def test_the_shipped_model_rejects_as_much(count, scale):
    settled = Decode("classify", threshold=0.7, options={"temperature": 1.4, "top_k": 5})
    logits = FLOAT[:count]
    found = TASK.resettle({"logits": logits}, {"logits": logits * np.float32(scale)}, None, settled)
    assert found.options == {"temperature": pytest.approx(1.4 * scale, rel=1e-3), "top_k": 5}
    assert found.threshold == 0.7
    assert rejected(FLOAT * scale, found.options["temperature"], 0.7) == pytest.approx(
        rejected(FLOAT, 1.4, 0.7), abs=0.01
    )


def test_rounding_noise_moves_nothing():
    noisy = FLOAT + np.random.default_rng(1).normal(0, 0.05, FLOAT.shape).astype(np.float32)
    assert matched_temperature(softmax(FLOAT, 2.0), noisy) == pytest.approx(2.0, rel=0.02)
