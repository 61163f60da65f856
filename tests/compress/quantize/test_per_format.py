"""A network that remembers: its convolutions in 8 bits, the GRU behind them in float, in both formats."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import file_outputs
from edgelens.compress.files.model_files import make_files
from edgelens.compress.network.answers import torch_outputs
from edgelens.runtime.metrics.signal import snr_db
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions


@pytest.mark.filterwarnings("error")  # torch's of tensors that it put into a layer itself reach nobody
def test_a_reader_with_a_gru_answers_alike_in_both_formats(make_pictures: Any) -> None:
    torch.manual_seed(0)
    pixels = PixelContract(32, 24)
    network = build("crnn", ModelOptions(width=0.25), channels=3, classes=5, size=(32, 24)).eval()
    pictures = make_pictures(pixels)
    files = make_files(network, pixels, pictures, CompressConfig(precisions=("float32", "int8")), outputs=("steps",))
    wanted = torch_outputs(network, pictures[:6], ("steps",))["steps"]
    sizes = {}
    for artifact in files.artifacts:
        answers = file_outputs(artifact, pictures[:6])["steps"]
        assert answers.shape == wanted.shape, artifact.title
        assert snr_db(wanted, answers) > (90 if artifact.precision == "float32" else 20), artifact.title
        sizes[artifact.engine, artifact.precision] = len(artifact.data)
    for engine in ("onnxruntime", "tflite"):
        assert sizes[engine, "int8"] < sizes[engine, "float32"], sizes


@pytest.mark.parametrize("model", ["gru", "cnn-small"])
def test_weights_alone_in_8_bits_run_on_every_processor(make_pictures: Any, model: str) -> None:
    torch.manual_seed(0)
    pixels = PixelContract(16, 16)
    network = build(model, ModelOptions(dense=16), channels=3, classes=5, size=(16, 16)).eval()
    pictures = make_pictures(pixels)[:6]
    config = CompressConfig(formats=("onnx",), precisions=("float32", "weight-only"))
    plain, small = make_files(network, pixels, pictures, config, outputs=("logits",)).artifacts
    wanted = torch_outputs(network, pictures, ("logits",))["logits"]
    assert snr_db(wanted, file_outputs(small, pictures)["logits"]) > 25  # through the engine, which asks for exact sums
    assert len(small.data) < len(plain.data)
