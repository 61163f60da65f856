"""One tiny trained run and its bundle, shared by every test of the folder: training and exporting cost seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgelens.runtime.preprocess import PixelContract


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory):
    """scikit-learn's digits, 16 × 16, as an .npz."""
    import cv2
    from sklearn.datasets import load_digits

    data = load_digits()
    small = np.clip(data.images * 16, 0, 255).astype(np.uint8)
    images = np.stack([cv2.resize(image, (16, 16), interpolation=cv2.INTER_CUBIC) for image in small])
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez_compressed(path, images=images, labels=data.target)
    return path


@pytest.fixture(scope="session")
def run_folder(digits_file, tmp_path_factory) -> Path:
    """A narrow ResNet-8, trained for a few seconds."""
    import torch

    from edgelens.train.config import TrainConfig
    from edgelens.train.models.options import ModelOptions
    from edgelens.train.training import fit

    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "digits"
    config = TrainConfig(
        str(digits_file), str(out), model="resnet8", options=ModelOptions(width=0.5), epochs=4, batch=64, rate=4e-3,
        augment="none", precision="float32",
    )  # fmt: skip
    fit(config, quiet=True)
    return out


@pytest.fixture(scope="session")
def run(run_folder):
    from edgelens.train.runs.run import Run

    return Run.open(run_folder)


@pytest.fixture(scope="session")
def compressed(run_folder, tmp_path_factory):
    """The run as a bundle of four files."""
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.pipeline import compress_run

    out = tmp_path_factory.mktemp("bundles") / "digits.edge"
    return compress_run(run_folder, out, CompressConfig(calibration_images=64, sensitivity=True))


def pictures(pixels: PixelContract, count: int = 24, seed: int = 0) -> np.ndarray:
    """Smooth pictures with full contrast, (N, H, W, C)."""
    import cv2

    rng = np.random.default_rng(seed)
    shape = (pixels.height, pixels.width, pixels.channels)
    blurred = [cv2.GaussianBlur(rng.integers(0, 256, shape, dtype=np.uint8), (5, 5), 2) for _ in range(count)]
    images = np.stack([b.reshape(shape) for b in blurred]).astype(np.float32)
    return np.clip((images - 128) * 4 + 128, 0, 255).astype(np.uint8)


@pytest.fixture
def make_pictures():
    return pictures
