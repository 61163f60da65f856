"""A detector of small things: stride 4 is trained, compressed and decoded, and what it finds is its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.frame import Frame
from edgelens.runtime.images.read import read_image
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import fit_frame
from edgelens.train.config import TrainConfig
from edgelens.train.models.options import ModelOptions
from edgelens.train.training import fit


def test_stride_4_is_trained_compressed_and_decoded(shapes: Path, tmp_path: Path) -> None:
    config = TrainConfig(
        str(shapes), str(tmp_path / "run"), task="detect", model="lens-det-s",
        options=ModelOptions(width=0.5, neck=24, finest=4), size=(64, 64), epochs=8, batch=8, rate=4e-3,
        augment="quick", mirror=True, precision="float32", ema=0.98, cache=str(tmp_path / "cache"),
    )  # fmt: skip
    fit(config, quiet=True)
    out = tmp_path / "small.edge"
    compress_run(tmp_path / "run", out, CompressConfig(precisions=("int8",), calibration_images=32))
    network = Bundle.open(out).manifest.main
    assert network.decode.options["finest"] == 4
    assert {"scores4", "sides4"} <= {output.name for output in network.outputs}

    for engine in ("onnxruntime", "tflite"):
        told = tmp_path / f"{engine}.json"
        done = CliRunner().invoke(cli, ["evaluate", str(out), str(shapes), "--engine", engine, "--json", str(told)])
        assert done.exit_code == 0, done.output
        assert json.loads(told.read_text())["map50"] > 0.5

    own = 0
    with BundleRecognizer(Bundle.open(out)) as recognizer:
        loaded = recognizer.main
        for file in sorted((shapes / "images" / "val").iterdir()):
            picture, placement = fit_frame(read_image(file), network.pixels)
            outputs = {name: np.array(values) for name, values in loaded.outputs(picture).items()}
            whole = len(loaded.decode(outputs, placement, None))
            assert whole == len(recognizer.recognize(Frame(read_image(file))).recognitions)
            outputs["scores4"][:] = 0
            own += whole - len(loaded.decode(outputs, placement, None))
    assert own > 0, "the finest stride answers for things that no other sees"
