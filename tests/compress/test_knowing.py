"""A run that knows what it learned: its features are a second output of every file, and decide alike on all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.learn.feature_maps import compared
from edgelens.compress.network.graph import is_convolutional, trace
from edgelens.compress.network.knowing import Knowing
from edgelens.compress.network.tail import last_layers_and_pooling
from edgelens.compress.pipeline import compress_run
from edgelens.compress.prune.channels import prune_channels
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.verify import verify_bundle
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.data.prepare import prepare
from edgelens.train.ingredients import run_task
from edgelens.train.known.learned import learn_known
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
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


def test_what_has_seen_the_world_keeps_its_pooling_float_and_can_be_pruned() -> None:
    """lite0 looks at halves of three stages' maps: all of that is one tail, in a form that both exporters share."""
    pixels = PixelContract(64, 64)
    network = build("lite0", ModelOptions(width=0.5), channels=3, classes=4, size=(64, 64)).eval()
    graph = trace(Knowing(network, "logits"), pixels)
    assert is_convolutional(graph)
    tail = [node.name for node in graph.graph.nodes if node in last_layers_and_pooling(graph)]
    assert [name.split("_")[0] for name in tail].count("avg") == 3
    assert "linear" in tail and not any(name.startswith(("conv", "hardtanh", "add")) for name in tail)
    smaller = prune_channels(network, pixels, 0.3)
    row = smaller.embedding(torch.zeros(1, 3, 64, 64))  # type: ignore[operator]
    alike = smaller.likeness(row)  # type: ignore[operator]
    assert row.shape[1] < network.classifier.in_features  # type: ignore[union-attr]
    assert alike.shape[1] == smaller.get_submodule("layers.last.0").out_channels


def test_what_it_looks_at_is_compared_as_the_network_itself_does(run_folder: Path) -> None:
    own, other = (Knowing(Run.open(run_folder).model(), "logits") for _ in range(2))
    pictures = np.random.default_rng(0).integers(0, 255, (2, 16, 16, 1), np.uint8)
    with compared(own, other, pictures) as maps:
        assert maps is not None
        own(torch.rand(2, 1, 16, 16))
        assert float(maps.distance().detach()) > 0
