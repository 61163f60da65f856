"""Masks of networks that mix prototypes, each against the same made plainly: mixed, enlarged, cropped, cut at a half.

Graphs with the outputs, metadata and shapes that Ultralytics' exporter writes; their answers are told.
"""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.decode.ultralytics_reading import read_as_ultralytics
from edgelens.runtime.formats.description import ModelDescription
from edgelens.runtime.formats.tensor import TensorInfo
from edgelens.runtime.images.masks import outlines
from edgelens.runtime.model.joined import joined
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.tasks.drawing import drawn_on

SIDE, MAPS = 128, 32
BOXES = np.array([[40, 70, 50, 40], [90, 64, 30, 60]], np.float32)  # centre x, y, w, h in input pixels
METADATA = {"stride": "32", "task": "segment", "imgsz": f"[{SIDE}, {SIDE}]", "names": "{0: 'cell', 1: 'leaf'}"}


def outputs(columns_first=True):
    """Two things, the first a disc of radius 15, the second all that is right of x = 90."""
    y, x = np.mgrid[: SIDE // 4, : SIDE // 4] * 4 + 2.0
    maps = np.zeros((MAPS, SIDE // 4, SIDE // 4), np.float32)
    maps[3] = (15 - np.hypot(x - 40, y - 70)) * 2
    maps[7] = (x - 90) * 0.4
    rows = np.zeros((4 + 2 + MAPS, 336), np.float32)
    rows[2:4] = 10
    rows[:4, [5, 9]] = BOXES.T
    rows[4, 5], rows[5, 9] = 0.9, 0.8
    rows[6 + 3, 5], rows[6 + 7, 9] = 0.5, 1.5
    maps = maps if columns_first else maps.transpose(1, 2, 0)
    return {"predictions": rows[None], "prototypes": maps[None].copy()}


def described(*, metadata=METADATA, maps=(1, MAPS, 32, 32), first=False, labels=()):
    """What a file with these two outputs says of itself."""
    rows = TensorInfo("output0", (1, 6 + MAPS, 336), "float32")
    masks = TensorInfo("output1", maps, "float32")
    pair = (masks, rows) if first else (rows, masks)
    picture = TensorInfo("images", (1, 3, SIDE, SIDE), "float32")
    return ModelDescription("onnx", "onnxruntime", (picture,), pair, (), "opset 17", metadata=metadata, labels=labels)


def network(reading, labels=("cell", "leaf")):
    pixels = PixelContract(SIDE, SIDE, "rgb", reading.resize, reading.filter, reading.pad, reading.anchor)
    return Network("detect", labels, pixels, tuple(map(Output, reading.outputs)), reading.decode, ())


def plain(answer, box, coefficients, frame, placement):
    """The reference: all maps mixed, enlarged to the input, cut at a half, taken to the frame, cropped to the box."""
    mixed = np.tensordot(coefficients, answer["prototypes"][0], axes=1)
    large = cv2.resize(mixed, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    top, left = round(placement.offset_y), round(placement.offset_x)
    inner = large[top : SIDE - top, left : SIDE - left]
    whole = cv2.resize(inner, frame[::-1], interpolation=cv2.INTER_LINEAR) > 0
    x, y, w, h = (round(float(v)) for v in box)
    inside = np.zeros(frame, bool)
    inside[y : y + h, x : x + w] = True
    return whole & inside


@pytest.mark.parametrize("frame", [(128, 128), (240, 320)])
def test_masks_are_those_made_plainly(frame):
    answer, reading = outputs(), read_as_ultralytics(described(), ())
    assert reading.outputs == ("predictions", "prototypes")
    net = network(reading)
    placement = fit_frame(np.zeros((*frame, 3), np.uint8), net.pixels)[1]
    seen = decoder_for(net)(answer, placement)
    assert [label for label, _ in seen] == ["cell", "leaf"]
    for row, column in ((0, 5), (1, 9)):
        wanted = plain(answer, seen.boxes[row], answer["predictions"][0, 6:, column], frame, placement)
        found = np.zeros(frame, np.uint8)
        cv2.fillPoly(found, [np.floor(part).astype(np.int32) for part in outlines(seen.masks[row], seen.boxes[row])], 1)
        assert wanted.sum() > 200
        assert (found.astype(bool) & wanted).sum() / (found.astype(bool) | wanted).sum() > 0.96


def test_a_mask_is_outlines_in_json_and_a_tint_in_the_picture():
    net = network(read_as_ultralytics(described(), ()))
    frame = np.full((256, 256, 3), 30, np.uint8)
    seen = decoder_for(net)(outputs(), fit_frame(frame, net.pixels)[1])
    (outline,) = json.loads(json.dumps(seen[0].to_dict()))["mask"]
    distance = np.hypot(*(np.array(outline) - [80, 140]).T)
    assert distance == pytest.approx(np.full(len(outline), 30), abs=1.5)
    drawn = drawn_on(frame, seen)
    inside, outside = drawn[140, 80].astype(int), drawn[115, 40].astype(int)  # both in the box, one in the disc
    assert np.abs(inside - 30).max() > 20
    assert np.abs(outside - 30).max() < 3


def test_tflite_exports_have_their_maps_last_and_others_come_first():
    assert read_as_ultralytics(described(first=True), ()).picked == ("output0", "output1")
    found = []
    for kind, axis in (("onnx", "first"), ("tflite", "last")):
        reading = read_as_ultralytics(dataclasses.replace(described(), format=kind), ())
        assert (reading.picked, reading.decode.options["masks"]) == ((), axis)
        net = network(reading)
        placement = fit_frame(np.zeros((SIDE, SIDE, 3), np.uint8), net.pixels)[1]
        found.append(decoder_for(net)(outputs(axis == "first"), placement).masks)
    assert np.array_equal(*found)


def test_without_metadata_the_maps_are_no_classes():
    reading = read_as_ultralytics(described(metadata={}), ())
    assert reading.classes == 2
    net = network(reading)
    seen = decoder_for(net)(outputs(), fit_frame(np.zeros((SIDE, SIDE, 3), np.uint8), net.pixels)[1])
    assert [label for label, _ in seen] == ["cell", "leaf"]
    assert seen.masks is not None


def test_a_box_without_any_of_its_thing_is_none():
    answer, reading = outputs(), read_as_ultralytics(described(), ())
    answer["predictions"][0, :4, 5] = [100, 20, 20, 20]  # far from the disc
    net = network(reading)
    seen = decoder_for(net)(answer, fit_frame(np.zeros((SIDE, SIDE, 3), np.uint8), net.pixels)[1])
    assert [label for label, _ in seen] == ["leaf"]
    assert len(seen.masks) == len(seen.boxes) == 1


@pytest.mark.parametrize("metadata", [{**METADATA, "end2end": "True"}, {}])
def test_finished_rows_with_their_maps(metadata):
    """As networks without suppression end: corners, score, class, mixture; known by the maps alone, too."""
    columns = outputs()
    rows = np.zeros((1, 300, 6 + MAPS), np.float32)
    for row, (column, label, score) in enumerate([(5, 0, 0.9), (9, 1, 0.8)]):
        x, y, w, h = columns["predictions"][0, :4, column]
        rows[0, row, :6] = [x - w / 2, y - h / 2, x + w / 2, y + h / 2, score, label]
        rows[0, row, 6:] = columns["predictions"][0, 6:, column]
    file = described(metadata=metadata)
    finished = TensorInfo("output0", rows.shape, "float32")
    reading = read_as_ultralytics(dataclasses.replace(file, outputs=(finished, file.outputs[1])), ())
    net, plain_net = network(reading), network(read_as_ultralytics(described(), ()))
    placement = fit_frame(np.zeros((SIDE, SIDE, 3), np.uint8), net.pixels)[1]
    seen = decoder_for(net)({**columns, "predictions": rows}, placement)
    wanted = decoder_for(plain_net)(columns, placement)
    assert list(seen) == list(wanted)
    assert np.array_equal(seen.masks, wanted.masks)


def test_a_box_beyond_the_frame_has_the_mask_of_what_is_inside():
    answer = outputs()
    answer["predictions"][0, :4, 5] = [0, 70, 130, 40]
    net = network(read_as_ultralytics(described(), ()))
    seen = decoder_for(net)(answer, fit_frame(np.zeros((SIDE, SIDE, 3), np.uint8), net.pixels)[1])
    assert seen.boxes[0] == pytest.approx([0, 50, 65, 40])
    (outline,) = outlines(seen.masks[0], seen.boxes[0])
    assert np.hypot(*(outline - [40, 70]).T) == pytest.approx(np.full(len(outline), 15), abs=1)


def test_masks_of_several_parts_are_stretched_to_the_finest():
    parts = [
        Recognitions(("a",), [0], [0.5], boxes=[[0, 0, 8, 8]], masks=np.full((1, 8, 8), 255, np.uint8)),
        Recognitions(("a",), [0], [0.5], boxes=[[8, 0, 8, 8]], masks=np.full((1, 12, 16), 255, np.uint8)),
    ]
    both = joined(parts, ("a",), "detect")
    assert both.masks.shape == (2, 12, 16)
    assert both.masks.min() == 255


def test_nothing_found_has_no_masks_to_make():
    answer = outputs()
    answer["predictions"][0, 4:6] = 0
    net = network(read_as_ultralytics(described(), ()))
    seen = decoder_for(net)(answer, fit_frame(np.zeros((SIDE, SIDE, 3), np.uint8), net.pixels)[1])
    assert len(seen) == 0
    assert seen.to_dict()["results"] == []


def test_a_manifest_may_not_ask_for_maps_in_other_words():
    from edgelens.runtime.decode.ultralytics import UltralyticsOptions
    from edgelens.runtime.errors import ModelError

    with pytest.raises(ModelError, match="'masks' has a value"):
        UltralyticsOptions.of(Decode("ultralytics", options={"layout": "v8", "masks": True}))
