"""PyTorch's SSDs, told, against their own prediction written out plainly; a real face detector of the kind."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from plain_boxes import overlap

from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

ROWS, CLASSES = 400, 4
NAMES = ["cat", "dog", "cow", "pig"]


def answers(seed=0):
    """Scores before the softmax (1, N, 1 + C), some of them sure, and boxes (1, N, 4) as fractions."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (1, ROWS, 1 + CLASSES)).astype(np.float32)
    logits[..., 0] += 5
    logits[0, rng.choice(ROWS, 30, replace=False), rng.integers(1, 1 + CLASSES, 30)] += 9
    middles, halves = rng.uniform(0.2, 0.8, (1, ROWS, 2)), rng.uniform(0.05, 0.2, (1, ROWS, 2))
    return {"scores": logits, "boxes": np.concatenate([middles - halves, middles + halves], axis=2).astype(np.float32)}


def as_exported(outputs, last="Softmax"):
    def ending(helper, name):
        end = {"axis": -1} if last == "Softmax" else {}
        nodes = [helper.make_node("Add", [f"{name}_told", "nothing"], [f"{name}_raw"])]
        nodes.append(helper.make_node(*([last] if "scores" in name else ["Identity"]), [f"{name}_raw"], [name],
                                      **(end if "scores" in name else {})))  # fmt: skip
        return nodes, {f"{name}_told": outputs[name]}

    return ending


def plain(outputs, width, height, threshold, iou):
    """(class, score, box) of every class by itself, the best first, none that overlaps a better one too much."""
    powers = np.exp(outputs["scores"][0])
    scores = powers / powers.sum(axis=1, keepdims=True)
    found = []
    for kind in range(1, 1 + CLASSES):
        kept: list[np.ndarray] = []
        for row in np.argsort(-scores[:, kind]):
            box = outputs["boxes"][0, row] * [width, height, width, height]
            if scores[row, kind] >= threshold and all(overlap(box, other) <= iou for other in kept):
                kept.append(box)
                found.append((NAMES[kind - 1], scores[row, kind], box))
    return sorted(found, key=lambda each: -each[1])


@pytest.mark.parametrize("labels", [NAMES, ["BACKGROUND", *NAMES]])
def test_it_is_known_by_its_outputs_and_finds_what_its_own_prediction_finds(told, labels):
    outputs = answers()
    bundle = open_model(told(outputs, (30, 40), ending=as_exported(outputs)), labels=labels)
    assert bundle.manifest.main.decode.decoder == "pytorch-ssd"
    with BundleRecognizer(bundle) as recognizer:
        seen = recognizer.recognize(Frame(np.zeros((90, 160, 3), np.uint8))).recognitions
    wanted = plain(outputs, 160, 90, 0.5, 0.45)
    assert len(wanted) > 15
    assert list(seen) == [(name, pytest.approx(score, abs=1e-5)) for name, score, _ in wanted]
    assert seen.xyxy == pytest.approx(np.array([box for *_, box in wanted]), abs=0.01)


def test_under_other_names_it_is_asked_for(told):
    outputs = {f"{name}_of_it": value for name, value in answers().items()}
    path = told(outputs, (30, 40), ending=as_exported(outputs))
    with pytest.raises(ModelError, match="say --decode pytorch-ssd"):
        open_model(path)
    assert open_model(path, decoder="pytorch-ssd").manifest.main.decode.decoder == "pytorch-ssd"
    with pytest.raises(UsageError, match="3 names"):
        open_model(path, decoder="pytorch-ssd", labels=NAMES[:3])


def test_scores_of_which_each_stands_for_itself_have_no_background(told):
    outputs = answers()
    path = told(outputs, (30, 40), ending=as_exported(outputs, "Sigmoid"))
    for asked in (None, "pytorch-ssd"):
        with pytest.raises(ModelError, match=r"fits? its outputs"):
            open_model(path, decoder=asked)


def test_a_face_detector_of_the_kind_finds_the_same_face_by_either_name(shared):
    capture = cv2.VideoCapture(str(shared / "video/asl_help.mkv"))
    frame = Frame([capture.read()[1] for _ in range(6)][5])
    path = str(next((shared / "models/ultraface").glob("*.onnx")))
    boxes = []
    for decoder in (None, "pytorch-ssd"):
        with BundleRecognizer(open_model(path, decoder=decoder, iou=0.5)) as recognizer:
            boxes.append(recognizer.recognize(frame).recognitions.xyxy)
    assert len(boxes[0]) == 1
    assert boxes[1] == pytest.approx(boxes[0], abs=0.1)
