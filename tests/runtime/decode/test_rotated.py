"""Rotated boxes: their corners, their suppression, and what of them stands in results and pictures.

Graphs' outputs as Ultralytics' exporter lays them out; overlaps against polygons that OpenCV intersects.
"""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.decode.rotated import alike, corners_of_rotated
from edgelens.runtime.decode.ultralytics_reading import read_as_ultralytics
from edgelens.runtime.formats.description import ModelDescription
from edgelens.runtime.formats.tensor import TensorInfo
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.runtime.tasks.drawing import drawn_on

SIDE = 64
METADATA = {"stride": "32", "task": "obb", "imgsz": f"[{SIDE}, {SIDE}]", "names": "{0: 'ship', 1: 'plane'}"}
FOUND = [  # centre x, y, w, h, angle, class, score
    ((30, 32, 40, 10, 0.5), 0, 0.9),
    ((31, 32, 40, 10, 0.52), 0, 0.6),  # the same ship
    ((30, 32, 40, 10, -1.0), 0, 0.8),  # one that lies across it: their upright boxes overlap by far
    ((30, 33, 40, 10, 0.5), 1, 0.7),
]


def described(shape, metadata=METADATA):
    picture = TensorInfo("images", (1, 3, SIDE, SIDE), "float32")
    found = (TensorInfo("output0", shape, "float32"),)
    return ModelDescription("onnx", "onnxruntime", (picture,), found, (), "opset 17", metadata=metadata)


def see(rows, reading, frame=(SIDE, SIDE)):
    pixels = PixelContract(SIDE, SIDE, "rgb", reading.resize, reading.filter, reading.pad, reading.anchor)
    net = Network("detect", ("ship", "plane"), pixels, tuple(map(Output, reading.outputs)), reading.decode, ())
    return decoder_for(net)({"predictions": rows}, fit_frame(np.zeros((*frame, 3), np.uint8), pixels)[1])


def columns():
    rows = np.zeros((1, 4 + 2 + 1, 84), np.float32)
    rows[0, 2:4] = 10
    for k, (box, label, score) in enumerate(FOUND):
        rows[0, :4, 3 * k], rows[0, 4 + label, 3 * k], rows[0, 6, 3 * k] = box[:4], score, box[4]
    return rows


def test_corners_are_opencvs():
    rng = np.random.default_rng(2)
    boxes = np.c_[rng.uniform(0, 90, (20, 2)), rng.uniform(4, 40, (20, 2)), rng.uniform(-1, 3, 20)]
    for box, found in zip(boxes, corners_of_rotated(boxes), strict=True):
        wanted = cv2.boxPoints((tuple(box[:2]), tuple(box[2:4]), float(np.degrees(box[4]))))
        apart = np.linalg.norm(found[:, None] - wanted[None], axis=2)
        assert apart.min(axis=1).max() < 1e-3
        assert apart.min(axis=0).max() < 1e-3


def test_alike_ranks_boxes_as_the_overlap_of_their_polygons_does():
    rng = np.random.default_rng(5)
    first = np.array([[50, 50, 40, 12, 0.4]])
    others = first + rng.normal(0, 1, (60, 5)) * [8, 8, 4, 2, 0.5]
    found = alike(first.repeat(60, axis=0), others)
    wanted = []
    for box in others:
        pair = [((x, y), (w, h), np.degrees(angle)) for x, y, w, h, angle in (first[0], box)]
        shared = cv2.rotatedRectangleIntersection(*pair)[1]
        area = 0 if shared is None else cv2.contourArea(cv2.convexHull(shared))
        wanted.append(area / (first[0, 2] * first[0, 3] + box[2] * box[3] - area))
    ranks = np.argsort(np.argsort(found)), np.argsort(np.argsort(wanted))
    assert np.corrcoef(*ranks)[0, 1] > 0.9
    assert alike(first, first)[0] == pytest.approx(1, abs=1e-3)
    assert alike(first, first + np.array([500, 0, 0, 0, 0]))[0] == pytest.approx(0, abs=1e-3)


def test_one_that_lies_across_stays_and_the_same_one_goes():
    reading = read_as_ultralytics(described((1, 7, 84)), ())
    seen = see(columns(), reading, frame=(128, 128))
    assert [(label, round(score, 1)) for label, score in seen] == [("ship", 0.9), ("ship", 0.8), ("plane", 0.7)]
    wanted = corners_of_rotated(np.array([FOUND[0][0]])) * 2
    assert seen.extra["corners"][0] == pytest.approx(wanted[0], abs=1e-3)
    x, y, w, h = seen.boxes[0]
    assert (x, y, x + w, y + h) == pytest.approx((*wanted[0].min(axis=0), *wanted[0].max(axis=0)), abs=1e-3)
    row = json.loads(json.dumps(seen[0].to_dict()))
    assert np.array(row["corners"]) == pytest.approx(wanted[0], abs=0.01)


def test_exports_that_end_in_their_own_suppression():
    rows = np.zeros((1, 300, 7), np.float32)
    for k, (box, label, score) in enumerate(FOUND[::2]):
        rows[0, k] = [*box[:4], score, label, box[4]]
    reading = read_as_ultralytics(described((1, 300, 7), {**METADATA, "args": "{'nms': True}"}), ())
    seen = see(rows, reading)
    assert [label for label, _ in seen] == ["ship", "ship"]
    assert seen.extra["corners"][1] == pytest.approx(corners_of_rotated(np.array([FOUND[2][0]]))[0], abs=1e-3)


def test_of_a_chain_only_the_best_is_left():
    """Each lies 8 beside the one before it: the third is like the second alone, which is not there any more."""
    reading = read_as_ultralytics(described((1, 7, 84)), ())
    rows = np.zeros((1, 7, 84), np.float32)
    rows[0, 2:4] = 10
    for k in range(3):
        rows[0, :5, 9 * k] = 20 + 8 * k, 32, 40, 25, 0.9 - 0.1 * k
    boxes = np.concatenate([rows[0, :4, [0, 9, 18]], rows[0, 6:, [0, 9, 18]]], axis=1)
    iou = reading.decode.options["iou"]
    assert (alike(boxes[:2], boxes[1:]) > iou).all()
    assert alike(boxes[:1], boxes[2:])[0] < iou
    assert [label for label, _ in see(rows, reading)] == ["ship"]


def test_finished_rows_without_metadata_are_asked_for():
    rows = np.zeros((1, 300, 7), np.float32)
    rows[0, 0] = [30, 32, 40, 10, 0.9, 1, 0.5]
    asked = read_as_ultralytics(described((1, 300, 7), {}), ("ship", "plane"), asked=True, layout="v8", kind="obb")
    assert [label for label, _ in see(rows, asked)] == ["plane"]


def test_without_metadata_it_is_asked_for():
    asked = read_as_ultralytics(described((1, 7, 84), {}), (), asked=True, layout="v8", kind="obb")
    assert asked.classes == 2
    assert [label for label, _ in see(columns(), asked)] == ["ship", "ship", "plane"]
    guessed = read_as_ultralytics(described((1, 7, 84), {}), ())
    assert "rotated" not in guessed.decode.options


def test_corners_beyond_the_frame_stay_square():
    rows = columns()
    rows[0, :2, 0] = [4, 32]
    seen = see(rows, read_as_ultralytics(described((1, 7, 84)), ()))
    sides = np.diff(np.vstack([seen.extra["corners"][0], seen.extra["corners"][0][:1]]), axis=0)
    assert np.linalg.norm(sides, axis=1) == pytest.approx([40, 10, 40, 10], abs=1e-3)
    assert seen.boxes[0, 0] == 0


def test_they_are_drawn_as_they_lie():
    seen = see(columns(), read_as_ultralytics(described((1, 7, 84)), ()), frame=(256, 256))[:1]
    drawn = drawn_on(np.zeros((256, 256, 3), np.uint8), seen)
    middles = (seen.extra["corners"][0] + np.roll(seen.extra["corners"][0], -1, axis=0)) / 2
    for x, y in np.rint(middles).astype(int):
        assert drawn[y, x].max() > 100
    x, y, _, h = np.rint(seen.boxes[0]).astype(int)
    assert drawn[y + h - 1, x : x + 20].max() < 50  # no upright box beside it
