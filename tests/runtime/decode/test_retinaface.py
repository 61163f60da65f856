"""RetinaFace's outputs, told, against its published post-processing written out plainly, prior box by prior box."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from plain_boxes import best_of

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.decode.retinaface import read_as_retinaface
from edgelens.runtime.errors import ModelError
from edgelens.runtime.formats.catalog import describe
from edgelens.runtime.formats.description import Operator
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import PixelContract, fit_frame

SIZE = (100, 150)  # height and width: no multiples of the strides
OWN = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
SMALL = {8: (10, 16, 24), 16: (32, 48), 32: (64, 96), 64: (128, 192, 256)}
ORDER = ("loc", "conf", "landmarks")


def priors(kind, size=SIZE):
    """Middle and sides of every prior box as fractions of the picture, as the family's own code counts them."""
    height, width = size
    for stride, sides in kind.items():
        for y in range(math.ceil(height / stride)):
            for x in range(math.ceil(width / stride)):
                for side in sides:
                    yield (x + 0.5) * stride / width, (y + 0.5) * stride / height, side / width, side / height


def outputs(kind=OWN, *, logits=False, seed=0):
    rng = np.random.default_rng(seed)
    count = len(list(priors(kind)))
    shifts, points = rng.normal(0, 2, (count, 4)), rng.normal(0, 3, (count, 10))
    margin = rng.uniform(-6, -3, count)  # of the face's number over the background's
    margin[rng.choice(count, 12, replace=False)] = rng.uniform(0.5, 5, 12)
    both = np.stack([np.zeros(count), margin], axis=1)
    sure = both if logits else np.exp(both) / np.exp(both).sum(axis=1, keepdims=True)
    return {name: values[None].astype(np.float32) for name, values in zip(ORDER, (shifts, sure, points), strict=True)}


def plain(given, kind, *, threshold=0.6, share=0.4):
    """(score, corners, keypoints) of all faces in pixels, the best first, none that overlaps a better one too much."""
    size = np.array(SIZE[::-1])
    every = []
    for (x, y, w, h), shift, sure, spots in zip(priors(kind), *(given[name][0] for name in ORDER), strict=True):
        if sure[1] < threshold:
            continue
        cx, cy = x + shift[0] * 0.1 * w, y + shift[1] * 0.1 * h
        bw, bh = w * math.exp(shift[2] * 0.2), h * math.exp(shift[3] * 0.2)
        box = np.array([cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2]) * [*size, *size]
        points = [np.array([x + dx * 0.1 * w, y + dy * 0.1 * h]) * size for dx, dy in spots.reshape(5, 2)]
        every.append((sure[1], box, points))
    return best_of(every, share)


def see(path, **options):
    bundle = open_model(path, **options)
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(Frame(np.zeros((*SIZE, 3), np.uint8))).recognitions, bundle


def check(seen, wanted):
    assert len(seen) == len(wanted) > 3
    assert {label for label, _ in seen} == {"face"}
    assert seen.scores == pytest.approx([score for score, _, _ in wanted], abs=1e-5)
    width, height = SIZE[::-1]
    assert seen.xyxy == pytest.approx(np.clip([box for _, box, _ in wanted], 0, [width, height] * 2), abs=0.01)
    spots = np.clip([points for *_, points in wanted], 0, [width, height])
    assert seen.keypoints[..., :2] == pytest.approx(spots, abs=0.01)


@pytest.mark.parametrize("kind", [OWN, SMALL], ids=["own", "small"])
@pytest.mark.parametrize("order", [ORDER, ORDER[::-1], ("conf", "loc", "landmarks")], ids="".join)
def test_faces_are_where_the_formulas_say(told, kind, order):
    given = outputs(kind)
    seen, bundle = see(told({f"{i}": given[name] for i, name in enumerate(order)}, SIZE))
    assert bundle.notes[0] == "read as RetinaFace from its outputs"
    check(seen, plain(given, kind))


def test_the_picture_is_blue_green_red_less_its_mean_at_the_top_left(told):
    _, bundle = see(told(outputs(), SIZE))
    network = bundle.manifest.main
    assert (network.labels, network.decode.threshold, network.decode.options) == (("face",), 0.6, {"iou": 0.4})
    pixels = network.pixels
    assert (pixels.color, pixels.resize, pixels.anchor, pixels.pad) == ("bgr", "letterbox", "topleft", 0)
    assert (network.files[0].tensor.mean, network.files[0].tensor.std) == ((104.0, 117.0, 123.0), (1.0,))


def ending_in_heads(given):
    """Every output as its heads leave it in training: a convolution, turned, put together."""

    def ending(helper, name):
        values = given[name]
        wide, half = values.shape[2], values.shape[1] // 2
        nodes, weights = [], {f"{name}_one": np.eye(wide, dtype=np.float32)[:, :, None, None]}
        for part, rows in (("a", slice(0, half)), ("b", slice(half, None))):
            whole = values[0, rows].T[None, :, :, None].copy()  # (1, wide, rows, 1)
            weights[f"{name}_{part}_told"] = whole
            weights[f"{name}_{part}_shape"] = np.array([1, -1, wide])
            at = f"{name}_{part}"
            nodes += [
                helper.make_node("Add", [f"{at}_told", "nothing"], [f"{at}_map"]),
                helper.make_node("Conv", [f"{at}_map", f"{name}_one"], [f"{at}_head"]),
                helper.make_node("Transpose", [f"{at}_head"], [f"{at}_turned"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{at}_turned", f"{at}_shape"], [f"{at}_rows"]),
            ]
        nodes.append(helper.make_node("Concat", [f"{name}_a_rows", f"{name}_b_rows"], [name], axis=1))
        return nodes, weights

    return ending


def test_scores_that_no_softmax_made_are_known_by_what_did(told):
    raw = outputs(logits=True)
    seen, bundle = see(told(raw, SIZE, ending=ending_in_heads(raw)))
    assert bundle.notes[0] == "read as RetinaFace from its outputs; its scores are before their softmax"
    check(seen, plain(outputs(), OWN))


def test_other_counts_of_rows_are_another_family(told):
    path = told({name: values[:, :-2] for name, values in outputs().items()}, SIZE)
    with pytest.raises(ModelError, match=r"no decoder fits its outputs .* say --decode .*retinaface"):
        open_model(path)
    with pytest.raises(ModelError, match=r"retinaface: \d+ rows are no prior boxes of a 150x100 picture"):
        see(path, decoder="retinaface")


def test_a_face_s_one_box_and_landmarks_are_no_rows_of_prior_boxes(told):
    """As MTCNN's last network has them: two, four and ten numbers of one picture."""
    with pytest.raises(ModelError, match="no decoder fits its outputs"):
        open_model(told({name: values[0, :1] for name, values in outputs().items()}, (48, 48)))


def described(told, given, names=None):
    """The file as it is where it leaves its picture and all its outputs' axes open."""
    path = told(given, SIZE)
    with open(path, "rb") as file:
        model = describe(file.read(), path)
    inputs = (dataclasses.replace(model.inputs[0], shape=(None, 3, None, None)),)
    opened = tuple(
        dataclasses.replace(output, name=name, shape=(None, None, None))
        for output, name in zip(model.outputs, names or given, strict=True)
    )
    return dataclasses.replace(model, inputs=inputs, outputs=opened)


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("loc", "conf", "landmarks"), ("boxes", "scores", "points")),
        (("landms", "scores", "bboxes"), ("points", "scores", "boxes")),
        (("output", "outputt", "outputtt"), ("boxes", "scores", "points")),
    ],
)
def test_open_shapes_are_told_by_names(told, names, roles):
    reading = read_as_retinaface(described(told, outputs(), names), ())
    assert reading is not None
    assert (reading.outputs, reading.size) == (roles, (640, 640))
    assert any("640x640 unless --input-size" in note for note in reading.notes)


def test_open_shapes_under_other_names_are_asked_for(told):
    file = described(told, outputs(), ("a", "b", "c"))
    assert read_as_retinaface(file, ()) is None
    assert read_as_retinaface(file, (), asked=True).outputs == ("boxes", "scores", "points")


def test_outputs_that_are_something_else_are_refused_in_a_line():
    pixels = PixelContract(*SIZE)
    parts = ("boxes", "scores", "points")
    network = Network("detect", ("face",), pixels, tuple(map(Output, parts)), Decode("retinaface"), ())
    see_in, placement = decoder_for(network), fit_frame(np.zeros((*SIZE, 3), np.uint8), pixels)[1]
    given = dict(zip(parts, outputs().values(), strict=True))
    assert len(see_in(given, placement)) > 3
    for wrong, said in (((1, 7, 1), "no rows of 4"), ((1, 8, 4), "8 boxes have")):
        with pytest.raises(ModelError, match=said):
            see_in(given | {"boxes": np.zeros(wrong, np.float32)}, placement)


def test_boxes_that_the_graph_makes_are_not_made_again(told):
    path = told(outputs(), SIZE)
    with open(path, "rb") as file:
        model = describe(file.read(), path)
    assert read_as_retinaface(model, ()) is not None
    power = Operator("Exp", ("a",), ("b",))
    assert read_as_retinaface(dataclasses.replace(model, operators=(power, *model.operators)), ()) is None
