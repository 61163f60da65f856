"""Every detector where there is nothing to be seen, and where that is seen in tiles: no rows, and no mistake."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.model.tiles import Look, merged, seams
from edgelens.runtime.preprocess import PixelContract, fit_frame

ANCHORS = {"face": (128, 896, 16), "palm": (192, 2016, 18), "person": (224, 2254, 12)}
STRIDES = (8, 16, 32)
SCRFD = {"scores": 1, "distances": 4, "points": 10}


def low(*shape):
    return np.full((1, *shape), -20, np.float32)


def none(*shape):
    return np.zeros((1, *shape), np.float32)


def cases():
    for label, (side, rows, columns) in ANCHORS.items():
        options = {"circled": True} if label == "person" else {}
        yield label, "mediapipe", side, options, {"boxes": none(rows, columns), "scores": low(rows, 1)}
    parts = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    faces = {f"{part}_{s}": none((64 // s) ** 2, wide) for part, wide in parts.items() for s in STRIDES}
    yield "yunet", "yunet", 64, {}, faces
    yield "one pose", "movenet", 64, {}, {"people": none(1, 17, 3)}
    yield "six poses", "movenet", 64, {}, {"people": none(6, 56)}
    yield "yolo-nas", "yolo-nas", 64, {}, {"boxes": none(84, 4), "scores": none(84, 3)}
    yield "yolov7-nms", "yolo-nas", 64, {"layout": "class score"}, {"rows": np.zeros((0, 7), np.float32)}
    scrfd = {f"{part}_{s}": none(2 * (64 // s) ** 2, wide)[0] for part, wide in SCRFD.items() for s in STRIDES}
    yield "scrfd", "scrfd", 64, {}, scrfd
    yield "retinaface", "retinaface", 64, {}, {"boxes": none(168, 4), "scores": none(168, 2), "points": none(168, 10)}
    yield "nanodet", "nanodet", 64, {}, {"predictions": none(64 + 16 + 4 + 1, 3 + 32)}
    yield "fastestdet", "fastestdet", 64, {}, {"grid": none(5 + 3, 4, 4)}
    yield "yolox", "yolox", 64, {}, {"grid": none(84, 5 + 3)}
    ssd = {"boxes": none(9, 4), "classes": none(9), "scores": none(9), "count": np.zeros((1, 1), np.float32)}
    yield "ssd", "ssd", 64, {}, ssd
    yield "yolo-nas's batch", "yolo-nas", 64, {"layout": "batch"}, ssd
    yield "its own suppression", "ultralytics", 64, {"layout": "nms"}, {"predictions": none(9, 6)}
    rows = {"predictions": none(4 + 2, 84)}
    yield "v8", "ultralytics", 64, {"layout": "v8"}, rows
    yield (
        "pose",
        "ultralytics",
        64,
        {"layout": "v8", "class_count": 1, "keypoints": [17, 3]},
        {"predictions": none(4 + 1 + 51, 84)},
    )
    yield "obb", "ultralytics", 64, {"layout": "v8", "class_count": 1, "rotated": True}, rows
    yield (
        "segment",
        "ultralytics",
        64,
        {"layout": "v8", "class_count": 1, "masks": "first"},
        {
            "predictions": none(4 + 1 + 32, 84),
            "prototypes": none(32, 16, 16),
        },
    )


@pytest.mark.parametrize(
    ("decoder", "side", "options", "outputs"), [pytest.param(*case[1:], id=case[0]) for case in cases()]
)
def test_a_network_that_broke_down_sees_nothing(decoder, side, options, outputs):
    pixels = PixelContract(side, side, resize="letterbox")
    net = Network("detect", (), pixels, tuple(map(Output, outputs)), Decode(decoder, 0.3, options=options), ())
    broken = {name: np.full_like(values, np.nan) for name, values in outputs.items()}
    assert len(decoder_for(net)(broken, fit_frame(np.zeros((1, 1, 3), np.uint8), pixels)[1])) == 0


@pytest.mark.parametrize(
    ("decoder", "side", "options", "outputs"), [pytest.param(*case[1:], id=case[0]) for case in cases()]
)
def test_nothing_is_nothing(decoder, side, options, outputs):
    pixels = PixelContract(side, side, resize="letterbox")
    net = Network("detect", (), pixels, tuple(map(Output, outputs)), Decode(decoder, 0.3, options=options), ())
    seen = decoder_for(net)(outputs, fit_frame(np.zeros((60, 90, 3), np.uint8), pixels)[1])
    assert len(seen) == 0
    assert seen.to_dict()["results"] == []
    whole = (0, 0, 90, 60)
    assert len(merged([Look(seen, seams(part, whole), (1.0, 1.0)) for part in (whole, (0, 0, 50, 60))], net)) == 0
