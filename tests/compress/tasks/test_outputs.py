"""A network of three maps: every output goes through export, 8 bits, training in 8 bits, pruning, proof."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dots_train import Means
from torch import Tensor, nn

from edgelens.compress.config import CompressConfig
from edgelens.compress.learn.finetune import FineTune
from edgelens.compress.network.answers import torch_outputs
from edgelens.compress.network.tail import last_layers_and_pooling
from edgelens.compress.pipeline import compress_run
from edgelens.compress.prune.channels import macs_of, output_layers, prune_to_macs
from edgelens.compress.prune.iterative import PruneConfig
from edgelens.compress.quantize.qat import QatConfig
from edgelens.compress.tasks.catalog import TASKS as COMPRESS_TASKS
from edgelens.compress.tasks.task import Task as CompressTask
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.model.verify import verify_bundle
from edgelens.runtime.preprocess import PixelContract
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.tasks.catalog import TASKS as RUNTIME_TASKS
from edgelens.runtime.tasks.rows import describe_rows, draw_rows
from edgelens.runtime.tasks.steady import Unchanged
from edgelens.runtime.tasks.task import Answer
from edgelens.runtime.tasks.task import Task as RuntimeTask
from edgelens.train import TrainConfig, fit
from edgelens.train.augment import normalised
from edgelens.train.data.prepare import open_images
from edgelens.train.data.targets import DenseTargets
from edgelens.train.task import Score, Settled
from edgelens.train.task import Task as TrainTask
from edgelens.train.tasks.catalog import TASKS as TRAIN_TASKS

MAPS = ("near", "middle", "far")


def block(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


class ThreeMaps(nn.Module):
    """Maps of 8, 4 and 2 cells a side, given by name and not in the task's order."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = block(1, 32), block(32, 48), block(48, 64)
        self.near, self.middle, self.far = nn.Conv2d(32, 5, 1), nn.Conv2d(48, 7, 1), nn.Conv2d(64, 3, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        one = self.first(x)
        two = self.second(one)
        three = self.third(two)
        return {"far": self.far(three), "near": self.near(one), "middle": self.middle(two)}


def training_task(config: TrainConfig, classes: Sequence[str], counts: Sequence[int]) -> TrainTask:
    del config, classes, counts

    def loss(outputs: Any, labels: Tensor) -> Tensor:
        wanted = labels.float() / 10
        return sum((outputs[name].float().mean((1, 2, 3)) - wanted).square() for name in MAPS)

    def measure(outputs: Any, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": loss(outputs, labels), "off": loss(outputs, labels)}

    return TrainTask(
        "maps", MAPS, open_images,
        lambda images, _pixels: DenseTargets.of(images.labels.astype(np.int64)),
        lambda _build, _classes: ThreeMaps(),
        lambda _recipe, pixels, labels, _draw: (normalised(pixels), labels),
        loss,
        lambda: Means(measure, ("loss", "off")),
        Score("off", more=False, share=False),
        lambda _outputs, _targets, _rate: Settled(Decode("maps")),
        lambda _outputs, _targets, _settled: {},
        lambda _found: [],
    )  # fmt: skip


def same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> float:
    """The share of pictures whose three maps all have their largest number in the same place."""

    def places(maps: Mapping[str, Any], name: str) -> Any:
        return maps[name].reshape(len(maps[name]), -1).argmax(1)

    return float(np.mean(np.all([places(ours, n) == places(theirs, n) for n in MAPS], axis=0)))


def labels_of(targets: Any) -> Any:
    return targets.arrays()["values"]


COMPRESSED = CompressTask(
    "maps", MAPS,
    judge=lambda outputs, targets: float(1 - np.abs(outputs["far"].mean((1, 2, 3)) - labels_of(targets) / 10).mean()),
    agreement=same,
    golden=lambda _outputs, count: list(range(count)),
    resettle=lambda _before, _after, _targets, settled: settled,
    tail=last_layers_and_pooling,
)  # fmt: skip


def run_agreement(wanted: Sequence[Answer], found: Sequence[Answer]) -> float:
    return float(np.mean([same(ours.outputs, theirs.outputs) for ours, theirs in zip(wanted, found, strict=True)]))


RUN = RuntimeTask(
    "maps",
    load=lambda *_: (None, ""),
    evaluate=lambda *_: None,  # type: ignore[arg-type,return-value]
    agreement=run_agreement,
    steady=Unchanged,
    draw=draw_rows,
    describe=describe_rows,
    uncertain=lambda *_: False,
    decoder=lambda network: (
        lambda _outputs, _placement, _threshold=None: Recognitions(("map",), [0], [1.0], task="maps")
    ),
)


@pytest.fixture(autouse=True)
def three_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAIN_TASKS, "maps", lambda: training_task)
    monkeypatch.setitem(COMPRESS_TASKS, "maps", lambda: COMPRESSED)
    monkeypatch.setitem(RUNTIME_TASKS, "maps", lambda: RUN)


@pytest.fixture
def made(digits_file: Path, tmp_path: Path, three_entries: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The network trained for a moment, then pruned, trained in 8 bits and bundled."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = fit(
        TrainConfig(str(digits_file), str(tmp_path / "run"), task="maps", epochs=1, batch=64, augment="none",
                    precision="float32", threads=1),
        quiet=True,
    )  # fmt: skip
    tuning = FineTune(epochs=0.2, rate=1e-3, precision="float32")
    config = CompressConfig(
        calibration_images=32,
        evaluation_images=64,
        prune=PruneConfig(macs=0.7, rounds=1, round_to=4, tuning=tuning),
        qat=QatConfig(FineTune(epochs=0.1, rate=1e-4)),
        allow_mismatch=True,
    )
    return run, compress_run(run.path, tmp_path / "maps.edge", config)


def test_every_output_is_kept_and_judged(made: Any, tmp_path: Path) -> None:
    _, compressed = made
    main = compressed.bundle.manifest.main
    assert [(output.name, output.shape) for output in main.outputs] == [
        ("near", (5, 8, 8)), ("middle", (7, 4, 4)), ("far", (3, 2, 2))
    ]  # fmt: skip
    assert len(main.files) == 4
    for file in main.files:
        with open_engine(file.engine, compressed.bundle.read(file.path), None) as engine:
            assert {info.name for info in engine.outputs} == set(MAPS), file.path
        assert file.outputs == MAPS
    assert all(row.agreement > 0.5 and row.snr_db > 15 for row in compressed.parity.files)
    assert compressed.parity.files[0].snr_db > 60
    report = verify_bundle(compressed.bundle)
    assert report.ok, report
    assert all(file.agreement > 0.5 for file in report.files)


def test_one_wrong_output_of_three_is_found(made: Any, tmp_path: Path) -> None:
    """The last output's reference is turned round: proofs that look at the first output alone would not see it."""
    _, compressed = made
    bundle = compressed.bundle
    entries = {name: bundle.read(name) for name in bundle.manifest.entries}
    golden = bundle.manifest.golden[0].reference
    arrays = dict(np.load(io.BytesIO(entries[golden])))
    arrays["far"] = -arrays["far"]
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    entries[golden] = buffer.getvalue()
    wrong = write_bundle(tmp_path / "wrong.edge", dataclasses.replace(bundle.manifest), entries)
    report = verify_bundle(Bundle.open(wrong.path))
    assert not report.ok
    assert all(not file.within for file in report.files)


def test_pruning_protects_what_every_output_says(three_entries: None) -> None:
    network, example = ThreeMaps(), torch.zeros(1, 1, 16, 16)
    assert set(output_layers(network, example)) == {network.near, network.middle, network.far}
    pixels = PixelContract(16, 16, "gray")
    smaller: Any = prune_to_macs(network, pixels, macs_of(network, pixels) * 0.5)
    assert [smaller.near.out_channels, smaller.middle.out_channels, smaller.far.out_channels] == [5, 7, 3]
    assert smaller.first[0].out_channels < 32
    answers = torch_outputs(smaller, np.zeros((2, 16, 16, 1), np.uint8), MAPS)
    assert {name: values.shape[1:] for name, values in answers.items()} == {
        "near": (5, 8, 8), "middle": (7, 4, 4), "far": (3, 2, 2)
    }  # fmt: skip
