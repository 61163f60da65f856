"""YuNet's outputs, told, against OpenCV's own detector that runs the same file on the same picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

SIDE = 96
STRIDES = (8, 16, 32)


def outputs(seed=0):
    """Faces on a few cells, faint ones beside them, and cells whose class and objectness disagree."""
    rng = np.random.default_rng(seed)
    found = {}
    for stride in STRIDES:
        cells = (SIDE // stride) ** 2
        parts = {name: np.zeros((1, cells, wide), np.float32) for name, wide in (("cls", 1), ("obj", 1))}
        parts["bbox"] = rng.normal(0, 0.4, (1, cells, 4)).astype(np.float32)
        parts["kps"] = rng.normal(0, 0.8, (1, cells, 10)).astype(np.float32)
        sure = rng.choice(cells, 3, replace=False)
        parts["cls"][0, sure, 0], parts["obj"][0, sure, 0] = rng.uniform(0.85, 1.2, 3), rng.uniform(0.85, 1, 3)
        parts["cls"][0, (sure + 1) % cells, 0] += 0.5
        found |= {f"{name}_{stride}": values for name, values in parts.items()}
    # in the order of the files that OpenCV's zoo has
    return {
        f"{part}_{stride}": found[f"{part}_{stride}"] for part in ("cls", "obj", "bbox", "kps") for stride in STRIDES
    }


def see(path, image, **options):
    bundle = open_model(path, **options)
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(Frame(image)).recognitions, bundle


@pytest.mark.parametrize("seed", range(4))
def test_faces_and_keypoints_are_opencvs(told, seed):
    path = told(outputs(seed), (SIDE, SIDE))
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    wanted = cv2.FaceDetectorYN.create(path, "", (SIDE, SIDE), 0.8, 0.3).detect(image)[1]
    seen, bundle = see(path, image, threshold=0.8)
    assert any("read as YuNet" in note for note in bundle.notes)
    assert len(seen) == len(wanted) > 2
    assert seen.scores == pytest.approx(wanted[:, -1], abs=1e-5)
    corners = np.c_[wanted[:, :2], wanted[:, :2] + wanted[:, 2:4]]
    assert seen.xyxy == pytest.approx(np.clip(corners, 0, SIDE), abs=0.01)
    points = np.clip(wanted[:, 4:14].reshape(-1, 5, 2), 0, SIDE)
    assert seen.keypoints[..., :2] == pytest.approx(points, abs=0.01)


def test_the_picture_is_blue_green_red_at_the_top_left(told):
    _, bundle = see(told(outputs(), (SIDE, SIDE)), np.zeros((SIDE, SIDE, 3), np.uint8))
    network = bundle.manifest.main
    assert (network.labels, network.decode.threshold) == (("face",), 0.9)
    assert (network.pixels.color, network.pixels.resize, network.pixels.anchor) == ("bgr", "letterbox", "topleft")
    assert (network.files[0].tensor.mean, network.files[0].tensor.std) == ((0.0,), (1.0,))


def test_a_converter_s_names_are_read_by_shape_where_that_is_asked(told):
    renamed = {f"out{i}": values for i, values in enumerate(outputs().values())}
    path, image = told(renamed, (SIDE, SIDE)), np.zeros((SIDE, SIDE, 3), np.uint8)
    with pytest.raises(ModelError, match=r"no decoder fits its outputs .* say --decode yunet$"):
        open_model(path)
    asked, _ = see(path, image, decoder="yunet", threshold=0.8)
    named, _ = see(told(outputs(), (SIDE, SIDE)), image, threshold=0.8)
    assert asked.scores == pytest.approx(named.scores)
    assert asked.boxes == pytest.approx(named.boxes)
