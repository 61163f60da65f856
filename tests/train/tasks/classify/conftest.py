"""A finished run on scikit-learn's digits, trained once for these tests."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgelens.train.config import TrainConfig
from edgelens.train.runs.run import Run
from edgelens.train.training import fit


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("report")
    digits = load_digits()
    pixels = (digits.images * 15.9).astype(np.uint8)
    pixels[5] = pixels[3]  # an identical picture with another label
    names = np.array(["<zero> & co", *"123456789"])
    np.savez(folder / "digits.npz", images=pixels, labels=digits.target, classes=names)
    config = TrainConfig(
        str(folder / "digits.npz"),
        str(folder / "run"),
        model="cnn-small",
        size=(16, 16),
        epochs=3,
        augment="quick",
        precision="float32",
        cache=str(folder / "cache"),
    )
    return fit(config, quiet=True)
