"""A run that knows what it learned: its features are a second output of every file, and decide alike on all of them."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.known import known_of
from edgelens.compress.learn.distill import DistillConfig
from edgelens.compress.learn.feature_maps import compared
from edgelens.compress.learn.finetune import FineTune
from edgelens.compress.network.graph import is_convolutional, trace
from edgelens.compress.network.knowing import Knowing
from edgelens.compress.network.tail import last_layers_and_pooling
from edgelens.compress.pipeline import compress_run
from edgelens.compress.prune.channels import prune_channels
from edgelens.compress.prune.iterative import PruneConfig
from edgelens.compress.quantize.observers import Observer
from edgelens.compress.search.budget import Budget
from edgelens.compress.search.search import SearchConfig, search_run
from edgelens.compress.search.space import Attempt
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
from edgelens.train.runs.outputs import SplitOutputs
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
    foreign, shares = strange(), []
    for file in knowing.manifest.main.files:
        kept = 1 - unknown(knowing, file.engine, file.precision, known).mean()
        taken = 1 - unknown(knowing, file.engine, file.precision, foreign).mean()
        shares.append((kept, taken))
    kept, taken = np.array(shares).T
    assert kept.min() > 0.85
    assert np.ptp(kept) <= 0.03
    assert taken.max() < 0.15
    assert np.ptp(taken) <= 0.05


PLAIN = CompressConfig(
    formats=("onnx",), precisions=("float32",), observer=Observer(), equalize=False, correct_bias=False,
    calibration_images=32,
)  # fmt: skip
PRUNED = PruneConfig(0.5, importance="magnitude", rounds=1, tuning=FineTune(epochs=4, rate=2e-3))


def strange() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 16, 16), np.uint8)


def test_a_search_ships_what_the_trained_network_knows(knowing: Bundle, tmp_path: Path) -> None:
    assert knowing.path is not None
    config = SearchConfig(Budget(), PLAIN, study=str(tmp_path / "s"), plans=(Attempt("trained"),))
    found = search_run(knowing.path.parent / "run", tmp_path / "x.edge", config).bundle
    entry = found.manifest.main.decode.options["known"]
    assert found.read(entry) == knowing.read(entry)


def test_a_pruned_network_knows_by_features_of_its_own(knowing: Bundle, digits_file: Path, tmp_path: Path) -> None:
    assert knowing.path is not None
    made = compress_run(knowing.path.parent / "run", tmp_path / "x.edge", dataclasses.replace(PLAIN, prune=PRUNED))
    network = made.bundle.manifest.main
    assert [output.name for output in network.outputs] == ["logits", "features"]
    assert network.outputs[1].shape < knowing.manifest.main.outputs[1].shape  # its last layer is narrower, too
    with np.load(digits_file) as stored:
        kept = 1 - unknown(made.bundle, "onnxruntime", "float32", stored["images"][:150]).mean()
    assert kept > 0.85
    assert unknown(made.bundle, "onnxruntime", "float32", strange()).mean() > 0.85
    assert not [note for note in made.card.notes if "score alone" in note]


def test_where_nothing_can_be_known_the_score_alone_tells_and_that_is_said(knowing: Bundle, tmp_path: Path) -> None:
    assert knowing.path is not None
    run = knowing.path.parent / "run"
    student = DistillConfig("mlp", ModelOptions(width=0.1), FineTune(epochs=0.1))
    made = compress_run(run, tmp_path / "x.edge", dataclasses.replace(PLAIN, distill=student, allow_mismatch=True))
    assert "known" not in made.bundle.manifest.main.decode.options
    said = "gives no features: what is unlike what it learned is told by the score alone"
    assert any(said in note for note in made.card.notes)
    made_of = ingredients_of(Run.open(run), PLAIN)
    strict = dataclasses.replace(made_of.run, config=dataclasses.replace(made_of.run.config, keep=0.9999))
    known, notes = known_of(
        copy.deepcopy(made_of.network), dataclasses.replace(made_of, run=strict), made_of.run.decode
    )
    assert known is None
    assert "right answers of the smaller network are too few" in notes[0]


def test_a_head_that_learned_every_photo_is_held_against_its_answers_to_others(knowing: Bundle, tmp_path: Path) -> None:
    assert knowing.path is not None
    shutil.copytree(knowing.path.parent / "run", tmp_path / "run")
    run = Run.open(tmp_path / "run")
    run.facts.metrics["judged"] = "train+val"  # type: ignore[index]
    run.write()
    run = Run.open(tmp_path / "run")
    labels = run.judged().labels
    logits = np.eye(10, dtype=np.float32)[labels] * np.linspace(4, 5, len(labels), dtype=np.float32)[:, None]
    stored = SplitOutputs.load(run.path)
    dataclasses.replace(stored, val={"logits": logits}).save(run.path)
    made_of = ingredients_of(run, PLAIN)
    known, _ = known_of(copy.deepcopy(made_of.network), made_of, run.decode)
    assert known is not None
    held = [name in set(made_of.validation.images.names) for name in run.judged_names]
    own = run_task(run).sureness({"logits": logits[held]}, run.decode)  # type: ignore[misc]
    assert known.scores.tolist() == np.sort(own.max(1)).tolist()


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
