"""Small things in large frames: tiles that cover the frame, seams that double nothing, and a real detector."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from edgelens.runtime.api import Recognizer
from edgelens.runtime.bundle.manifest import Decode, Network
from edgelens.runtime.decode.rotated import corners_of_rotated
from edgelens.runtime.model.tiles import Look, merged, seams, tiles_of
from edgelens.runtime.preprocess import PixelContract
from edgelens.runtime.recognitions import CORNERS, Recognitions

NET = Network("detect", ("cell", "leaf"), PixelContract(64, 64), (), Decode("yolox", options={"iou": 0.5}), ())
WHOLE = (0, 0, 360, 100)
LEFT, RIGHT = (0, 0, 200, 100), (160, 0, 200, 100)  # 40 pixels in common


def look(part, *rows, whole=WHOLE, **columns):
    """Rows are x, y, w, h in the frame, score and class."""
    seen = Recognitions(
        NET.labels, [row[5] for row in rows], [row[4] for row in rows], boxes=[row[:4] for row in rows], **columns
    )
    return Look(seen, seams(part, whole), (2.0, 2.0))


def found(*looks):
    seen = merged(list(looks), NET)
    rows = zip(seen.boxes.tolist(), seen.scores.tolist(), seen.ids.tolist(), strict=True)
    return [(*map(round, box), round(score, 2), label) for box, score, label in rows]


@pytest.mark.parametrize("view", [(0, 0, 1920, 1080), (10, 20, 333, 1999), (0, 0, 640, 640), (0, 0, 50, 7)])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_tiles_cover_the_view_and_have_the_networks_shape(view, count):
    tiles = tiles_of(view, count, PixelContract(64, 64))
    covered = np.zeros((view[1] + view[3], view[0] + view[2]), int)
    for x, y, w, h in tiles:
        assert x >= view[0]
        assert y >= view[1]
        assert w > 0
        assert h > 0
        covered[y : y + h, x : x + w] += 1
    assert covered[view[1] :, view[0] :].min() >= 1
    assert covered[: view[1]].sum() == 0
    along = {tile[0] if view[2] >= view[3] else tile[1] for tile in tiles}
    assert len(along) == count or max(view[2:]) < 64
    if min(view[2:]) > 600:
        assert all(0.6 < w / h < 1.7 for _, _, w, h in tiles)


def test_a_whole_box_beats_the_piece_that_the_seam_left():
    piece = look(LEFT, (170, 20, 30, 40, 0.95, 0))  # ends at 200
    whole = look(RIGHT, (170, 20, 60, 40, 0.6, 0))
    assert found(piece, whole) == [(170, 20, 60, 40, 0.6, 0)]


@pytest.mark.parametrize("past", [0, 3, 6])
def test_a_piece_that_overshoots_the_seam_is_a_piece(past):
    whole = look(WHOLE, (100, 20, 150, 40, 0.9, 0))
    left = look(LEFT, (100, 20, 100 + past, 40, 0.8, 0))
    right = look(RIGHT, (160 - past, 20, 90 + past, 40, 0.8, 0))
    assert found(whole, left) == found(whole, right) == [(100, 20, 150, 40, 0.9, 0)]


def test_the_same_thing_in_both_tiles_is_one_and_another_class_stays():
    ours = look(LEFT, (165, 20, 30, 30, 0.8, 0))
    theirs = look(RIGHT, (166, 22, 30, 30, 0.9, 0), (166, 22, 30, 30, 0.7, 1))
    assert found(ours, theirs) == [(166, 22, 30, 30, 0.9, 0), (166, 22, 30, 30, 0.7, 1)]


def test_what_one_look_tells_apart_stays_apart():
    inner = ((100, 10, 60, 80, 0.9, 0), (112, 30, 45, 60, 0.85, 0))  # somebody behind somebody: nine tenths inside
    assert len(found(look(WHOLE, *inner), look(LEFT))) == 2
    assert len(found(look(WHOLE, *inner), look(LEFT, *inner))) == 2


def test_looks_are_compared_by_the_overlap_that_the_decoder_takes_unless_it_is_told_another():
    kit = dataclasses.replace(NET, decode=Decode("lens-det"))  # whose own is 0.6
    ours, theirs = look(LEFT, (164, 20, 20, 20, 0.9, 0)), look(RIGHT, (169.6, 20, 20, 20, 0.8, 0))  # 0.56
    assert len(merged([ours, theirs], kit)) == 2
    assert len(merged([ours, theirs], dataclasses.replace(kit, decode=Decode("lens-det", options={"iou": 0.5})))) == 1


def logs(part, *boxes, **columns):
    """Boxes center x, y, length, width and angle, each with its corners."""
    quads = corners_of_rotated(np.array(boxes, np.float32))
    low, high = quads.min(axis=1), quads.max(axis=1)
    rows = [(*box, 0.9 - i / 10, 0) for i, box in enumerate(np.concatenate([low, high - low], axis=1).tolist())]
    return look(part, *rows, extra={CORNERS: quads}, **columns)


def test_boxes_at_an_angle_are_told_apart_by_what_they_cover():
    beside = ((100, 50, 80, 8, 0.8), (107, 43, 80, 8, 0.8))  # two logs, whose upright boxes are nearly one
    ours, theirs = (logs(WHOLE, log) for log in beside)
    assert len(merged([ours, theirs], NET)) == 2
    again = logs(LEFT, (101, 50, 76, 7, 0.82))
    assert len(merged([ours, again], NET)) == 1
    shorter = logs(LEFT, (116.7, 67.2, 36, 7.3, 0.8))  # less alike than 0.5, but inside
    assert len(merged([ours, shorter], NET)) == 1


def test_a_rough_box_of_the_whole_look_yields_to_the_tiles_box():
    rough = look(WHOLE, (20, 20, 20, 20, 0.5, 0))
    fine = look(LEFT, (22, 22, 14, 15, 0.9, 0))
    assert found(rough, fine) == [(22, 22, 14, 15, 0.9, 0)]


def test_what_is_larger_than_the_tiles_overlap_is_put_together():
    ours = look(LEFT, (100, 30, 99, 40, 0.8, 0))
    theirs = look(RIGHT, (160, 31, 90, 40, 0.7, 0))
    assert found(ours, theirs) == [(100, 30, 150, 41, 0.8, 0)]
    seen_whole = look(WHOLE, (100, 30, 150, 41, 0.5, 0))
    assert found(seen_whole, ours, theirs) == [(100, 30, 150, 41, 0.5, 0)]


def test_two_things_at_one_seam_stay_two():
    ours = look(LEFT, (150, 5, 49, 30, 0.8, 0), (150, 60, 49, 30, 0.8, 0))
    theirs = look(RIGHT, (162, 5, 60, 30, 0.9, 0), (162, 60, 60, 30, 0.9, 0))
    assert [row[:4] for row in found(ours, theirs)] == [(150, 5, 72, 30), (150, 60, 72, 30)]


def test_a_box_at_the_frames_own_edge_is_not_cut():
    assert found(look(LEFT, (0, 20, 30, 99, 0.8, 0)), look(RIGHT)) == [(0, 20, 30, 99, 0.8, 0)]


def test_masks_of_one_thing_in_two_tiles_are_one_over_the_whole_box():
    upper = np.zeros((1, 8, 8), np.uint8)
    upper[:, :4] = 255
    ours = look(LEFT, (100, 30, 99, 40, 0.8, 0), masks=upper)
    theirs = look(RIGHT, (160, 30, 90, 40, 0.7, 0), masks=np.full((1, 8, 8), 255, np.uint8))
    apart = look(WHOLE, (300, 10, 20, 20, 0.5, 1), masks=np.full((1, 8, 8), 255, np.uint8))
    seen = merged([apart, ours, theirs], NET)
    assert seen.boxes.tolist() == [[100, 30, 150, 40], [300, 10, 20, 20]]
    mask, other = seen.masks >= 128
    high, wide = mask.shape
    assert mask[: high // 2].all(), "both have the upper half"
    assert not mask[high // 2 + 1 :, : int(wide * 0.4) - 1].any(), "the left one alone has no lower half"
    assert mask[:, int(wide * 0.4) + 1 :].all(), "the right one has both"
    assert other.all()


def test_nothing_anywhere_is_nothing():
    assert len(merged([look(WHOLE), look(LEFT), look(RIGHT)], NET)) == 0


def test_people_too_small_for_one_look_are_found_once_each(shared, tmp_path):
    """One street scene 64 times side by side: as one picture of YOLOX's size nobody is left to see."""
    from edgelens.runtime.datasets.catalog import load_boxes
    from edgelens.runtime.model.evaluate import evaluate
    from edgelens.runtime.model.open import open_model

    capture = cv2.VideoCapture(str(shared / "video/one-by-one-person-detection.mp4"))
    for _ in range(301):
        frame = capture.read()[1]
    one = cv2.resize(frame, (160, 90), interpolation=cv2.INTER_AREA)
    frame = np.tile(one, (8, 8, 1))
    path = str(shared / "models/yolox/yolox_nano.onnx")
    with Recognizer(path, classes=[0]) as plain, Recognizer(path, classes=[0], tile=4) as tiled:
        alone = plain(one).boxes[0]
        assert len(plain(frame)) == 0
        seen = tiled(frame)
        assert len(seen) == 64
        (result,) = tiled.stream(_written(tmp_path / "scene.png", frame))
    assert result.seen.boxes == pytest.approx(seen.boxes, abs=1)
    assert {"preprocess", "infer", "decode", "merge"} <= set(result.stages_ms)
    places = {(round(float(x - alone[0]) / 160), round(float(y - alone[1]) / 90)) for x, y in seen.boxes[:, :2]}
    assert len(places) == 64

    (tmp_path / "data/images").mkdir(parents=True)
    (tmp_path / "data/labels").mkdir()
    _written(tmp_path / "data/images/a.png", frame)
    w, h = alone[2] / 1280, alone[3] / 720
    lines = [
        f"0 {(alone[0] + 160 * i) / 1280 + w / 2} {(alone[1] + 90 * j) / 720 + h / 2} {w} {h}"
        for i in range(8)
        for j in range(8)
    ]
    (tmp_path / "data/labels/a.txt").write_text("\n".join(lines))
    (tmp_path / "data/names.txt").write_text("person\n")
    report = evaluate(open_model(path, tile=4, classes=[0]), load_boxes(tmp_path / "data"))
    assert report.report.to_json()["map50"] > 0.95
    assert report.stages_ms["merge"]["p50"] > 0


def _written(path, image):
    cv2.imwrite(str(path), image)
    return str(path)


def test_a_bundle_looks_in_tiles_as_it_is_asked_and_is_verified_as_a_whole(halves_bundle):
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.model.verify import verify_bundle

    bundle = open_model(halves_bundle, tile=2)
    assert bundle.manifest.main.decode.options["tile"] == 2
    image = np.zeros((40, 160, 3), np.uint8)
    with Recognizer(bundle) as recognizer:
        boxes = recognizer(image).boxes
    assert len(boxes) > 2
    if bundle.manifest.golden:
        assert verify_bundle(bundle).ok


def test_a_classifier_takes_no_notice(color_bundle, frames_of_colors):
    with Recognizer(color_bundle, tile=3) as recognizer:
        assert recognizer(frames_of_colors[0]).top[0] == "red"
