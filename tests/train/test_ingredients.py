"""A run gives back the very task and augmentation that it was trained with, without its data; earlier kits' too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import UsageError
from edgelens.train import Run, TrainConfig, fit
from edgelens.train.augment import mirror_is_safe, recipe
from edgelens.train.data import prepare
from edgelens.train.ingredients import run_recipe, run_task
from edgelens.train.runs.outputs import SplitOutputs
from edgelens.train.runs.report import write_report
from edgelens.train.tasks.classify.imbalance import class_weights
from edgelens.train.tasks.classify.losses import binary_cross_entropy, cross_entropy, focal, smoothed

COUNTS = np.array([120, 40, 20])


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shades, one of them rare; all of them train."""
    file = tmp_path_factory.mktemp("uneven") / "shades.npz"
    labels = np.repeat([0, 1, 2], COUNTS)
    images = np.random.default_rng(0).integers(0, 60, (len(labels), 8, 8), np.uint8) + (labels * 60)[:, None, None]
    names = np.array(["dark", "middle", "bright"])
    np.savez(file, images=images.astype(np.uint8), labels=labels, classes=names)
    return file


def trained(uneven: Path, out: Path, **changes: Any) -> Run:
    made = TrainConfig(
        str(uneven), str(out), model="linear", epochs=1, val=0.0, precision="float32", threads=1, augment="quick"
    )
    return fit(replace(made, **changes), quiet=True)


LOGITS, TARGETS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), torch.eye(3)[[0, 1, 2, 2, 0, 1]]
WEIGHTS = torch.from_numpy(class_weights(COUNTS))
CASES: dict[str, tuple[dict[str, Any], Tensor]] = {
    "plain": ({"imbalance": "none"}, cross_entropy(LOGITS, TARGETS)),
    "bce": ({"imbalance": "none", "loss": "bce"}, binary_cross_entropy(LOGITS, TARGETS)),
    "smoothed": (
        {"imbalance": "none", "label_smoothing": 0.2},
        cross_entropy(LOGITS, smoothed(TARGETS, 0.2)),
    ),
    "focal": ({"imbalance": "focal", "focal_gamma": 3.0}, focal(LOGITS, TARGETS, 3.0)),
    "weights": ({"imbalance": "weights"}, cross_entropy(LOGITS, TARGETS) * (TARGETS @ WEIGHTS)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_loss_is_the_runs_own(uneven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    changes, expected = CASES[name]
    run = Run.open(trained(uneven, tmp_path / "run", **changes).path)
    monkeypatch.setattr(ImageSet, "__post_init__", _never)
    torch.testing.assert_close(run_task(run).loss({"logits": LOGITS}, TARGETS), expected)
    assert run.facts.counts == tuple(COUNTS.tolist())


def test_the_augmentation_is_the_runs_own(uneven: Path, tmp_path: Path) -> None:
    run = Run.open(trained(uneven, tmp_path / "run", augment="best+camera", mirror=False).path)
    assert run_recipe(run) == recipe("best+camera", mirror=False, sided=True)
    assert run_recipe(run) != recipe("best+camera")


def test_a_run_of_an_earlier_kit_is_read(uneven: Path, tmp_path: Path) -> None:
    run = trained(uneven, tmp_path / "run", imbalance="weights")
    stored = json.loads((run.path / "run.json").read_text())
    facts = stored["facts"]
    decode = facts.pop("decode")
    del facts["counts"], facts["recipe"]
    facts |= {"temperature": 1.7, "unknown_threshold": 0.4}
    (run.path / "run.json").write_text(json.dumps(stored))
    kept = SplitOutputs.load(run.path)
    np.savez(
        run.path / "outputs.npz",
        val_logits=kept.val["logits"],
        val_labels=kept.val_targets.arrays()["values"],
        train_logits=kept.train["logits"],
        train_labels=kept.train_targets.arrays()["values"],
    )
    old = Run.open(run.path)
    assert (old.decode.decoder, old.decode.threshold) == (decode["decoder"], 0.4)
    assert old.decode.options == {"temperature": 1.7, "top_k": 3}
    torch.testing.assert_close(run_task(old).loss({"logits": LOGITS}, TARGETS), CASES["weights"][1])
    assert run_recipe(old) == recipe("quick", mirror=mirror_is_safe(old.classes))
    again = SplitOutputs.load(run.path)
    np.testing.assert_array_equal(again.val["logits"], kept.val["logits"])
    np.testing.assert_array_equal(again.val_targets.arrays()["values"], kept.val_targets.arrays()["values"])
    assert "Logits are divided by 1.700" in write_report(old).read_text("utf-8")


def test_a_training_opens_its_data_once(uneven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    inner = prepare.open_data

    def counted(path: str, **options: Any) -> ImageSet:
        opened.append(path)
        return inner(path, **options)

    monkeypatch.setattr(prepare, "open_data", counted)
    trained(uneven, tmp_path / "run", val=0.2)
    assert opened == [str(uneven)]


def _never(_images: ImageSet) -> None:
    raise AssertionError("the data set was opened again")


def test_what_answers_with_places_learns_pictures_of_their_own_size(shapes: Path, tmp_path: Path) -> None:
    from edgelens.runtime.preprocess import PixelContract
    from edgelens.train.ingredients import gather
    from edgelens.train.models.options import ModelOptions
    from edgelens.train.opening.given import refuse_useless
    from edgelens.train.optimize.distributed import ALONE
    from edgelens.train.tasks.catalog import make_network, make_task

    config = TrainConfig(
        str(shapes), str(tmp_path), task="detect", model="lens-det-s", options=ModelOptions(width=0.5, neck=24),
        batch=4, learnt_at=0.5, cache=str(tmp_path / "cache"),
    )  # fmt: skip
    images, pixels = make_task(config).open_data(config.data_config()), PixelContract(96, 96)
    data = prepare.prepare(config.data_config(), pixels, images=images)
    network = make_network(config, data.classes, pixels)
    made_of, _, _ = gather(config, data, network, ALONE, lambda _: None, "float32")
    inputs, targets = made_of.data.augmented(np.arange(4), made_of.task, recipe("none"), 0, 0)
    assert inputs.shape[2:] == (96, 96)
    assert float(targets.columns["boxes"].max()) > 48
    with pytest.raises(UsageError, match="learnt_at: goes with --task classify or identify"):
        refuse_useless({"learnt_at": "--config c.json: learnt_at"}, config)
