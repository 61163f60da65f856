"""MediaPipe's detectors: told outputs against their post-processing written out plainly."""

from __future__ import annotations

import numpy as np
import pytest
from plain_boxes import overlap

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import PixelContract, placement_of

# picture's side, layers' strides and anchors a cell and layer, numbers an anchor, label
KINDS = {
    "face, near": (128, (8, 16, 16, 16), 2, 16, "face"),
    "face, back": (256, (16, 32, 32, 32), 2, 16, "face"),
    "face, far": (192, (4,), 1, 16, "face"),
    "palm": (192, (8, 16, 16, 16), 2, 18, "palm"),
    "person": (224, (8, 16, 32, 32, 32), 2, 12, "person"),
}


def anchors(side, strides, each):
    """The middles as MediaPipe's calculator lists them: layers of one stride share their cells."""
    found, done = [], 0
    while done < len(strides):
        stride, same = strides[done], strides.count(strides[done])
        for y in range(side // stride):
            for x in range(side // stride):
                found += [((x + 0.5) * stride, (y + 0.5) * stride)] * (each * same)
        done += same
    return np.array(found)


def told_outputs(kind, seed=0):
    side, strides, each, columns, _ = KINDS[kind]
    rng = np.random.default_rng(seed)
    middles = anchors(side, strides, each)
    boxes = rng.normal(0, 4, (1, len(middles), columns)).astype(np.float32)
    scores = rng.normal(-6, 1, (1, len(middles), 1)).astype(np.float32)
    for place in rng.uniform(0.25 * side, 0.75 * side, (2, 2)):  # two things, found from six anchors each
        rows = np.argsort(np.linalg.norm(middles - place, axis=1))[:6]
        scores[0, rows, 0] = rng.uniform(0.5, 4, 6)
        boxes[0, rows, :2] = place - middles[rows] + rng.normal(0, 1, (6, 2))
        boxes[0, rows, 2:4] = side * 0.12 + rng.normal(0, 1, (6, 2))
    return {"regressors": boxes, "classificators": scores}


def plain(kind, outputs):
    """Weighted suppression as MediaPipe does it, one thing after another: boxes, keypoints, scores."""
    side, strides, each, _, _ = KINDS[kind]
    raw, middles = outputs["regressors"][0].astype(float), anchors(side, strides, each)
    scores = 1 / (1 + np.exp(-outputs["classificators"][0, :, 0].astype(float)))
    rows = [i for i in np.argsort(-scores) if scores[i] >= 0.5]
    candidates = []
    for i in rows:
        (x, y), (w, h) = raw[i, :2] + middles[i], raw[i, 2:4]
        points = raw[i, 4:].reshape(-1, 2) + middles[i]
        candidates.append((scores[i], np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]), points))
    found = []
    while candidates:
        best = candidates[0]
        same = [c for c in candidates if c is best or overlap(c[1], best[1]) > 0.3]
        weight = sum(c[0] for c in same)
        found.append((best[0], sum(c[0] * c[1] for c in same) / weight, sum(c[0] * c[2] for c in same) / weight))
        candidates = [c for c in candidates if not any(c is other for other in same)]
    return found


def see(path, image, **options):
    bundle = open_model(str(path), **options)
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(Frame(image)).recognitions, bundle


@pytest.mark.parametrize("kind", KINDS)
def test_things_and_keypoints_are_those_found_plainly(told, kind):
    side, _, _, columns, label = KINDS[kind]
    outputs = told_outputs(kind)
    seen, bundle = see(told(outputs, (side, side)), np.zeros((side, side, 3), np.uint8))
    wanted = plain(kind, outputs)
    assert [name for name, _ in seen] == [label] * len(wanted)
    assert len(wanted) >= 2
    assert seen.scores == pytest.approx([score for score, _, _ in wanted], abs=1e-4)
    points = np.array([points for _, _, points in wanted])
    assert seen.keypoints.shape[1] == (columns - 4) // 2
    assert seen.keypoints[..., :2] == pytest.approx(points, abs=0.01)
    boxes = np.array([box for _, box, _ in wanted])
    if label == "person":  # its box is of the head; the circle around all of it is told by its keypoints
        middle, edge = np.array([points[:2] for _, _, points in wanted]).transpose(1, 0, 2)
        reach = np.linalg.norm(edge - middle, axis=1, keepdims=True)
        boxes = np.concatenate([middle - reach, middle + reach], axis=1)
    assert seen.xyxy == pytest.approx(np.clip(boxes, 0, side), abs=0.01)
    assert bundle.manifest.main.decode.threshold == (0.6 if kind == "face, far" else 0.5)
    tensor = bundle.manifest.main.files[0].tensor
    assert (tensor.mean, tensor.std) == (((0.0,), (255.0,)) if label == "palm" else ((127.5,), (127.5,)))


def test_a_person_that_reaches_beyond_the_frame_keeps_the_circle_that_its_keypoints_tell(told):
    outputs = {
        "regressors": np.zeros((1, 2254, 12), np.float32),
        "classificators": np.full((1, 2254, 1), -9, np.float32),
    }
    row = 14 * 28 * 2 + 14 * 2  # of the stride 8, whose cell's middle is at (116, 116)
    outputs["classificators"][0, row] = 3
    outputs["regressors"][0, row] = [0, 0, 40, 40, 0, 64, 0, -136, 0, 0, 0, -60]
    seen, _ = see(told(outputs, (224, 224)), np.zeros((448, 448, 3), np.uint8))
    assert seen.keypoints[0, :, :2] == pytest.approx(np.array([[232, 360], [232, -40], [232, 232], [232, 112]]))
    assert seen.xyxy[0] == pytest.approx([0, 0, 448, 448])
    assert seen.scores == pytest.approx([1 / (1 + np.exp(-3))])


def test_numbers_that_are_none_spoil_no_other_thing(told):
    outputs = told_outputs("face, near")
    image = np.zeros((128, 128, 3), np.uint8)
    before, _ = see(told(outputs, (128, 128)), image)
    outputs["regressors"][0, 700] = np.nan
    outputs["classificators"][0, 700] = 9
    after, _ = see(told(outputs, (128, 128)), image)
    assert after.boxes == pytest.approx(before.boxes)


def test_an_anchor_that_breaks_down_takes_none_of_the_others_with_it():
    outputs = told_outputs("face, near")
    network = Network(
        "detect",
        ("face",),
        PixelContract(128, 128),
        tuple(map(Output, ("boxes", "scores"))),
        Decode("mediapipe", threshold=0.5, options={"iou": 0.3}),
        (),
    )
    boxes, scores = outputs["regressors"], outputs["classificators"]
    decode, placement = decoder_for(network), placement_of(128, 128, network.pixels)
    whole = decode({"boxes": boxes, "scores": scores}, placement, None)
    boxes[0, :2, 2:4], scores[0, :2] = [[3e38, 3e38], [np.inf, 1]], 9.0
    broken = decode({"boxes": boxes, "scores": scores}, placement, None)
    assert len(whole) >= 2
    assert np.array_equal(broken.places, whole.places)
