"""Starting from weights that are there, and freezing layers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.errors import DataError, UsageError
from edgelens.train import Run, TrainConfig, fit
from edgelens.train.config import AUTO
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.opening.choice import with_network
from edgelens.train.start.earlier import origin
from edgelens.train.start.transfer import Taken, freeze, start_from, train_mode
from edgelens.train.task import Looks


@pytest.fixture(scope="module")
def run(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = TrainConfig(
        str(digits),
        str(tmp_path_factory.mktemp("runs") / "all"),
        model="resnet8",
        epochs=3,
        augment="none",
        precision="float32",
        threads=1,
    )
    return fit(config, quiet=True)


@pytest.fixture(scope="module")
def evens(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few pictures of the even digits only."""
    path = tmp_path_factory.mktemp("data") / "evens.npz"
    with np.load(digits) as stored:
        keep = np.flatnonzero(stored["labels"] % 2 == 0)[:150]
        names = np.array(["zero", "two", "four", "six", "eight"])[stored["labels"][keep] // 2]
        np.savez(path, images=stored["images"][keep], labels=names)
    return path


def test_few_pictures_learn_faster_from_an_earlier_run(run: Run, evens: Path, tmp_path: Path) -> None:
    scratch = replace(run.config, data=str(evens), out=str(tmp_path / "scratch"), epochs=4, val=0.4)
    started = replace(scratch, out=str(tmp_path / "started"), start=str(run.path))
    accuracies = [fit(config, quiet=True).facts.metrics for config in (scratch, started)]
    assert accuracies[0] is not None
    assert accuracies[1] is not None
    assert accuracies[1]["val_accuracy"] > accuracies[0]["val_accuracy"]


def test_a_run_to_start_from_says_which_network(run: Run, evens: Path, tmp_path: Path) -> None:
    open_choice = replace(run.config, data=str(evens), out=str(tmp_path), start=str(run.path), model=AUTO)
    shown = load_images(evens)
    config, why = with_network(open_choice, shown)
    assert (config.model, config.options) == (run.config.model, run.config.options)
    assert why == f"{run.config.model}, as {run.path} is; --model chooses another"
    # what only shares the kit may have no maps of several sizes: a detector takes its own
    detector, _ = with_network(replace(open_choice, task="detect"), shown, Looks(small="lens-det-s"))
    assert detector.model == "lens-det-s"
    file = str(run.path / "best.safetensors")
    assert with_network(replace(open_choice, start=file), shown)[0].model == "lens-s"


def test_where_weights_come_from_is_carried_on_without_folders_of_this_machine(
    run: Run, evens: Path, tmp_path: Path
) -> None:
    first = replace(run, path=tmp_path / "r4", facts=replace(run.facts, started="ImageNet (Apache-2.0): 9 tensors"
                    " taken over, drawn anew: classifier.weight"))  # fmt: skip
    shutil.copytree(run.path, first.path)
    first.write()
    for start in (first.path, first.path / "best.safetensors"):
        config = replace(run.config, data=str(evens), out=str(tmp_path / f"from-{start.name}"), start=str(start))
        said = fit(replace(config, epochs=1), quiet=True).facts.started or ""
        assert said.startswith("a run of the kit (r4), which started from ImageNet (Apache-2.0): ")
        assert str(tmp_path) not in said
    old = replace(first, config=replace(run.config, start="/home/anna/r3"),
                  facts=replace(run.facts, started="/home/anna/r3: 9 tensors taken over"))  # fmt: skip
    assert old.started == "r3: 9 tensors taken over"
    old.write()
    assert origin(str(first.path)) == "a run of the kit (r4), which started from r3"


def test_pictures_that_the_first_weights_had_learned_are_told_of(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = replace(run.config, out=str(tmp_path / "again"), start=str(run.path), epochs=1, share=0.1)
    assert (fit(again, quiet=True).facts.metrics or {})["basis"] == "answers of the best epoch"
    other = fit(replace(again, out=str(tmp_path / "other"), seed=1))
    known = other.facts.data["known_before"]
    assert f"warning: {known:,} of the {other.judged_count:,} images that validate were learned by" in (
        capsys.readouterr().err
    )
    assert 0.7 < known / other.judged_count < 1
    assert (other.facts.metrics or {})["basis"].endswith(f"; the run that it starts from had learned {known:,} of them")
    once_more = replace(again, out=str(tmp_path / "more"), seed=1, start=str(other.path))
    assert fit(once_more, quiet=True).facts.data["known_before"] == other.judged_count


def test_frozen_layers_stay_and_the_head_learns(run: Run, evens: Path, tmp_path: Path) -> None:
    config = replace(run.config, data=str(evens), out=str(tmp_path / "run"), start=str(run.path))
    frozen = fit(replace(config, freeze=("backbone",)), quiet=True)
    before, after = run.model().state_dict(), frozen.model().state_dict()
    for name, tensor in after.items():
        if not name.startswith("classifier."):
            assert torch.equal(tensor, before[name]), name  # normalisation statistics too
    assert after["classifier.weight"].shape == (5, 64)


def test_a_safetensors_file_serves_too(run: Run) -> None:
    network = run.network()
    taken = start_from(network, str(run.path / "best.safetensors"))
    assert taken.anew == ()
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), run.model().parameters(), strict=True))


def test_gray_weights_serve_colour_and_back(run: Run) -> None:
    colour = build("resnet8", ModelOptions(), channels=3, classes=10, size=(8, 8)).eval()
    start_from(colour, str(run.path))
    gray = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(colour(gray.expand(-1, 3, -1, -1)), run.model()(gray), atol=1e-4)


def test_nan_weights_are_one_line(run: Run, tmp_path: Path) -> None:
    tensors = safetensors.torch.load_file(run.path / "best.safetensors")
    tensors["classifier.weight"][0, 0] = torch.nan
    safetensors.torch.save_file(tensors, tmp_path / "bad.safetensors")
    with pytest.raises(DataError, match=r"classifier\.weight holds NaN") as caught:
        fit(replace(run.config, out=str(tmp_path / "run"), start=str(tmp_path / "bad.safetensors")), quiet=True)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "run").exists()  # nothing half-made is left


def test_what_does_not_fit_is_one_line(run: Run, tmp_path: Path) -> None:
    other = build("mlp", ModelOptions(), channels=1, classes=10, size=(8, 8))
    with pytest.raises(DataError, match="fits 1 of this network's 6") as caught:
        start_from(other, str(run.path), model="mlp")
    assert str(caught.value).endswith("--model resnet8 goes on with it")
    with pytest.raises(DataError, match=r"of resnet8 .--task classify.; lite0 starts from runs of lite0") as caught:
        start_from(other, str(run.path), model="lite0", task="detect")
    assert "--model resnet8" not in str(caught.value), "a detector cannot be one"
    with pytest.raises(DataError, match="take the --model, --width and --size"):
        start_from(other, str(run.path), model="resnet8")
    with pytest.raises(UsageError, match="there is no"):
        start_from(other, str(tmp_path / "none"))
    (tmp_path / "weights.pt").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"\.safetensors"):
        start_from(other, str(tmp_path / "weights.pt"))
    (tmp_path / "cut.safetensors").write_bytes((run.path / "best.safetensors").read_bytes()[:1000])
    with pytest.raises(DataError, match="no safetensors file"):
        start_from(other, str(tmp_path / "cut.safetensors"))


def test_frozen_normalisation_keeps_its_statistics_in_training() -> None:
    network = build("resnet8", ModelOptions(), channels=1, classes=2, size=(8, 8))
    assert freeze(network, ["layers.0"]) == 1 * 16 * 9 + 32
    train_mode(network)
    states = {name: m.training for name, m in network.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert not states.pop("layers.0.0.1")
    assert all(states.values())


def test_what_is_drawn_anew_is_named_tensor_by_tensor_only_while_it_is_little() -> None:
    assert str(Taken(9, ("head.weight", "head.bias"))) == "9 tensors taken over, drawn anew: head.weight, head.bias"
    many = tuple(f"{part}.{number}.weight" for part in ("neck", "head") for number in range(5))
    assert str(Taken(9, many)) == "9 tensors taken over, 10 drawn anew, in head, neck"
