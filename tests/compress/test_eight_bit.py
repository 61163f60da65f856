"""Both 8-bit files of a deep network: where the engines' rounding sets them apart, what is added gets one scale."""

import dataclasses
from unittest.mock import Mock

import pytest
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.eight_bit import LEAST_BETWEEN_DB, eight_bit_files
from edgelens.compress.export.artifact import file_outputs
from edgelens.compress.export.exported import export
from edgelens.compress.files.int8 import int8_artifacts
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.learn.finetune import FineTune
from edgelens.compress.learn.lesson import lesson_of
from edgelens.compress.learn.pictures import pictures_of
from edgelens.compress.network.graph import trace
from edgelens.compress.progress import Progress
from edgelens.compress.quantize.observers import observe
from edgelens.compress.quantize.plan import make_plan
from edgelens.compress.quantize.qat import QatConfig, train_quantized
from edgelens.compress.quantize.ranges import agree_on_ranges
from edgelens.compress.quantize.sensitivity import answers_snr
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions


@pytest.fixture(scope="module")
def deep(run):
    """A network of ten additions for the tiny run's pictures, its weights random."""
    torch.manual_seed(0)
    size = (run.pixels.height, run.pixels.width)
    return build("mobilenet-v2", ModelOptions(width=0.35), channels=1, classes=10, size=size).eval()


@pytest.fixture(scope="module")
def graph(run, deep):
    return trace(deep, run.pixels)


@pytest.fixture(scope="module")
def exported(run, graph):
    return export(graph, graph, run.pixels, outputs=("logits",))


def between_db(artifacts, pictures):
    onnx, tflite = (file_outputs(artifact, pictures) for artifact in artifacts)
    return answers_snr(onnx, tflite)


def test_sums_of_one_scale_are_the_same_in_both_engines(run, graph, exported, make_pictures):
    images = make_pictures(run.pixels, 64)
    plan, observed = make_plan(graph, outputs=("logits",)), observe(graph, images)
    free, tied = (agree_on_ranges(graph, plan, observed, shared_scale=shared_scale) for shared_scale in (False, True))
    assert len(plan.added) == 5  # stages that hold additions
    for added in plan.added:
        scales = [float(tied.of(name).scale) for name in added]
        assert max(scales) == pytest.approx(min(scales), rel=1e-6)
        assert max(scales) == pytest.approx(max(float(free.of(name).scale) for name in added), rel=1e-6)
    assert between_db(int8_artifacts(exported, free), images) < LEAST_BETWEEN_DB
    assert between_db(int8_artifacts(exported, tied), images) > 100


def test_only_files_that_part_get_one_scale(run, deep, graph, exported, make_pictures, monkeypatch):
    config = CompressConfig(precisions=("int8",), calibration_images=64)
    made_of = ingredients_of(run, config)
    shallow, counting = trace(made_of.network, run.pixels), Mock(wraps=export)
    monkeypatch.setattr("edgelens.compress.files.model_files.export", counting)
    choice, _ = eight_bit_files(shallow, made_of.network, made_of, config, Progress(quiet=True))
    assert "one scale in additions" not in choice.taken
    assert choice.graph is not shallow
    assert counting.call_count == 1  # repaired weights go into the files that are there
    config = dataclasses.replace(config, equalize=False, correct_bias=False)
    alone = dataclasses.replace(made_of.task, outputs=made_of.task.outputs[:1])  # the deep one gives no features
    seen = dataclasses.replace(made_of.calibrating, pixels=make_pictures(run.pixels, 64))
    made_of = dataclasses.replace(made_of, network=deep, task=alone, calibrating=seen)
    choice, files = eight_bit_files(graph, deep, made_of, config, Progress(quiet=True), exported)
    assert "one scale in additions" in choice.taken
    assert between_db(files.artifacts, made_of.calibration) > 100


def test_ranges_learned_in_8_bits_keep_one_scale(run):
    network = run.model()
    graph, pictures = trace(network, run.pixels), pictures_of(run.split("train"), run.pixels)
    quantized = agree_on_ranges(
        graph, make_plan(graph, outputs=("logits",)), observe(graph, pictures.pixels[:64]), shared_scale=True
    )
    config = QatConfig(FineTune(epochs=0.2, rate=5e-4))
    _, learned = train_quantized(graph, quantized, network, lesson_of(run, pictures, run.pixels), config)
    assert learned.ranges != quantized.ranges
    for added in learned.plan.added:
        widths = [learned.of(name).width for name in added]
        assert max(widths) == pytest.approx(min(widths))
