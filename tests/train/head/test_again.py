"""A head fitted once more is a copy's, in closed form, and replaces what was learned only where it validates better."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.batches import Batches
from edgelens.train.config import TrainConfig
from edgelens.train.data.targets import DenseTargets
from edgelens.train.head.again import with_head_again
from edgelens.train.models.options import ModelOptions
from edgelens.train.task import FittedHead, Targets
from edgelens.train.tasks.catalog import make_network, make_task
from edgelens.train.tasks.identify import task as identify_task
from edgelens.train.training import fit

SIDE = 32
CONFIG = TrainConfig("", "", model="resnet8", options=ModelOptions(width=0.5), task="identify")


def test_the_copy_answers_by_the_fit_and_the_network_stays_as_it_was() -> None:
    torch.manual_seed(0)
    network = make_network(CONFIG, ("a", "b"), PixelContract(SIDE, SIDE)).eval()
    task, before = make_task(CONFIG), {name: value.clone() for name, value in network.state_dict().items()}
    pixels = torch.randint(0, 256, (40, SIDE, SIDE, 3), dtype=torch.uint8)
    data = Batches(pixels, DenseTargets.of(np.arange(40, dtype=np.int64) // 5))
    other, said = with_head_again(network, data, task)
    with torch.no_grad():
        rows = network.embedding(data.plain(np.arange(40)))  # type: ignore[operator]
        assert task.refit is not None
        weights = task.refit(rows.numpy(), data.targets).weights
        wanted = rows.numpy() @ weights["classifier.weight"].T + weights["classifier.bias"]
        np.testing.assert_allclose(other(data.plain(np.arange(40))).numpy(), wanted, atol=2e-3)
    assert "40 pictures of 8 identities" in said
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def blind(features: np.ndarray, targets: Targets) -> FittedHead:
    """One answer to every picture."""
    weights = {"classifier.weight": np.zeros((128, features.shape[1]), np.float32)}
    weights["classifier.bias"] = np.ones(128, np.float32)
    return FittedHead(weights, {"embedding": np.ones((len(targets), 128), np.float32)}, "blind")


def test_a_worse_one_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identify_task, "refitted", blind)
    rng = np.random.default_rng(0)
    for who in range(8):
        (tmp_path / "set" / f"badge {who}").mkdir(parents=True)
        colours = rng.integers(30, 226, (2, 2, 3))
        for number in range(6):
            shot = np.kron(colours, np.ones((16, 16, 1))) + rng.normal(0, 6, (SIDE, SIDE, 3))
            file = tmp_path / "set" / f"badge {who}" / f"{number}.png"
            assert cv2.imwrite(str(file), np.clip(shot, 0, 255).astype(np.uint8))
    config = TrainConfig(
        str(tmp_path / "set"), str(tmp_path / "run"), model="resnet8", options=ModelOptions(width=0.5),
        task="identify", epochs=2, batch=16, precision="float32", augment="none", scratch=True,
    )  # fmt: skip
    run = fit(config, quiet=True)
    assert run.facts.metrics is not None and run.facts.metrics["basis"] == "answers of the best epoch"
    assert run.model().state_dict()["classifier.weight"].abs().max() > 0
