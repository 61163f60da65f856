"""The backbone that ships: what it is, when a training starts from it by itself, and what is said of that."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from click.testing import CliRunner

from edgelens.cli.train import command
from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.preprocess import PixelContract
from edgelens.train import Run, TrainConfig, fit
from edgelens.train.config import BACKBONE
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.start import pretrained as backbone
from edgelens.train.start.transfer import start_from


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty colour pictures of two classes: reddish and bluish."""
    path = tmp_path_factory.mktemp("data") / "photos.npz"
    draw = np.random.default_rng(0)
    images = draw.integers(0, 120, (60, 32, 32, 3), np.uint8)
    labels = np.arange(60) % 2
    images[labels == 0, ..., 0] += 100
    images[labels == 1, ..., 2] += 100
    np.savez(path, images=images, labels=np.array(["red", "blue"])[labels])
    return path


def config(data: Path, out: Path) -> TrainConfig:
    return TrainConfig(
        str(data), str(out), model="lens-s", epochs=1, batch=32, augment="none", precision="float32", threads=1
    )


def test_the_file_is_small_and_says_where_it_comes_from() -> None:
    assert backbone.FILE.stat().st_size <= 300_000
    said = backbone.provenance()
    assert said.network == "lens-s"
    assert "CIFAR-10" in said.data
    assert "cifar10-lens-s" in said.command
    assert {t.dtype for t in safetensors.torch.load_file(backbone.FILE).values() if t.is_floating_point()} == {
        torch.float16
    }


@pytest.mark.parametrize(("channels", "side"), [(3, 32), (3, 96), (1, 48)])
def test_all_but_the_classifier_is_taken_over(channels: int, side: int) -> None:
    network = build("lens-s", ModelOptions(), channels=channels, classes=7, size=(side, side))
    taken = start_from(network, BACKBONE)
    assert taken.anew == ("classifier.weight", "classifier.bias")
    assert all(p.dtype == torch.float32 for p in network.parameters())
    stored = safetensors.torch.load_file(backbone.FILE)["layers.0.0.0.weight"]
    own = dict(network.named_parameters())["layers.0.0.0.weight"]
    assert torch.equal(own, (stored if channels == 3 else stored.float().sum(1, keepdim=True)).float())


def test_few_photos_start_from_it_and_the_run_says_so(photos: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        command,
        [str(photos), "--out", str(tmp_path / "run"), "--epochs", "1", "--threads", "1", "--precision", "float32"],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    assert "starts from the kit's backbone (lens-s trained on " in result.output
    assert "--scratch turns it off" in result.output
    run = Run.open(tmp_path / "run")
    assert run.config.start == BACKBONE
    assert run.facts.started is not None
    assert backbone.provenance().sha256[:12] in run.facts.started
    assert "drawn anew: classifier.weight, classifier.bias" in run.facts.started
    assert "backbone (lens-s trained on" in (run.path / "report.html").read_text()


def test_scratch_turns_it_off(photos: Path, tmp_path: Path) -> None:
    run = fit(replace(config(photos, tmp_path / "run"), scratch=True), quiet=True)
    assert run.config.start is None
    assert run.facts.started is None
    assert json.loads((run.path / "run.json").read_text())["config"]["scratch"] is True
    with pytest.raises(UsageError, match="choose one"):
        replace(config(photos, tmp_path), scratch=True, start=BACKBONE)


def test_it_serves_by_itself_only_where_it_was_measured(photos: Path, tmp_path: Path) -> None:
    images, plain, pixels = load_images(photos), config(photos, tmp_path), PixelContract(32, 32)
    assert backbone.suits(plain, images, pixels)
    assert backbone.suits(replace(plain, options=ModelOptions(dropout=0.2)), images, pixels)
    assert not backbone.suits(replace(plain, model="resnet8"), images, pixels)
    assert not backbone.suits(replace(plain, options=ModelOptions(width=2)), images, pixels)
    assert not backbone.suits(replace(plain, start="runs/other"), images, pixels)
    assert not backbone.suits(plain, images, PixelContract(32, 32, "gray"))
    assert not backbone.suits(plain, images, PixelContract(128, 128))
    assert not backbone.suits(plain, images, PixelContract(8, 8))
    many = images.select(np.arange(3000) % 60)
    assert not backbone.suits(plain, many, pixels)


def test_a_folder_of_that_name_does_not_stand_in_its_way(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / BACKBONE).mkdir()
    asked = replace(config(photos, tmp_path), start=BACKBONE).anchored()
    assert asked.start == BACKBONE


def test_a_spoilt_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(backbone.FILE.read_bytes()[:500])
    with pytest.raises(DataError, match="install the kit again"):
        backbone.provenance(tmp_path / "cut.safetensors")
    other = build("resnet8", ModelOptions(), channels=3, classes=2, size=(32, 32))
    with pytest.raises(DataError, match="--from backbone: fits"):
        start_from(other, BACKBONE)
