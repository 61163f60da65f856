"""Photos without labels teach a student what its teacher says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.preprocess import PixelContract
from edgelens.train import TrainConfig, fit
from edgelens.train.data.picture import choose_pixels
from edgelens.train.data.prepare import open_images, prepare
from edgelens.train.ingredients import training_counts
from edgelens.train.start.distill import Distillation
from edgelens.train.start.unlabelled import with_unlabelled
from edgelens.train.tasks.catalog import make_task


def half(top: bool, seed: int) -> np.ndarray:
    picture = np.random.default_rng(seed).integers(0, 90, (16, 16, 3), np.uint8)
    picture[slice(0, 8) if top else slice(8, 16)] += 140
    return picture


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    """Forty labelled pictures, and a folder of twenty without labels."""
    images = np.stack([half(i % 2 == 0, i) for i in range(40)])
    np.savez(tmp_path / "data.npz", images=images, labels=np.array(["top", "bottom"] * 20))
    (tmp_path / "more").mkdir()
    for i in range(20):
        cv2.imwrite(str(tmp_path / "more" / f"{i:02}.png"), half(i < 10, 100 + i)[..., ::-1])
    (tmp_path / "more" / "broken.png").write_bytes(b"no picture")
    return TrainConfig(
        str(tmp_path / "data.npz"), str(tmp_path / "teacher"), model="linear", epochs=15, batch=8, augment="none",
        precision="float32", threads=1,
    )  # fmt: skip


def test_the_teacher_names_them(config: TrainConfig, tmp_path: Path) -> None:
    teacher = fit(config, quiet=True)
    images = open_images(config.data_config())
    data = prepare(config.data_config(), choose_pixels(images, "linear"), images=images)
    more, said = with_unlabelled(data, str(tmp_path / "more"), str(teacher.path))
    more_of = tmp_path / "more"
    assert said == f"the teacher names 20 more photos of {more_of}; 1 that cannot be read is left out"
    assert len(more.train) == len(data.train) + 20
    assert training_counts(more) == training_counts(data)  # what it made of them makes no class rare
    named = [more.classes[label] for label in more.train.labels[-20:]]
    assert sum(name == ("top" if i < 10 else "bottom") for i, name in enumerate(named)) >= 18
    assert np.array_equal(more.train.pictures.take(slice(None))[-20], half(True, 100))
    assert len(more.val) == len(data.val)


def test_what_validates_is_not_learned_without_its_label(config: TrainConfig, tmp_path: Path) -> None:
    """The folder that the labelled pictures were taken from is the usual one; one was saved a little darker."""
    teacher = fit(config, quiet=True)
    images = open_images(config.data_config())
    data = prepare(config.data_config(), choose_pixels(images, "linear"), images=images)
    known = data.val.pictures.take(slice(None))
    for i, picture in enumerate(known):
        cv2.imwrite(str(tmp_path / "more" / f"known {i}.png"), (picture if i else picture * 0.9)[..., ::-1])
    more, said = with_unlabelled(data, str(tmp_path / "more"), str(teacher.path))
    assert len(more.train) == len(data.train) + 20
    assert said.endswith(f"; {len(known)} are left out, which validate or test")
    for file in (tmp_path / "more").glob("[0-9]*.png"):
        file.unlink()
    with pytest.raises(DataError, match="holds only pictures that validate or test"):
        with_unlabelled(data, str(tmp_path / "more"), str(teacher.path))


def test_a_student_learns_from_them(config: TrainConfig, tmp_path: Path) -> None:
    teacher = fit(config, quiet=True)
    asked = replace(
        config, out=str(tmp_path / "student"), teacher=str(teacher.path), unlabelled=str(tmp_path / "more"), epochs=2
    )
    student = fit(asked, quiet=True)
    assert student.facts.counts is not None
    assert student.facts.counts == teacher.facts.counts  # of labels that somebody gave
    alone = fit(replace(asked, out=str(tmp_path / "alone"), unlabelled=None), quiet=True)
    pairs = zip(student.model().parameters(), alone.model().parameters(), strict=True)
    assert not all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_of_photos_without_labels_only_the_teachers_word_counts(config: TrainConfig) -> None:
    task = make_task(config, ("a", "b"), (1, 1))
    distillation = Distillation(nn.Flatten(), PixelContract(1, 2, "gray"), share=0.5, labelled=1)
    inputs, rows = torch.tensor([[[[2.0, 0.0]]]] * 2), np.array([0, 1])
    answers = {"logits": torch.zeros(2, 2)}
    wrong = distillation.blended(task, torch.tensor([10.0, 10.0]), answers, inputs, rows)
    right = distillation.blended(task, torch.tensor([0.0, 0.0]), answers, inputs, rows)
    assert wrong[0] == right[0] + 5 and wrong[1] == right[1] > 0


def test_what_cannot_be_is_refused(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="goes with --teacher"):
        replace(config, unlabelled="more")
    teacher = fit(replace(config, epochs=1), quiet=True)
    (tmp_path / "none").mkdir()
    asked = replace(config, out=str(tmp_path / "student"), teacher=str(teacher.path), unlabelled=str(tmp_path / "none"))
    with pytest.raises(DataError, match="holds no image that can be read"):
        fit(asked, quiet=True)
