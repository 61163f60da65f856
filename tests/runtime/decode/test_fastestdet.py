"""FastestDet's output, told, against its post-processing written out plainly, cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

SIZE = (96, 160)  # height and width
GRID = (6, 10)
CLASSES = 4
FRAME = (192, 480)


def told_parts(seed=0):
    rng = np.random.default_rng(seed)
    there, box = rng.normal(-3, 1, (1, 1, *GRID)), rng.normal(0, 1.5, (1, 4, *GRID))
    kinds = rng.normal(0, 1, (1, CLASSES, *GRID))
    for y, x in zip(rng.integers(0, 6, 9), rng.integers(0, 10, 9), strict=True):
        there[0, 0, y, x], kinds[0, rng.integers(CLASSES), y, x] = 4, 6
    there[0, 0, 0, 0], kinds[0, :, 0, 0] = 0.85, (1.72, 0, 0, 0)  # 0.70 and 0.65, whose product is under the threshold
    return there.astype(np.float32), box.astype(np.float32), kinds.astype(np.float32)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def softmax(values):
    return np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)


def plain(there, box, kinds, threshold):
    found = []
    for y in range(GRID[0]):
        for x in range(GRID[1]):
            classes = softmax(kinds)[0, :, y, x]
            score = sigmoid(there[0, 0, y, x]) ** 0.6 * classes.max() ** 0.4
            if score < threshold:
                continue
            dx, dy, w, h = box[0, :, y, x]
            cx, cy = (x + np.tanh(dx)) / GRID[1], (y + np.tanh(dy)) / GRID[0]
            w, h = sigmoid(w), sigmoid(h)
            found.append((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score, classes.argmax()))
    return np.array(sorted(found, key=lambda row: -row[4]))


def as_exported(there, box, kinds):
    def ending(helper, name):
        nodes = [
            helper.make_node("Add", ["there_told", "nothing"], ["there"]),
            helper.make_node("Sigmoid", ["there"], ["sure"]),
            helper.make_node("Add", ["box_told", "nothing"], ["box"]),
            helper.make_node("Softmax", ["kinds_told"], ["kinds"], axis=1),
            helper.make_node("Concat", ["sure", "box", "kinds"], [name], axis=1),
        ]
        return nodes, {"there_told": there, "box_told": box, "kinds_told": kinds}

    return ending


def see(path, **options):
    bundle = open_model(path, **options)
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(Frame(np.zeros((*FRAME, 3), np.uint8))).recognitions, bundle


def check(seen, wanted):
    corners = np.clip(wanted[:, :4], 0, 1) * np.array([FRAME[1], FRAME[0]] * 2)
    assert len(seen) == len(wanted) > 4
    assert seen.scores == pytest.approx(wanted[:, 4], abs=1e-5)
    assert seen.xyxy == pytest.approx(corners, abs=0.05)
    assert seen.ids.tolist() == wanted[:, 5].astype(int).tolist()


def test_an_export_is_known_by_its_last_operators(told):
    parts = told_parts()
    shape = np.zeros((1, 5 + CLASSES, *GRID), np.float32)
    seen, bundle = see(told({"output": shape}, SIZE, ending=as_exported(*parts)), iou=1.0)
    assert "read as FastestDet from its last operators" in bundle.notes
    there, box, kinds = parts
    check(seen, plain(there, box, kinds, 0.65))
    assert (bundle.manifest.main.pixels.color, bundle.manifest.main.pixels.resize) == ("bgr", "stretch")
    assert bundle.manifest.main.files[0].tensor.std == (255.0,)


def test_a_grid_that_says_nothing_has_to_be_asked_for(told):
    there, box, kinds = told_parts(3)
    grid = np.concatenate([sigmoid(there), box, softmax(kinds)], axis=1).astype(np.float32)
    path = told({"output": grid}, SIZE)
    with pytest.raises(ModelError, match=r"no decoder fits its outputs output 1x9x6x10.*--decode fastestdet"):
        open_model(path)
    check(see(path, decoder="fastestdet", iou=1.0)[0], plain(there, box, kinds, 0.65))
