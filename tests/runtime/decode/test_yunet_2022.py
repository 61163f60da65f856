"""YuNet's exports of 2022, against the family's formulas written out prior by prior."""

from __future__ import annotations

import math

import numpy as np
import pytest
from prior_boxes import priors

from edgelens.runtime.errors import ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

HEIGHT, WIDTH = 120, 160


def outputs():
    rng = np.random.default_rng(0)
    count = len(list(priors(HEIGHT, WIDTH)))
    found = {"loc": rng.normal(0, 0.8, (count, 14)), "conf": np.zeros((count, 2)), "iou": np.zeros((count, 1))}
    for row in (5, 700, 990, count - 1):
        found["conf"][row, 1], found["iou"][row] = 0.95, 1.3 if row == 5 else 0.95 - row / 5000
    found["conf"][6] = 0.9, 0.1
    found["iou"][7] = 1
    return {name: values.astype(np.float32) for name, values in found.items()}


def test_faces_are_where_the_formulas_say(told):
    given = outputs()
    bundle = open_model(told(given, (HEIGHT, WIDTH)), threshold=0.6)
    assert any("read as YuNet of 2022" in note for note in bundle.notes)
    wanted = {}
    for (x, y, side), loc, conf, iou in zip(
        priors(HEIGHT, WIDTH), given["loc"], given["conf"], given["iou"], strict=True
    ):
        score = math.sqrt(conf[1] * min(max(iou[0], 0), 1))
        if score < 0.6:
            continue
        cx, cy = x + loc[0] * 0.1 * side, y + loc[1] * 0.1 * side
        w, h = side * math.exp(loc[2] * 0.1), side * math.exp(loc[3] * 0.2)
        points = [(x + loc[4 + 2 * k] * 0.1 * side, y + loc[5 + 2 * k] * 0.1 * side) for k in range(5)]
        wanted[round(score, 4)] = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), points
    with BundleRecognizer(bundle) as recognizer:
        seen = recognizer.recognize(Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8))).recognitions
    assert len(seen) == len(wanted) == 4
    for score, corners, points in zip(seen.scores, seen.xyxy, seen.keypoints[..., :2], strict=True):
        box, spots = wanted[round(float(score), 4)]
        assert corners == pytest.approx(np.clip(box, 0, [WIDTH, HEIGHT] * 2), abs=0.01)
        assert points == pytest.approx(np.clip(spots, 0, [WIDTH, HEIGHT]), abs=0.01)


def test_other_counts_of_rows_are_another_family(told):
    few = {name: values[:50] for name, values in outputs().items()}
    with pytest.raises(ModelError, match="no decoder fits its outputs"):
        open_model(told(few, (HEIGHT, WIDTH)))
