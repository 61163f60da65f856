"""LPD-YuNet's plates, against the family's formulas written out prior by prior, and how it is told from faces."""

from __future__ import annotations

import numpy as np
import pytest
from prior_boxes import priors

from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.recognitions import CORNERS

HEIGHT, WIDTH = 240, 320
PLATE = [(100, 80), (190, 95), (187, 125), (97, 110)]  # clockwise from the top left, turned a little


def outputs(corners, height=HEIGHT, width=WIDTH):
    """One plate, told by two prior boxes near it, one of them a little less sure."""
    every = list(priors(height, width))
    found = {"loc": np.full((len(every), 14), 9.0), "conf": np.zeros((len(every), 2)), "iou": np.zeros((len(every), 1))}
    middle = np.mean(corners, axis=0)
    near = sorted(range(len(every)), key=lambda n: np.hypot(*(np.array(every[n][:2]) - middle)) + abs(every[n][2] - 64))
    for row, sure in zip(near[:2], (0.99, 0.93), strict=True):
        x, y, side = every[row]
        points = [corners[0], corners[1], middle, corners[2], corners[3]]
        found["loc"][row, 4:] = ((np.array(points) - (x, y)) / (0.1 * side)).ravel()
        found["conf"][row, 1], found["iou"][row] = sure, sure
    return {name: values.astype(np.float32) for name, values in found.items()}


def seen_by(file, **options):
    bundle = open_model(file, **options)
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8))).recognitions, bundle


@pytest.mark.parametrize("corners", [PLATE, PLATE[::-1], PLATE[2:] + PLATE[:2]], ids=["clockwise", "other", "started"])
def test_one_plate_with_its_corners(told, corners):
    seen, bundle = seen_by(told(outputs(corners), (HEIGHT, WIDTH)))
    assert any("read as LPD-YuNet" in note and "--decode yunet-2022" in note for note in bundle.notes)
    assert [str(one.label) for one in seen] == ["plate"]
    assert seen.xyxy[0] == pytest.approx([97, 80, 190, 125], abs=0.01)
    quad = seen.extra[CORNERS][0]
    assert {tuple(np.round(corner).astype(int)) for corner in quad} == set(PLATE)
    x, y = quad[:, 0], quad[:, 1]
    assert (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() > 0  # clockwise, as `--align corners` wants it


def test_faces_of_that_size_are_asked_for(told):
    seen, bundle = seen_by(told(outputs(PLATE), (HEIGHT, WIDTH)), decoder="yunet-2022")
    assert any("read as YuNet of 2022 as asked" in note for note in bundle.notes)
    assert seen.labels == ("face",)


def test_plates_of_another_size_are_asked_for(told):
    file = told(outputs(PLATE, 288, 384), (288, 384))
    assert open_model(file).manifest.main.labels == ("face",)
    asked = open_model(file, decoder="lpd-yunet")
    assert asked.manifest.main.labels == ("plate",)
    assert any("read as LPD-YuNet as asked" in note for note in asked.notes)
