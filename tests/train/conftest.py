"""Small real data that trainings of seconds learn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scikit-learn's 1,797 handwritten digits, 8×8 gray, as an .npz file."""
    datasets = pytest.importorskip("sklearn.datasets")
    loaded = datasets.load_digits()
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, images=loaded.images.astype(np.float32), labels=loaded.target)
    return path


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded pictures go to the session's folder, not to the person's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
