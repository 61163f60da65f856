"""Answer first, then better: a whole run after the head, bettered only by what validates better.

The small backbone stands in for the large one: the same way, in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgelens.train import Run, TrainConfig, fit, loop, resume, training
from edgelens.train.augment import recipe
from edgelens.train.opening import answering, preview
from edgelens.train.runs import progress
from edgelens.train.runs.outputs import SplitOutputs
from edgelens.train.start import pretrained


@pytest.fixture(autouse=True)
def frozen_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: Mapping[str, Any] = {"lens-s": replace(pretrained.STARTS["lens-s"], frozen=True)}
    monkeypatch.setattr(pretrained, "STARTS", starts)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety colour pictures of three classes that are told by where their bright half is."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 150, (90, 32, 32, 3), np.uint8)
    labels = np.arange(90) % 3
    images[labels == 0, :16] += 100
    images[labels == 1, :, :16] += 100
    images[labels == 2, 8:24, 8:24] += 100
    path = tmp_path_factory.mktemp("data") / "photos.npz"
    np.savez(path, images=images, labels=np.array(["top", "side", "middle"])[labels])
    return path


def config(photos: Path, out: Path, minutes: float | None) -> TrainConfig:
    return TrainConfig(
        str(photos), str(out), model="lens-s", minutes=minutes, batch=32, augment="none", precision="float32", threads=1
    )


class Killed(BaseException):
    """No exception that anything waits for."""


def killed(*_: object, **__: object) -> Any:
    raise Killed


def test_the_head_alone_is_a_whole_run(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = fit(config(photos, tmp_path / "run", 0))
    assert "first answer: " in capsys.readouterr().err
    assert run.facts.metrics is not None
    assert not run.facts.provisional
    assert run.facts.metrics["best_epoch"] == 0
    assert run.facts.metrics["val_accuracy"] > 0.8
    assert run.facts.decode["options"]["temperature"] > 0
    assert (run.path / "report.html").exists()
    assert resume(run.path).facts == Run.open(run.path).facts
    trunk = {name: t for name, t in run.model().state_dict().items() if not name.startswith("classifier")}
    own = pretrained.STARTS["lens-s"].weights(run.network())
    assert all(torch.equal(t, own[name].to(t.dtype)) for name, t in trunk.items() if name in own)


@pytest.mark.parametrize(
    ("given", "shown"),
    [({}, "photos"), ({"augment": "default"}, "default"), ({"minutes": 0}, "default"), ({"scratch": True}, "default")],
)
def test_the_sheet_shows_what_fine_tuning_would_see(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], shown: str
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(preview, "training_recipe", lambda asked, *_: seen.append(asked.augmentation) or recipe("none"))
    asked = replace(config(photos, tmp_path / "run", None), **{"augment": None, **given})
    preview.show_augmented_data(asked, str(tmp_path / "sheet.png"))
    assert seen == [shown]


def test_of_few_photos_each_is_answered_by_a_head_that_has_not_seen_it(photos: Path, tmp_path: Path) -> None:
    run = fit(config(photos, tmp_path / "run", 0), quiet=True)
    metrics = run.facts.metrics
    assert metrics is not None
    assert metrics["judged"] == "train+val"
    assert metrics["val"]["images"] == 90 == run.judged_count == len(run.judged())
    outputs = SplitOutputs.load(run.path)
    assert len(outputs.val["logits"]) == 90
    names = run.judged().labels
    assert np.array_equal(np.asarray(outputs.val_targets.arrays()["values"]), names)
    assert not np.allclose(outputs.val["logits"], outputs.train["logits"], atol=1e-3)  # two heads gave them


def test_a_head_that_learned_all_photos_is_fitted_anew_before_others_start_from_it(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = fit(config(photos, tmp_path / "head", 0), quiet=True)
    assert (head.facts.metrics or {})["judged"] == "train+val"
    asked = replace(config(photos, tmp_path / "run", None), start=str(head.path), epochs=1, rate=0.0)
    run = fit(asked)
    assert "its head is fitted anew: that of " in capsys.readouterr().err
    assert "known_before" not in run.facts.data
    own, other = ((r.model().state_dict()["classifier.weight"]) for r in (head, run))
    assert not torch.allclose(own, other, atol=1e-3)


def test_a_validation_split_of_the_datas_own_teaches_nothing(photos: Path, tmp_path: Path) -> None:
    with np.load(photos) as stored:
        splits = np.where(np.arange(90) < 60, "train", "val")
        np.savez(tmp_path / "split.npz", images=stored["images"], labels=stored["labels"], splits=splits)
    run = fit(config(tmp_path / "split.npz", tmp_path / "run", 0), quiet=True)
    metrics = run.facts.metrics
    assert metrics is not None
    if run.facts.data["images"]["val"] == 30:
        assert metrics["judged"] == "val"
        assert metrics["val"]["images"] == 30
        assert len(SplitOutputs.load(run.path).train["logits"]) == 60


def test_folds_that_were_asked_for_are_judged_by_their_own_photos(photos: Path, tmp_path: Path) -> None:
    run = fit(replace(config(photos, tmp_path / "run", 0), folds=3, fold=1), quiet=True)
    assert run.facts.metrics is not None
    assert run.facts.metrics["judged"] == "val"
    assert run.facts.metrics["val"]["images"] == 30


def test_without_photos_to_judge_fine_tuning_by_the_head_stays(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit(replace(config(photos, tmp_path / "run", 60), epochs=1, val=0.0))
    assert "no photos are left to judge fine-tuning by" in capsys.readouterr().err
    assert run.facts.metrics is not None and not run.facts.provisional
    assert (run.facts.metrics["best_epoch"], run.judged_count) == (0, 90)


def test_fine_tuning_is_taken_where_it_validates_better(photos: Path, tmp_path: Path) -> None:
    asked = replace(config(photos, tmp_path / "run", 60), epochs=3, rate=2e-3, first_rate=0.3)
    run = fit(asked, quiet=True)
    assert run.facts.metrics is not None
    assert not run.facts.provisional
    history = (run.path / "metrics.csv").read_text().splitlines()
    assert len(history) == 4
    best = run.facts.metrics["best_epoch"]
    scores = [float(line.split(",")[history[0].split(",").index("val_accuracy")]) for line in history[1:]]
    assert (best > 0) == (run.facts.metrics["judged"] == "val")
    if best:
        assert scores[best - 1] == max(scores)


def test_a_rate_that_ruins_the_trunk_leaves_the_heads_answer(photos: Path, tmp_path: Path) -> None:
    head = fit(config(photos, tmp_path / "head", 0), quiet=True)
    ruined = replace(config(photos, tmp_path / "run", 60), epochs=2, rate=1.0, optimizer="sgd", first_rate=1e-9)
    run = fit(ruined, quiet=True)
    assert run.facts.metrics is not None
    assert run.facts.metrics["best_epoch"] == 0
    assert all(torch.equal(a, b) for a, b in zip(head.model().parameters(), run.model().parameters(), strict=True))


def test_ctrl_c_keeps_what_is_there(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = iter(range(100))

    def step(self: progress.Progress, done: int, images: int, loss: float) -> None:
        if next(steps) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "step", step)
    run = fit(replace(config(photos, tmp_path / "run", 60), epochs=5), quiet=True)
    assert run.facts.metrics is not None
    assert not Run.open(run.path).facts.provisional
    assert run.model()


def test_ctrl_c_ends_a_search_and_not_only_its_trial(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: progress.Progress, done: int, images: int, loss: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Progress, "step", step)
    with pytest.raises(KeyboardInterrupt):
        fit(replace(config(photos, tmp_path / "run", 60), epochs=5), quiet=True, watch=lambda _: None)
    assert Run.open(tmp_path / "run").facts.metrics is not None


def test_a_first_answer_that_was_killed_before_it_was_whole_is_given_again(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = config(photos, tmp_path / "run", 0)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(answering, "answer_first", killed)
        fit(asked, quiet=True)
    assert not (tmp_path / "run").exists(), "there is nothing yet that could go on"
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(answering, "learn_known", killed)
        fit(asked, quiet=True)
    assert not (tmp_path / "run" / "known.npz").exists()
    done, whole = resume(tmp_path / "run", quiet=True), fit(config(photos, tmp_path / "whole", 0), quiet=True)
    assert {file.name for file in done.path.iterdir()} == {file.name for file in whole.path.iterdir()}
    assert same_weights(done, whole)
    assert not done.facts.provisional


def test_fine_tuning_that_was_killed_before_it_knew_what_it_knows_goes_on(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "is_best", lambda *_: True)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(training, "tuned", killed)
        fit(replace(config(photos, tmp_path / "run", 60), epochs=1), quiet=True)
    head = (tmp_path / "run" / "known.npz").read_bytes()
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(answering, "learn_known", killed)
        resume(tmp_path / "run", quiet=True)
    assert Run.open(tmp_path / "run").facts.provisional
    done = resume(tmp_path / "run", quiet=True)
    assert not done.facts.provisional
    known = done.path / "known.npz"
    assert not known.exists() or known.read_bytes() != head, "what is known is of the network that answers"


def same_weights(one: Run, other: Run) -> bool:
    pairs = zip(one.model().parameters(), other.model().parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_killed_fine_tuning_leaves_a_whole_run_and_goes_on(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(config(photos, tmp_path / "run", 60), epochs=2)
    head = fit(replace(asked, out=str(tmp_path / "head"), minutes=0), quiet=True)
    monkeypatch.setattr(loop, "is_best", lambda *_: True)
    with monkeypatch.context() as patched:
        patched.setattr(progress.Progress, "epoch", killed)
        with pytest.raises(Killed):
            fit(asked, quiet=True)
    left = Run.open(tmp_path / "run")
    assert left.facts.provisional
    assert left.facts.metrics == head.facts.metrics
    assert same_weights(left, head), "figures, temperature and what is known are of the head's network"
    done = resume(tmp_path / "run", quiet=True)
    assert not done.facts.provisional
    assert not same_weights(done, head)
    assert len((done.path / "metrics.csv").read_text().splitlines()) == 3
