"""What the trainer measures on its validation split is what `evaluate` measures on the same files, image for image."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch

from edgelens.compress.export.onnx import export_prepared, with_pixels
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest import Decode, Manifest, ModelFile, Network, Output
from edgelens.runtime.model.evaluate import evaluate
from edgelens.runtime.preprocess import TensorContract
from edgelens.train.config import TrainConfig
from edgelens.train.data.prepare import prepare
from edgelens.train.training import fit


@pytest.fixture
def photos(tmp_path):
    """JPEGs of several sizes that are wide, tall and turned, two classes that differ in colour."""
    rng = np.random.default_rng(0)
    for label in range(2):
        folder = tmp_path / "photos" / ("red", "blue")[label]
        folder.mkdir(parents=True)
        for i in range(40):
            small = rng.integers(0, 160, (6, 7, 3), np.uint8)
            small[..., 2 if label == 0 else 0] += 60
            size = [(150, 100), (90, 130), (301, 233)][i % 3]
            cv2.imwrite(str(folder / f"{i}.jpg"), cv2.resize(small, size, interpolation=cv2.INTER_CUBIC))
    return tmp_path / "photos"


def test_image_for_image(photos, tmp_path):
    config = TrainConfig(
        str(photos), str(tmp_path / "run"), model="linear", epochs=2, size=(24, 24), cache=str(tmp_path / "cache")
    )
    run = fit(config, quiet=True)
    data = prepare(config.data_config(), run.pixels)
    pictures = torch.from_numpy(data.val.pictures.take(slice(None))).permute(0, 3, 1, 2)
    with torch.inference_mode():
        trainers = torch.softmax(run.model()((pictures.float() - 128) / 128), dim=1).numpy()

    file = ModelFile("model.onnx", "onnxruntime", "float32", TensorContract())
    network = Network("classify", run.classes, run.pixels, (Output("logits", (2,)),), Decode(), (file,))
    model = with_pixels(export_prepared(run.model(), run.pixels, outputs=("logits",))).SerializeToString()
    bundle = Bundle(Manifest("test", {"main": network}), None, {"model.onnx": model})
    originals = run.split("val")
    report: Any = evaluate(bundle, originals, file=file).report

    assert list(originals.names) == list(data.val.images.names)
    np.testing.assert_allclose(report.scores, trainers, atol=1e-5)
    np.testing.assert_array_equal(report.predicted, trainers.argmax(axis=1))
    assert report.accuracy == pytest.approx((trainers.argmax(axis=1) == data.val.labels).mean())
