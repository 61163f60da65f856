"""SCRFD's outputs, told, against its published post-processing written out plainly, anchor by anchor."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from plain_boxes import best_of

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.decode.scrfd import read_as_scrfd
from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.catalog import describe
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import PixelContract, fit_frame

SIZE = (96, 160)  # height and width
THREE, FIVE = (8, 16, 32), (8, 16, 32, 64, 128)
NUMBERS = ("448", "471", "494", "451", "474", "497", "454", "477", "500")  # as InsightFace's own files call them
IMAGE = np.zeros((*SIZE, 3), np.uint8)


def anchors(stride, each, size=SIZE):
    return [
        (x * stride, y * stride)
        for y in range(math.ceil(size[0] / stride))
        for x in range(math.ceil(size[1] / stride))
        for _ in range(each)
    ]


def outputs(strides=THREE, each=2, *, points=True, flat=True, size=SIZE, seed=0):
    """Scores of all strides, then distances, then keypoints; a few sure anchors a stride, one of them twice."""
    rng = np.random.default_rng(seed)
    parts = {"score": {}, "bbox": {}, "kps": {}}
    for stride in strides:
        count = len(anchors(stride, each, size))
        scores = rng.uniform(0, 0.3, (count, 1))
        sure = rng.choice(count, min(count, 4), replace=False)
        scores[sure, 0] = rng.uniform(0.5, 1, len(sure))
        if each > 1:
            scores[sure[0] ^ 1, 0] = 0.6  # the other anchor of the same cell
        parts["score"][stride] = scores
        parts["bbox"][stride] = rng.uniform(0.5, 2, (count, 4))
        parts["kps"][stride] = rng.normal(0, 1, (count, 10))
    told = {
        f"{part}_{stride}": values.astype(np.float32) if flat else values.astype(np.float32)[None]
        for part, by_stride in parts.items()
        for stride, values in by_stride.items()
        if points or part != "kps"
    }
    assert len(told) == len(strides) * (3 if points else 2)
    return told


def renamed(told, names=NUMBERS):
    return dict(zip(names, told.values(), strict=True))


def plain(told, strides, each, *, threshold=0.5, share=0.4, size=SIZE):
    """(score, corners, keypoints) of all faces, the best first, none that overlaps a better one too much."""
    every = []
    for stride in strides:
        scores, boxes = (told[f"{part}_{stride}"].reshape(-1, wide) for part, wide in (("score", 1), ("bbox", 4)))
        points = told.get(f"kps_{stride}", np.zeros((len(scores), 10))).reshape(-1, 10)
        for (x, y), (score,), (left, top, right, bottom), spots in zip(
            anchors(stride, each, size), scores, boxes * stride, points * stride, strict=True
        ):
            corners = np.array([x - left, y - top, x + right, y + bottom])
            every.append((score, corners, [(x + dx, y + dy) for dx, dy in spots.reshape(5, 2)]))
    return best_of((face for face in every if face[0] >= threshold), share)


def see(path, image=IMAGE, **options):
    bundle = open_model(path, **options)
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(Frame(image)).recognitions, bundle


def check(seen, wanted, *, points=True):
    assert len(seen) == len(wanted) > 4
    assert {label for label, _ in seen} == {"face"}
    assert seen.scores == pytest.approx([score for score, _, _ in wanted], abs=1e-5)
    assert seen.xyxy == pytest.approx(np.clip([box for _, box, _ in wanted], 0, [*SIZE[::-1]] * 2), abs=0.01)
    if points:
        spots = np.clip([spots for *_, spots in wanted], 0, SIZE[::-1])
        assert seen.keypoints[..., :2] == pytest.approx(spots, abs=0.01)
        assert (seen.keypoints[..., 2] == 1).all()
    else:
        assert seen.keypoints is None


@pytest.mark.parametrize(
    ("strides", "each", "points", "flat", "numbered"),
    [
        (THREE, 2, True, True, True),
        (THREE, 2, True, False, False),
        (THREE, 2, False, True, True),
        (FIVE, 1, True, False, True),
        (FIVE, 1, False, True, False),
    ],
)
def test_faces_are_where_the_formulas_say(told, strides, each, points, flat, numbered):
    given = outputs(strides, each, points=points, flat=flat)
    file = renamed(given, [str(440 + i) for i in range(len(given))]) if numbered else given
    seen, bundle = see(told(file, SIZE))
    assert bundle.notes[0] == "read as SCRFD from its outputs"
    check(seen, plain(given, strides, each), points=points)


def test_the_picture_is_red_green_blue_at_the_top_left(told):
    _, bundle = see(told(renamed(outputs()), SIZE))
    network = bundle.manifest.main
    assert (network.labels, network.decode.threshold, network.decode.options["iou"]) == (("face",), 0.5, 0.4)
    pixels = network.pixels
    assert (pixels.color, pixels.resize, pixels.anchor, pixels.pad) == ("rgb", "letterbox", "topleft", 0)
    assert (network.files[0].tensor.mean, network.files[0].tensor.std) == ((127.5,), (128.0,))


def test_outputs_in_any_order_are_told_by_their_rows_and_numbers(told):
    given = outputs()
    mixed = dict(sorted(renamed(given).items(), key=lambda item: item[0][::-1]))
    assert list(mixed) != sorted(mixed)
    check(see(told(mixed, SIZE))[0], plain(given, THREE, 2))


def test_an_edge_that_cuts_cells_has_anchors_there_too(told):
    size = (100, 150)
    given = outputs(size=size)
    seen, _ = see(told(given, size), np.zeros((*size, 3), np.uint8))
    wanted = plain(given, THREE, 2, size=size)
    assert seen.scores == pytest.approx([score for score, _, _ in wanted], abs=1e-5)
    assert seen.xyxy == pytest.approx(np.clip([box for _, box, _ in wanted], 0, [150, 100, 150, 100]), abs=0.01)


def test_one_score_and_four_numbers_a_cell_could_be_any_detectors(told):
    given = renamed(outputs(FIVE, 1, points=False), [f"out{i}" for i in range(10)])
    path = told(given, SIZE)
    with pytest.raises(ModelError, match=r"no decoder fits its outputs .* say --decode scrfd"):
        open_model(path)
    asked, bundle = see(path, decoder="scrfd")
    assert bundle.notes[0] == "read as SCRFD as asked"
    check(asked, plain(outputs(FIVE, 1, points=False), FIVE, 1), points=False)


def test_other_counts_of_rows_are_another_family(told):
    path = told(renamed(outputs(size=(128, 160))), SIZE)
    with pytest.raises(ModelError, match="no decoder fits its outputs"):
        open_model(path)
    with pytest.raises(ModelError, match=r"scrfd: 640, 640, 640 rows are no anchors at stride 8 of a 160x96 picture"):
        see(path, decoder="scrfd")


def test_maps_that_are_no_rows_are_refused_as_such(told):
    """As MXNet's RetinaFace has them: four, eight and twenty numbers a cell, two anchors' together."""
    maps = {
        f"out{stride}_{wide}": np.zeros((1, wide, SIZE[0] // stride, SIZE[1] // stride), np.float32)
        for stride in THREE[::-1]
        for wide in (4, 8, 20)
    }
    with pytest.raises(ModelError, match="maps before they are decoded"):
        open_model(told(maps, SIZE))


def described(told, given, size=SIZE, shape=(1, 3, None, None), rows=True):
    """The file as it is where its picture, and perhaps its rows, are left open."""
    path = told(given, size)
    with open(path, "rb") as file:
        model = describe(file.read(), path)
    inputs = (dataclasses.replace(model.inputs[0], shape=shape),)
    open_rows = tuple(dataclasses.replace(o, shape=(None, None, o.shape[-1])) for o in model.outputs)
    return dataclasses.replace(model, inputs=inputs, outputs=model.outputs if rows else open_rows)


def test_one_for_pictures_of_any_size_states_the_rows_of_the_size_that_it_was_exported_with(told):
    """As InsightFace's own files do: 12800, 3200 and 800 rows, which are those of 640x640."""
    given = renamed(outputs(size=(640, 640)))
    for shape, said in (((None, 3, None, None), True), ((1, 3, 320, 320), False)):  # --input-size 320x320
        reading = read_as_scrfd(described(told, given, (640, 640), shape), ())
        assert reading is not None
        assert (reading.size, any("640x640 unless --input-size" in note for note in reading.notes)) == (
            (640, 640),
            said,
        )
        assert reading.outputs == tuple(f"{p}_{s}" for p in ("scores", "distances", "points") for s in THREE)


def test_open_rows_are_told_by_names_or_by_the_exporters_order(told):
    named, numbered = (described(told, given, rows=False) for given in (outputs(), renamed(outputs())))
    wanted = tuple(f"{p}_{s}" for p in ("scores", "distances", "points") for s in THREE)
    assert [read_as_scrfd(file, ()).outputs for file in (named, numbered)] == [wanted, wanted]
    turned = dataclasses.replace(named, outputs=named.outputs[::-1])
    assert read_as_scrfd(turned, ()).outputs == wanted[::-1]
    bare = described(told, renamed(outputs(points=False), NUMBERS[:6]), rows=False)
    assert read_as_scrfd(bare, ()) is None
    assert read_as_scrfd(bare, (), asked=True).outputs == wanted[:6]


def test_numbers_that_are_none_spoil_no_other_face():
    given = {
        name.replace("score", "scores").replace("bbox", "distances").replace("kps", "points"): values
        for name, values in outputs().items()
    }
    pixels = PixelContract(*SIZE, resize="letterbox", anchor="topleft")
    decode = Decode("scrfd", 0.5, options={"iou": 0.4})
    network = Network("detect", ("face",), pixels, tuple(map(Output, given)), decode, ())
    see_in, placement = decoder_for(network), fit_frame(IMAGE, pixels)[1]
    before = see_in(given, placement)
    row = int(given["scores_8"].argmin())
    given["scores_8"][row], given["distances_8"][row] = 0.99, np.nan
    assert see_in(given, placement).boxes == pytest.approx(before.boxes)
