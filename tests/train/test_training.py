"""A training from a data file to a run that can be used."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgelens.runtime.errors import DataError, EdgelensError, UsageError, WorkError
from edgelens.runtime.preprocess import TensorContract, to_tensor
from edgelens.runtime.preprocess import fit_frame as fit_pixels
from edgelens.train import Run, TrainConfig, fit, loop, resume
from edgelens.train.augment import Recipe, apply
from edgelens.train.augment.catalog import RECIPES
from edgelens.train.optimize.optimizers import make_optimizer
from edgelens.train.runs.checkpoint import State, load_state, save_state
from edgelens.train.runs.progress import Progress

TENSOR = TensorContract(layout="NCHW", dtype="float32", mean=(128.0,), std=(128.0,))


@pytest.fixture(scope="module")
def config(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    out = tmp_path_factory.mktemp("runs") / "mlp"
    return TrainConfig(
        str(digits), str(out), model="mlp", epochs=4, augment="none", precision="float32", threads=1, warmup=0
    )


@pytest.fixture(scope="module")
def run(config: TrainConfig) -> Run:
    return fit(config, quiet=True)


def answers(run: Run, split: str) -> tuple[torch.Tensor, np.ndarray]:
    """What the run's network says of a split, through the camera's pixel path."""
    images = run.split(split)
    pixels = np.stack([fit_pixels(images.image(i), run.pixels)[0] for i in range(len(images))])
    with torch.no_grad():
        return run.model()(torch.from_numpy(to_tensor(pixels, TENSOR))), images.labels


def test_a_run_learns_and_its_folder_says_how(run: Run) -> None:
    assert run.facts.metrics is not None
    assert run.facts.metrics["val_accuracy"] > 0.9
    with (run.path / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"]) / 2
    assert max(float(row["val_accuracy"]) for row in rows) == pytest.approx(run.facts.metrics["val_accuracy"], abs=1e-6)
    stored = json.loads((run.path / "run.json").read_text())
    assert stored["facts"]["environment"]["torch"] == torch.__version__
    assert (run.path / "report.html").stat().st_size > 1000


def test_the_best_recipe_ends_with_pictures_as_they_will_come(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[int, set[bool]] = {}

    def spied(recipe: Recipe, *args: Any, epoch: int, **more: Any) -> Any:
        seen.setdefault(epoch, set()).add(recipe.mixes or recipe.policy is not None or recipe.erasing is not None)
        return apply(recipe, *args, epoch=epoch, **more)

    monkeypatch.setattr("edgelens.train.tasks.classify.task.apply", spied)
    fit(replace(config, out=str(tmp_path / "run"), augment="best", epochs=8), quiet=True)
    assert {epoch: True in found for epoch, found in seen.items()} == {epoch: epoch < 6 for epoch in range(8)}
    assert RECIPES["default"].at(0.99) is RECIPES["default"]


def test_the_run_opened_again_is_the_same_and_usable(run: Run) -> None:
    again = Run.open(run.path)
    assert again == run
    logits, labels = answers(again, "val")
    assert run.facts.metrics is not None
    right = float((logits.argmax(1).numpy() == labels).mean())
    assert right == pytest.approx(run.facts.metrics["val_accuracy"])  # trainer and camera path agree image for image
    assert 0.05 < again.decode.options["temperature"] < 20
    assert 0 <= again.decode.threshold <= 1


def test_of_epochs_that_validate_alike_the_surest_is_kept(config: TrainConfig, tmp_path: Path) -> None:
    run = fit(replace(config, out=str(tmp_path / "run"), val=0.02, epochs=12), quiet=True)  # 36 pictures validate
    with (run.path / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    top = max(float(row["val_accuracy"]) for row in rows)
    alike = [row for row in rows if float(row["val_accuracy"]) == top]
    assert len(alike) > 1
    surest = min(alike, key=lambda row: float(row["val_loss"]))
    assert surest is not alike[0]
    assert run.facts.metrics is not None
    assert run.facts.metrics["best_epoch"] == int(surest["epoch"])


@pytest.mark.parametrize(("val", "goes_back"), [(0.4, False), (0.1, True)])  # 719 pictures can tell, 180 cannot
def test_many_pictures_say_whether_an_average_goes_back_halfway(
    config: TrainConfig, tmp_path: Path, val: float, *, goes_back: bool
) -> None:
    run = fit(replace(config, out=str(tmp_path / "run"), val=val, epochs=6, ema=0.9, halfway=True), quiet=True)
    went_back = (run.facts.metrics or {})["val_loss"] > 0.4  # random weights know nothing; .1 without them
    assert went_back is goes_back


def test_splits_are_stored_and_do_not_overlap(run: Run) -> None:
    train, val = run.split("train"), run.split("val")
    assert not set(train.names) & set(val.names)
    assert len(train) + len(val) == 1797
    assert len(val) == pytest.approx(0.15 * 1797, abs=10)


def test_a_finished_run_is_not_trained_again(run: Run) -> None:
    before = (run.path / "best.safetensors").stat().st_mtime_ns
    assert resume(run.path, quiet=True) == run
    assert (run.path / "best.safetensors").stat().st_mtime_ns == before


def test_a_run_is_not_overwritten_unasked(run: Run, config: TrainConfig) -> None:
    with pytest.raises(UsageError, match="holds a run already"):
        fit(config, quiet=True)


def test_of_a_run_that_is_overwritten_nothing_stays(run: Run, config: TrainConfig, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(run.path, out)
    there = {file.name for file in out.iterdir()}
    with pytest.raises(DataError, match="no such file"):
        fit(replace(config, out=str(out), data="/nowhere"), quiet=True, overwrite=True)
    assert {file.name for file in out.iterdir()} == there
    with np.load(config.data) as stored:
        np.savez(tmp_path / "odd.npz", images=stored["images"], labels=stored["labels"] % 2)

    def early(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(loop, "best_of", early)
        fit(replace(config, out=str(out), data=str(tmp_path / "odd.npz")), quiet=True, overwrite=True)
    assert Run.open(out).classes == ("0", "1")
    assert {file.name for file in out.iterdir() if not file.name.startswith("events")} == {
        "run.json", "splits.npz", "check.json", "last.pt",
    }  # fmt: skip
    with pytest.raises(DataError, match="no epoch was finished"):
        Run.open(out).model()


def test_without_pictures_to_validate_on_the_figure_is_of_the_training_images(
    config: TrainConfig, tmp_path: Path
) -> None:
    run = fit(replace(config, out=str(tmp_path / "run"), val=0.0, share=0.1, epochs=2), quiet=True)
    metrics, images = run.facts.metrics, run.facts.data["images"]
    assert metrics is not None
    assert (metrics["judged"], images["val"]) == ("train", 0)
    assert run.judged_count == len(run.judged()) == images["train"] == metrics["val"]["images"]
    assert "the very images that it learned" in metrics["basis"]
    assert "training images: answers" in (run.path / "report.html").read_text()


def test_the_same_seed_gives_the_same_weights(run: Run, config: TrainConfig, tmp_path: Path) -> None:
    twin = fit(replace(config, out=str(tmp_path / "twin")), quiet=True)
    other = fit(replace(config, out=str(tmp_path / "other"), seed=1), quiet=True)
    same = zip(run.model().parameters(), twin.model().parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    assert not torch.equal(next(run.model().parameters()), next(other.model().parameters()))


@pytest.mark.parametrize("optimizer", ["gd", "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_optimizer_learns(optimizer: str, config: TrainConfig, tmp_path: Path) -> None:
    epochs = 60 if optimizer == "gd" else 4
    asked = replace(config, out=str(tmp_path / "run"), optimizer=optimizer, epochs=epochs, schedule="constant")
    trained = fit(asked, quiet=True)
    assert trained.facts.metrics is not None
    assert trained.facts.metrics["val_accuracy"] > 0.7, optimizer


@pytest.mark.parametrize("optimizer", ["momentum", "nesterov", "adam", "adamw"])
def test_an_optimizer_may_have_no_momentum(optimizer: str) -> None:
    layer = torch.nn.Linear(2, 1)
    step = make_optimizer(optimizer, layer, momentum=0.0)
    torch.autograd.backward(layer(torch.ones(1, 2)).sum())
    before = layer.weight.clone()
    step.step()
    assert not torch.equal(layer.weight, before)


@pytest.mark.parametrize("loss", ["cross-entropy", "squared", "bce", "focal"])
def test_every_loss_learns(loss: str, config: TrainConfig, tmp_path: Path) -> None:
    trained = fit(replace(config, out=str(tmp_path / "run"), loss=loss, epochs=3, rate=0.005), quiet=True)
    assert trained.facts.metrics is not None
    assert trained.facts.metrics["val_accuracy"] > 0.85


def test_full_batch_descent_takes_one_step_an_epoch(config: TrainConfig, tmp_path: Path) -> None:
    trained = fit(replace(config, out=str(tmp_path / "run"), model="linear", optimizer="gd", epochs=3), quiet=True)
    assert len((trained.path / "steps.csv").read_text().splitlines()) == 1 + 3


def test_the_live_line_counts_the_steps_that_are_taken(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[tuple[int, int]] = []

    def step(self: Progress, done: int, _images: int, _loss: float) -> None:
        counted.append((done, self.epochs * self.steps))

    monkeypatch.setattr(Progress, "step", step)
    fit(replace(config, out=str(tmp_path / "run"), model="linear", optimizer="gd", epochs=3), quiet=True)
    assert counted == [(1, 3), (2, 3), (3, 3)]


def test_average_l1_clipping_smoothing_and_early_stopping_together(config: TrainConfig, tmp_path: Path) -> None:
    asked = replace(
        config, out=str(tmp_path / "run"), ema=0.9, l1=1e-5, clip=1.0, label_smoothing=0.1, patience=1, epochs=60
    )
    trained = fit(asked, quiet=True)
    assert trained.facts.metrics is not None
    assert trained.facts.metrics["val_accuracy"] > 0.9
    epochs = trained.facts.metrics["epochs"]
    assert epochs < 60  # it stopped by itself
    replace(trained, facts=replace(trained.facts, metrics=None)).write()  # as one that is killed before its report
    assert (resume(trained.path, quiet=True).facts.metrics or {})["epochs"] == epochs, "not one more"


def test_l1_makes_weights_small(run: Run, config: TrainConfig, tmp_path: Path) -> None:
    sparse = fit(replace(config, out=str(tmp_path / "run"), l1=1e-3), quiet=True)

    def size(of: Run) -> float:
        return sum(float(p.detach().abs().sum()) for p in of.model().parameters())

    assert size(sparse) < 0.8 * size(run)


def test_distillation_learns_from_a_teacher_whatever_the_labels_say(
    run: Run, config: TrainConfig, tmp_path: Path
) -> None:
    with np.load(config.data) as stored:
        wrong = np.random.default_rng(0).permutation(stored["labels"])
        np.savez(tmp_path / "wrong.npz", images=stored["images"], labels=wrong)
    asked = replace(config, data=str(tmp_path / "wrong.npz"), out=str(tmp_path / "student"), rate=0.005, epochs=6)
    student = fit(replace(asked, teacher=str(run.path), teacher_share=1.0), quiet=True)
    teacher_says, truth = answers(run, "val")
    network = student.model()
    images = run.split("val")
    pixels = np.stack([fit_pixels(images.image(i), run.pixels)[0] for i in range(len(images))])
    with torch.no_grad():
        student_says = network(torch.from_numpy(to_tensor(pixels, TENSOR)))
    assert float((teacher_says.argmax(1) == student_says.argmax(1)).float().mean()) > 0.85
    assert float((student_says.argmax(1).numpy() == truth).mean()) > 0.85


def test_a_teacher_of_other_classes_is_refused(run: Run, config: TrainConfig, tmp_path: Path) -> None:
    with np.load(config.data) as stored:
        keep = stored["labels"] < 5
        np.savez(tmp_path / "half.npz", images=stored["images"][keep], labels=stored["labels"][keep])
    asked = replace(config, data=str(tmp_path / "half.npz"), out=str(tmp_path / "run"), teacher=str(run.path))
    with pytest.raises(UsageError, match="knows other classes"):
        fit(asked, quiet=True)


def test_rare_classes_are_learned_with_the_remedies(config: TrainConfig, tmp_path: Path) -> None:
    with np.load(config.data) as stored:
        keep = (stored["labels"] != 3) | (np.cumsum(stored["labels"] == 3) <= 30)
        np.savez(tmp_path / "rare.npz", images=stored["images"][keep], labels=stored["labels"][keep])
    recalls = {}
    for method in ("none", "weights", "balanced", "focal"):
        asked = replace(config, data=str(tmp_path / "rare.npz"), out=str(tmp_path / method), model="linear", epochs=3)
        trained = fit(replace(asked, imbalance=method), quiet=True)
        assert trained.facts.metrics is not None
        recalls[method] = trained.facts.metrics["val"]["classes"][3]["recall"]
    assert max(recalls["weights"], recalls["balanced"]) > recalls["none"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "resnet9"}, "no such network"),
        ({"optimizer": "adamx"}, "must be one of"),
        ({"schedule": "zigzag"}, "must be one of"),
        ({"loss": "hinge"}, "must be one of"),
        ({"precision": "float8"}, "must be auto"),
        ({"task": "dance"}, "must be one of"),
        ({"model": "cnn-small", "size": (6, 6)}, "at least 10 pixels"),
        ({"data": "/nowhere"}, "no such file"),
        ({"teacher": "/nowhere"}, "is no run"),
        ({"freeze": ("nose",)}, "no such layer"),
        ({"freeze": ("dense", "classifier")}, "every layer is frozen"),
    ],
)
def test_what_does_not_fit_is_one_line(
    config: TrainConfig, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(EdgelensError, match=message) as caught:
        fit(replace(config, out=str(tmp_path / "run"), **change), quiet=True)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_folder_that_cannot_be_written_is_noticed_before_training(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        fit(replace(config, out=str(tmp_path / "file" / "run")), quiet=True)


def test_a_full_disk_is_noticed_before_training(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(WorkError, match="make room"):
        fit(replace(config, out=str(tmp_path / "run")), quiet=True)


def test_a_damaged_checkpoint_is_one_line(run: Run, tmp_path: Path) -> None:
    network = run.network()
    state = State(network, torch.optim.SGD(network.parameters(), 0.1))
    file = tmp_path / "last.pt"
    save_state(state, file)
    whole = file.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], b"\x00" * 100):
        with pytest.raises(DataError, match="is no checkpoint"):
            load_state(state, broken, file)
    load_state(state, whole, file)


def test_damaged_runs_are_one_line(run: Run, tmp_path: Path) -> None:
    for text in ("", "[]", "{}", '{"schema": 99}', '{"schema": 1, "config": {"x": 1}, "facts": {"classes": []}}'):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(DataError, match=r"run\.json"):
            Run.open(tmp_path)
    (tmp_path / "run.json").write_bytes((run.path / "run.json").read_bytes())
    with pytest.raises(DataError, match="no epoch was finished"):
        Run.open(tmp_path).model()
    (tmp_path / "best.safetensors").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="is not this run's weights"):
        Run.open(tmp_path).model()


def test_pictures_of_one_pixel_are_enlarged_with_a_warning(tmp_path: Path) -> None:
    images, labels = np.zeros((20, 1, 1, 3), np.uint8), np.arange(20) % 2
    images[labels == 1] = 200
    np.savez(tmp_path / "dots.npz", images=images, labels=labels)
    config = TrainConfig(
        str(tmp_path / "dots.npz"), str(tmp_path / "run"), epochs=1, augment="none", precision="float32", threads=1
    )
    run = fit(config, quiet=True)
    assert (run.pixels.height, run.pixels.width) == (4, 4)
    assert len(json.loads((run.path / "check.json").read_text())["tiny"]) == 20


def test_steps_of_one_picture_are_refused_where_a_normalisation_has_nothing_to_go_by(tmp_path: Path) -> None:
    photos = tmp_path / "photos.npz"
    images = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), np.uint8)
    np.savez(photos, images=images, labels=np.arange(12) % 2)
    asked = TrainConfig(
        str(photos), str(tmp_path / "run"), model="lite0", scratch=True, size=(32, 32), batch=1, epochs=1, threads=1,
        precision="float32", augment="none",
    )  # fmt: skip
    with pytest.raises(UsageError, match="--batch 1: makes steps of one picture of 10, of which lite0 has maps of one"):
        fit(asked, quiet=True)
    assert fit(replace(asked, model="lens-s"), quiet=True).facts.metrics is not None
