"""Trainings that go wrong are noticed, named with their layer, thrown back once, and then given up."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from edgelens.runtime.errors import WorkError
from edgelens.train import TrainConfig, fit
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize.health import Health
from edgelens.train.optimize.optimizers import OPTIMIZERS, OptimizerEntry


@pytest.fixture
def config(digits: Path, tmp_path: Path) -> TrainConfig:
    return TrainConfig(
        str(digits),
        str(tmp_path / "run"),
        model="mlp",
        epochs=3,
        augment="none",
        precision="float32",
        threads=1,
        warmup=0,
        optimizer="sgd",
    )


def step(network: torch.nn.Module, inputs: torch.Tensor) -> None:
    network.zero_grad()
    network(inputs).square().sum().backward()


def test_nan_is_named_with_the_layer_where_it_begins() -> None:
    network = build("cnn-small", ModelOptions(), channels=1, classes=3, size=(16, 16))
    health, inputs = Health(network), torch.randn(2, 1, 16, 16)
    step(network, inputs)
    assert health.look(health.norms(), inputs) is None
    with torch.no_grad():
        network.get_parameter("layers.3.weight")[0, 0, 0, 0] = torch.inf
    step(network, inputs)
    trouble = health.look(health.norms(), inputs)
    assert trouble is not None
    assert str(trouble) == "NaN in layers.3"


def test_an_exploding_gradient_is_named() -> None:
    network = build("mlp", ModelOptions(), channels=1, classes=3, size=(8, 8))
    health, inputs = Health(network), torch.randn(2, 1, 8, 8)
    for _ in range(25):
        step(network, inputs)
        assert health.look(health.norms(), inputs) is None
    step(network, inputs)
    for p in network.dense[4].parameters():
        assert p.grad is not None
        p.grad.mul_(1e6)
    trouble = health.look(health.norms(), inputs)
    assert trouble is not None
    assert trouble.kind == "exploding gradient"
    assert trouble.layer.startswith("dense.4")


def test_vanishing_gradients_are_warned_of_with_advice(config: TrainConfig, capfd: pytest.CaptureFixture[str]) -> None:
    fit(replace(config, options=ModelOptions(depth=14, dense=32, activation="sigmoid"), epochs=1))
    said = capfd.readouterr().err
    assert "gradients vanish: dense.1.weight" in said
    assert "--activation relu" in said


def test_a_rate_that_diverges_goes_back_once_and_then_gives_up(
    config: TrainConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WorkError, match=r"gave up after going back once.*--rate") as caught:
        fit(replace(config, rate=1e30))
    assert caught.value.exit_code == 1
    assert capfd.readouterr().err.count("at a tenth of the learning rate") == 1


class Stumbling(torch.optim.SGD):
    """Plain descent that one bad step throws off the earth, as one broken batch would."""

    steps = 0

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        super().step(closure)
        self.steps += 1
        if self.steps == STUMBLES_AT:
            for group in self.param_groups:
                torch._foreach_mul_([p.data for p in group["params"]], 1e30)


STUMBLES_AT = 50  # steps, in the fourth of eight epochs


def test_going_back_once_can_save_a_training(
    config: TrainConfig, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = OptimizerEntry(lambda groups, rate, _: Stumbling(groups, rate), 0.1, 0.0)
    monkeypatch.setitem(OPTIMIZERS, "sgd", entry)
    run = fit(replace(config, schedule="constant", epochs=8, batch=32))
    assert capfd.readouterr().err.count("at a tenth of the learning rate") == 1
    with (run.path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 9))
    rates = [float(row["rate"]) for row in rows]
    fell = next(i for i, rate in enumerate(rates) if rate < rates[0])
    assert 0 < fell < 7
    assert rates == pytest.approx([0.1] * fell + [0.01] * (8 - fell))
    reached = [float(row["val_accuracy"]) for row in rows]
    assert min(reached[fell:]) > max(reached[:fell]) - 0.05  # it went on from the best, not from chance
    assert max(reached[:fell]) > 0.5


def test_a_dead_network_is_noticed(config: TrainConfig, tmp_path: Path) -> None:
    import safetensors.torch

    network = build("mlp", ModelOptions(), channels=1, classes=10, size=(8, 8))
    with torch.no_grad():
        for name, p in network.named_parameters():
            p.fill_(-1.0 if name.endswith("bias") and "dense" in name else 0.0 if "dense" in name else 0.1)
    safetensors.torch.save_file(network.state_dict(), tmp_path / "dead.safetensors")
    with pytest.raises(WorkError, match=r"dead network: no gradient in dense\.4.*gave up"):
        fit(replace(config, epochs=8, start=str(tmp_path / "dead.safetensors")), quiet=True)
