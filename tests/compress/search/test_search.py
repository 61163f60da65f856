"""The budget search: never a file outside the budget, said plainly when nothing fits, resumed where it stopped."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.progress import Progress
from edgelens.compress.quantize.observers import Observer
from edgelens.compress.search import search
from edgelens.compress.search.budget import Budget, Cost
from edgelens.compress.search.candidates import Recovery, bare_network, estimate, file_bytes, seen_by
from edgelens.compress.search.front import mark_front
from edgelens.compress.search.search import SearchConfig, search_run
from edgelens.compress.search.space import Attempt, attempts_of
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.config import BACKBONE, TrainConfig
from edgelens.train.models.options import ModelOptions
from edgelens.train.tasks.catalog import make_network

PLAIN = CompressConfig(
    formats=("onnx",), precisions=("int8",), observer=Observer(), equalize=False, correct_bias=False,
    calibration_images=32,
)  # fmt: skip
WEIGHTS = Path(__file__).resolve().parents[3] / "benchmarks" / "weights"
LESSON = Recovery(short=0.5, long=1.0, short_steps=5, long_steps=20)


@pytest.mark.parametrize(
    ("minutes", "said"), [(2 / 3, "0.67 minutes"), (2.5, "2.5 minutes"), (15.0, "15 minutes"), (240.0, "240 minutes")]
)
def test_the_time_is_said_in_round_numbers(minutes, said):
    assert SearchConfig(Budget(), minutes=minutes).time_words == said


def test_limits_are_read_with_their_units():
    budget = Budget.parse(max_latency="15ms", max_size="100KB", max_memory="20MB", max_drop=0.5)
    assert (budget.latency_ms, budget.size_bytes, budget.memory_mb) == (15.0, 100_000, 20.0)
    assert budget.least_accuracy(0.9) == pytest.approx(0.895)
    assert Budget.parse(max_size="0.5b").excess(Cost(0.9, 100, 1.0), 0.9).keys() == {"size"}
    for wrong in ("15", "fast", "-3ms", "0ms"):
        with pytest.raises(UsageError, match="--max-latency"):
            Budget.parse(max_latency=wrong)
    for limit in ({"max_drop": float("nan")}, {"max_drop": -1.0}, {"min_accuracy": float("nan")}):
        with pytest.raises(UsageError, match=r"--max-drop|--min-accuracy"):
            Budget.parse(**limit)


def test_a_measured_latency_needs_a_margin_a_predicted_one_has_its_own():
    budget = Budget(latency_ms=10.0, size_bytes=100, min_accuracy=0.9)
    assert budget.excess(Cost(0.95, 100, 9.9), 1.0).keys() == {"latency"}
    assert not budget.excess(Cost(0.95, 100, 9.9, predicted_ms=6.0), 1.0)
    assert budget.excess(Cost(0.95, 100, 10.1, predicted_ms=6.0), 1.0).keys() == {"latency"}
    assert budget.excess(Cost(0.85, 101, 1.0), 1.0).keys() == {"size", "accuracy"}


def test_the_front_holds_what_nothing_beats():
    rows = [
        {"accuracy": 0.9, "size": 10, "latency_ms": 1.0},
        {"accuracy": 0.9, "size": 12, "latency_ms": 1.0},
        {"accuracy": 0.8, "size": 5, "latency_ms": 2.0},
    ]
    assert [row["front"] for row in mark_front(rows)] == [True, False, True]


def test_the_trained_network_is_taken_where_it_fits(run_folder, tmp_path):
    config = SearchConfig(Budget.parse(max_size="1MB", max_drop=5.0), PLAIN, study=str(tmp_path / "s"), recovery=LESSON)
    found = search_run(run_folder, tmp_path / "x.edge", config)
    assert [row["candidate"] for row in found.card.extra["search"]["points"]] == ["as trained"]
    assert len(found.bundle.manifest.main.files) == 1
    assert "Pareto front" not in found.card.to_markdown().decode()
    assert found.report.count("<img") >= 2


def test_a_smaller_network_is_found_and_the_study_is_resumed(run_folder, tmp_path, compressed):
    whole = len(compressed.bundle.read("models/main.int8.onnx"))
    budget = Budget(size_bytes=int(whole * 0.85), min_accuracy=None)
    plans = (Attempt("trained"), Attempt("pruned", 0.5))
    config = SearchConfig(budget, PLAIN, study=str(tmp_path / "s"), recovery=LESSON, plans=plans)
    found = search_run(run_folder, tmp_path / "x.edge", config)
    assert found.bundle.manifest.main.files[0].bytes <= budget.size_bytes
    assert found.bundle.manifest.main.feature_space != compressed.bundle.manifest.main.feature_space
    progress = Progress(quiet=True)
    again = search_run(run_folder, tmp_path / "y.edge", config, progress=progress)
    assert not any("recovery:" in what for what in progress.seconds)
    assert again.parity == found.parity
    taught = dataclasses.replace(config, compress=dataclasses.replace(PLAIN, teacher=str(run_folder)))
    search_run(run_folder, tmp_path / "z.edge", taught, progress=progress)
    assert any("recovery:" in what for what in progress.seconds)  # candidates of another teacher are others


def test_a_narrower_network_gives_its_features_too(run_folder, tmp_path):
    plans = (Attempt("narrower", 0.5),)
    config = SearchConfig(Budget(), PLAIN, study=str(tmp_path / "s"), recovery=LESSON, plans=plans)
    found = search_run(run_folder, tmp_path / "x.edge", config)
    assert [output.name for output in found.bundle.manifest.main.outputs] == ["logits", "features"]


@pytest.mark.parametrize(("task", "model"), [("classify", "resnet8"), ("detect", "lens-det-s"), ("read", "reader")])
def test_a_smaller_picture_is_tried_where_it_is_answered_in_the_same_shape(run, task, model):
    facts = dataclasses.replace(run.facts, pixels=PixelContract(64, 64, "rgb", "crop"))
    other = dataclasses.replace(run, config=dataclasses.replace(run.config, task=task, model=model), facts=facts)
    assert any(plan.side < 1 for plan in attempts_of(other)) == (task == "classify")


@pytest.mark.parametrize("start", [BACKBONE, "runs/earlier", None])
def test_what_has_seen_the_world_is_cut_not_begun_anew_and_the_largest_comes_first(run, start):
    facts = dataclasses.replace(run.facts, pixels=PixelContract(160, 160, "rgb", "crop"))
    config = dataclasses.replace(run.config, model="lite0", options=ModelOptions(), start=start)
    plans = attempts_of(dataclasses.replace(run, config=config, facts=facts))
    assert {plan.kind for plan in plans} == {"trained", "pruned", "front"}
    assert [plan.kind for plan in plans[:3]] == ["trained", "pruned", "front"]
    assert [plan.left for plan in plans] == sorted((plan.left for plan in plans), reverse=True)
    own = attempts_of(dataclasses.replace(run, facts=facts))
    assert {plan.kind for plan in own} == {"trained", "pruned", "narrower"}


@pytest.mark.parametrize("model", ["lens-s", "lens-m", "resnet8"])
def test_a_files_size_is_known_before_it_is_made(model):
    network = make_network(TrainConfig("photos", "run", model=model), tuple("abcdefghij"), PixelContract(32, 32))
    assert file_bytes(network) == pytest.approx((WEIGHTS / f"{model}.int8.tflite").stat().st_size, rel=0.03)


def test_a_smaller_picture_is_looked_at_with_the_trained_weights(run):
    made_of = ingredients_of(run, CompressConfig())
    seen = seen_by(Attempt("pruned", 1.0, 0.5), made_of)
    network = bare_network(Attempt("pruned", 1.0, 0.5), seen, None)
    assert estimate(network, seen.pixels).macs < 0.5 * estimate(made_of.network, made_of.pixels).macs
    trained = made_of.network.state_dict()
    own = network.state_dict()
    same = [torch.equal(own[name], trained[name]) for name in trained if own[name].shape == trained[name].shape]
    assert len(same) > len(trained) / 2 and all(same)


def test_first_stages_alone_have_the_trained_weights_and_a_head_of_their_own(run):
    config = dataclasses.replace(run.config, model="lite0", options=ModelOptions(), start=BACKBONE)
    torch.manual_seed(0)
    network = make_network(config, run.classes, run.pixels).eval()
    made_of = dataclasses.replace(
        ingredients_of(run, CompressConfig()), run=dataclasses.replace(run, config=config), network=network
    )
    lesson = lesson_of(made_of.run, made_of.training_pictures(), made_of.pixels)
    front = bare_network(Attempt("front"), made_of, lesson)
    assert estimate(front, run.pixels).parameters < 0.25 * estimate(network, run.pixels).parameters
    trained = network.state_dict()
    trunk = {name: value for name, value in front.state_dict().items() if name.startswith("layers.trunk.")}
    assert trunk and all(torch.equal(value, trained[name]) for name, value in trunk.items())
    inputs, targets = next(lesson.plain(64))
    assert (front(inputs).argmax(1) == targets.argmax(1)).float().mean() > 0.5  # of ten kinds
    half = bare_network(Attempt("front", 0.5), made_of, None)
    assert estimate(half, run.pixels).macs <= 0.5 * estimate(front, run.pixels).macs


def test_a_smaller_picture_is_calibrated_on_the_pictures_that_were_given(run, tmp_path):
    for shade in (90, 200):
        cv2.imwrite(str(tmp_path / f"{shade}.png"), np.full((20, 20, 3), shade, np.uint8))
    made_of = ingredients_of(run, CompressConfig(calibrate=str(tmp_path)))
    smaller = seen_by(Attempt("narrower", 1.0, 0.5), made_of)
    assert smaller.calibration.shape == (2, 8, 8, 1)
    assert smaller.evaluation is smaller.validation, "the card says of them that they had a say in choices"
    assert {int(picture.max()) for picture in smaller.calibration} == {90, 200}


def test_candidates_learn_from_who_taught_the_network(run_folder, tmp_path, capsys):
    taught = tmp_path / "taught"
    shutil.copytree(run_folder, taught)
    told = json.loads((taught / "run.json").read_text())
    told["config"]["teacher"] = str(run_folder)
    (taught / "run.json").write_text(json.dumps(told))
    config = SearchConfig(Budget(), PLAIN, study=str(tmp_path / "s"), plans=(Attempt("trained"),))
    search_run(taught, tmp_path / "x.edge", config, progress=Progress())
    assert f"candidates learn from {run_folder}, which taught this network" in capsys.readouterr().err
    told["config"]["teacher"] = str(tmp_path / "gone")
    (taught / "run.json").write_text(json.dumps(told))
    search_run(taught, tmp_path / "x.edge", config, progress=Progress())
    assert "candidates learn from" not in capsys.readouterr().err


def test_a_recovery_ends_with_the_time_and_what_was_cut_short_is_no_part_of_the_study(run_folder, tmp_path, capsys):
    endless = Recovery(short=0.5, long=1.0, short_steps=10**7, long_steps=10**7)
    plans = (Attempt("trained"), Attempt("pruned", 0.5))
    config = SearchConfig(
        Budget(min_accuracy=1.0), PLAIN, study=str(tmp_path / "s"), recovery=endless, plans=plans, minutes=0.2
    )
    with pytest.raises(WorkError, match="no candidate keeps"):
        search_run(run_folder, tmp_path / "x.edge", config, progress=Progress())
    assert not [*(tmp_path / "s").rglob("*.pt")]
    said = capsys.readouterr().err
    assert "is cut short after" in said or "not begun" in said

    hasty = dataclasses.replace(config, minutes=1e-6, plans=(*plans, Attempt("pruned", 0.25)))
    with pytest.raises(WorkError, match="no candidate keeps"):
        search_run(run_folder, tmp_path / "x.edge", hasty, progress=Progress())
    assert "are not begun; run it again to go on" in capsys.readouterr().err


def test_a_time_too_short_still_ends_with_a_file_that_fits(run_folder, tmp_path, compressed):
    size = int(len(compressed.bundle.read("models/main.int8.onnx")) * 0.85)
    plans = (Attempt("trained"), Attempt("pruned", 0.5), Attempt("pruned", 0.25))
    config = SearchConfig(
        Budget(size_bytes=size), PLAIN, study=str(tmp_path / "s"), recovery=LESSON, plans=plans, minutes=1e-6
    )
    found = search_run(run_folder, tmp_path / "x.edge", config)
    assert found.bundle.manifest.main.files[0].bytes <= size


def test_what_was_not_begun_is_tried_where_nothing_that_was_fits(run_folder, tmp_path, compressed, monkeypatch):
    monkeypatch.setattr(search, "file_bytes", lambda _: 0)  # estimates that promise too much
    monkeypatch.setattr(search, "SHORT_UNTIL", 0.0)  # no time but for the first
    size = int(len(compressed.bundle.read("models/main.int8.onnx")) * 0.5)
    plans = (Attempt("trained"), Attempt("pruned", 0.75), Attempt("pruned", 0.15))
    config = SearchConfig(Budget(size_bytes=size), PLAIN, study=str(tmp_path / "s"), recovery=LESSON, plans=plans)
    found = search_run(run_folder, tmp_path / "x.edge", config)
    tried = [row["candidate"] for row in found.card.extra["search"]["points"]]
    assert tried == ["as trained", "pruned to 75% of the multiply-adds", "pruned to 15% of the multiply-adds"]
    assert found.bundle.manifest.main.files[0].bytes <= size


def test_of_what_was_left_out_the_nearest_is_said(run_folder, tmp_path):
    plans = (Attempt("trained"), Attempt("pruned", 0.5), Attempt("pruned", 0.15))
    config = SearchConfig(Budget.parse(max_size="1KB"), PLAIN, study=str(tmp_path / "s"), recovery=LESSON, plans=plans)
    said = r"of those left out pruned to 15% of the multiply-adds comes nearest, about [\d,]+ bytes in 8 bits; nothing"
    with pytest.raises(WorkError, match=said):
        search_run(run_folder, tmp_path / "x.edge", config)


def test_what_cannot_be_done_is_said_with_how_near_it_came(run_folder, tmp_path):
    config = SearchConfig(
        Budget.parse(max_size="3KB", min_accuracy=0.5), PLAIN, study=str(tmp_path / "s"), recovery=LESSON,
        plans=(Attempt("trained"),),
    )  # fmt: skip
    with pytest.raises(WorkError) as caught:
        search_run(run_folder, tmp_path / "x.edge", config)
    assert "no candidate keeps" in str(caught.value)
    assert "as trained as int8 ONNX" in str(caught.value)
    assert not (tmp_path / "x.edge").exists()


def test_a_file_that_answers_something_else_is_none_that_fits(run_folder, tmp_path, capsys):
    config = dataclasses.replace(
        PLAIN, precisions=("int8", "float16"), observer=Observer("percentile", 75.0), calibration_images=16
    )
    search_config = SearchConfig(Budget(size_bytes=100_000), config, plans=(Attempt("trained"),))
    made = search_run(run_folder, tmp_path / "x.edge", search_config, progress=Progress())
    assert "int8 ONNX answers something else" in capsys.readouterr().err
    assert {file.precision for file in made.bundle.manifest.main.files} == {"float16"}


def test_where_every_file_answers_something_else_that_is_the_reason(run_folder, tmp_path):
    config = dataclasses.replace(PLAIN, observer=Observer("percentile", 75.0), calibration_images=16, mixed=1)
    search_config = SearchConfig(Budget(size_bytes=100_000), config, plans=(Attempt("trained"),))
    with pytest.raises(WorkError, match="no file could be measured: as trained: int8 ONNX answers something else"):
        search_run(run_folder, tmp_path / "x.edge", search_config)


def test_memory_is_the_peak_above_the_idle_engine(compressed):
    from edgelens.compress.export.artifact import Artifact
    from edgelens.compress.search.memory import memory_mb

    file = next(f for f in compressed.bundle.manifest.main.files if f.path.endswith("int8.tflite"))
    found = memory_mb(Artifact("tflite", "int8", compressed.bundle.read(file.path), file.tensor, file.outputs))
    assert 0 <= found < 60


def test_memory_and_its_limit_are_counted_alike(monkeypatch):
    from edgelens.compress.export.artifact import FLOAT_PIXELS, Artifact
    from edgelens.compress.search.memory import memory_mb

    def kernel(command, **_: object):
        return subprocess.CompletedProcess(command, 0, "19600\n", "")  # KiB, as the kernel says them

    monkeypatch.setattr("edgelens.compress.search.memory.subprocess.run", kernel)
    found = memory_mb(Artifact("tflite", "int8", b"", FLOAT_PIXELS, ()))
    assert Budget.parse(max_memory="20MB").excess(Cost(0.9, 1, 1.0, found), 0.9).keys() == {"memory"}
    assert not Budget.parse(max_memory="20MiB").excess(Cost(0.9, 1, 1.0, found), 0.9)


def test_a_predicted_latency_is_refused_by_the_end_of_its_interval_which_is_said(run_folder, tmp_path):
    config = SearchConfig(
        Budget.parse(max_latency="1us"), PLAIN, study=str(tmp_path / "s"), recovery=LESSON,
        plans=(Attempt("trained"),), device="rpi4",
    )  # fmt: skip
    with pytest.raises(WorkError, match=r"ms predicted, 80 % interval up to .* ms") as caught:
        search_run(run_folder, tmp_path / "x.edge", config)
    assert "upper end of its interval" in str(caught.value)
    assert "--on HOST measures" in str(caught.value)
