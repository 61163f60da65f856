"""A run that knows what it learned: its features are a second output of every file, and decide alike on all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.verify import verify_bundle
from edgelens.train.data.prepare import prepare
from edgelens.train.ingredients import run_task
from edgelens.train.known.learned import learn_known
from edgelens.train.runs.run import KNOWN, Run


@pytest.fixture(scope="module")
def knowing(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The digits' run, which learns what it knows, as a bundle of four files."""
    folder = tmp_path_factory.mktemp("knowing")
    shutil.copytree(run_folder, folder / "run")
    run = Run.open(folder / "run")
    data, lines = prepare(run.config.data_config(), run.pixels), []
    learn_known(run, data, run_task(run), folder, lines.append)
    assert (run.path / KNOWN).exists()
    assert "95% of the right answers are kept" in lines[0]
    return compress_run(run.path, folder / "digits.edge", CompressConfig(calibration_images=64)).bundle


def unknown(bundle: Bundle, engine: str, precision: str, pictures: np.ndarray) -> np.ndarray:
    with BundleRecognizer(bundle, engine=engine, precision=precision) as recognizer:
        seen = [recognizer.recognize(Frame(np.repeat(p[..., None], 3, 2), i)) for i, p in enumerate(pictures)]
    return np.array([each.recognitions.label() == "unknown" for each in seen])


def test_every_file_gives_both_and_verifies(knowing: Bundle) -> None:
    network = knowing.manifest.main
    assert [output.name for output in network.outputs] == ["logits", "features"]
    assert network.outputs[1].shape[0] > 10
    assert len(network.files) == 4
    assert knowing.manifest.format == (1, 0)
    assert verify_bundle(knowing).ok


def test_every_engine_and_precision_decides_alike(knowing: Bundle, digits_file: Path) -> None:
    with np.load(digits_file) as stored:
        known = stored["images"][:150]
    foreign = np.random.default_rng(0).integers(0, 256, (60, 16, 16), np.uint8)
    shares = []
    for file in knowing.manifest.main.files:
        kept = 1 - unknown(knowing, file.engine, file.precision, known).mean()
        taken = 1 - unknown(knowing, file.engine, file.precision, foreign).mean()
        shares.append((kept, taken))
    kept, taken = np.array(shares).T
    assert kept.min() > 0.85
    assert np.ptp(kept) <= 0.03
    assert taken.max() < 0.15
    assert np.ptp(taken) <= 0.05
