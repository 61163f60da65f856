"""Pruning, distillation, training in 8 bits and the repairs: each step alone, on the tiny run."""

import numpy as np
import pytest
import torch

from edgelens.compress.learn.finetune import FineTune, accuracy_of, recipe_of
from edgelens.compress.learn.pictures import pictures_of
from edgelens.compress.network.answers import torch_logits
from edgelens.compress.network.graph import trace
from edgelens.compress.prune.channels import macs_of, prune_to_macs
from edgelens.compress.prune.importance import with_gradients
from edgelens.compress.prune.iterative import PruneConfig, prune
from edgelens.compress.quantize.choose import ChooseConfig, choose
from edgelens.compress.quantize.sensitivity import logit_snr
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions


@pytest.fixture(scope="module")
def train_pictures(run):
    return pictures_of(run.split("train"), run.pixels)


@pytest.mark.parametrize("by", ["magnitude", "bn-scale", "taylor"])
def test_pruning_halves_the_multiply_adds_in_eights(run, train_pictures, by):
    network = run.model()
    whole = macs_of(network, run.pixels)
    if by == "taylor":
        with_gradients(network, train_pictures, 64)
    smaller = prune_to_macs(network, run.pixels, whole * 0.6, by=by)
    assert macs_of(smaller, run.pixels) <= whole * 0.6
    widths = [m.out_channels for m in smaller.modules() if isinstance(m, torch.nn.Conv2d)]
    assert all(width % 8 == 0 for width in widths)
    assert macs_of(network, run.pixels) == whole
    assert smaller.classifier.out_features == 10


def test_pruning_with_recovery_keeps_what_was_learned(run, train_pictures):
    teacher = run.model()
    config = PruneConfig(macs=0.6, rounds=1, tuning=FineTune(epochs=3, rate=4e-3, features=0.5))
    smaller = prune(run.model(), teacher, run.pixels, train_pictures, recipe_of(run), config)
    held = pictures_of(run.split("val"), run.pixels)
    assert accuracy_of(smaller, held) > accuracy_of(teacher, held) - 0.2
    assert not hasattr(teacher, "_restore")


def test_attention_prunes_whole_heads_and_inner_width():
    pixels = PixelContract(28, 28, "gray")
    network = build("vit-tiny", ModelOptions(), channels=1, classes=10, size=(28, 28)).eval()
    from edgelens.compress.prune.attention import prune_attention

    smaller = prune_attention(network, 0.5, 0.5)
    assert macs_of(smaller, pixels) < 0.7 * macs_of(network, pixels)
    assert all(m.query.out_features % m.head_dim == 0 for m in smaller.modules() if hasattr(m, "query"))
    assert smaller(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_training_in_8_bits_ends_in_weights_and_ranges_that_export(run, train_pictures):
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.export.artifact import file_outputs
    from edgelens.compress.export.exported import export
    from edgelens.compress.files.int8 import int8_artifacts
    from edgelens.compress.files.model_files import quantized_by
    from edgelens.compress.proof.parity import snr_db
    from edgelens.compress.quantize.qat import QatConfig, train_quantized
    from edgelens.compress.quantize.simulate import simulate

    network = run.model()
    graph = trace(network, run.pixels)
    quantized = quantized_by(graph, train_pictures.pixels[:64], CompressConfig())
    config = QatConfig(FineTune(epochs=1, rate=5e-4))
    trained, ranges = train_quantized(graph, quantized, network, train_pictures, recipe_of(run), config)
    assert ranges.ranges["relu"] != quantized.ranges["relu"]
    assert ranges.ranges["x"] == quantized.ranges["x"]
    held = pictures_of(run.split("val"), run.pixels).pixels[:32]
    expected = torch_logits(simulate(trained, ranges), held)
    exported = export(trained, trained, run.pixels, formats=("onnx",))
    (artifact,) = int8_artifacts(exported, ranges)
    assert snr_db(file_outputs(artifact, held), expected) > 30


def test_every_repair_is_judged_and_only_gains_are_taken(run, train_pictures):
    graph = trace(run.model(), run.pixels)
    images = train_pictures.pixels[:96]
    plain = choose(graph, images, ChooseConfig(equalize=False, correct_bias=False))
    repaired = choose(graph, images, ChooseConfig(mixed=1, sensitivity=True))
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
    assert logit_snr(torch_logits(even, held), torch_logits(graph, held)) > 90


def test_learned_rounding_stays_on_the_grid_and_helps(run, train_pictures):
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.files.model_files import quantized_by
    from edgelens.compress.network.fold import constant
    from edgelens.compress.quantize.rounding import RoundingConfig, learn_rounding
    from edgelens.compress.quantize.simulate import weights_on_grid

    graph = trace(run.model(), run.pixels)
    quantized = quantized_by(graph, train_pictures.pixels[:64], CompressConfig())
    rounded = learn_rounding(graph, quantized, train_pictures.pixels[:32], RoundingConfig(steps=10, images=16))
    for node in rounded.graph.nodes:
        if node.name in quantized.plan.integer and "conv2d" in node.name:
            weight = constant(rounded, node.args[1])
            torch.testing.assert_close(weights_on_grid(weight), weight, rtol=0, atol=1e-6)


def test_distance_of_features_is_taken_and_the_networks_are_left_as_they_were(run, train_pictures):
    from edgelens.compress.learn.finetune import finetune

    teacher, student = run.model(), run.model()
    before = torch_logits(student, train_pictures.pixels[:8])
    finetune(student, teacher, train_pictures, recipe_of(run), FineTune(epochs=0.05, features=1.0))
    assert "forward_features" not in vars(teacher)
    assert "forward_features" not in vars(student)
    assert not np.array_equal(before, torch_logits(student, train_pictures.pixels[:8]))
