"""NanoDet's and PicoDet's outputs, told, against its post-processing written out plainly, cell by cell.

Graphs end as its exporter lets them end: scores through a sigmoid beside the distances, a row a cell.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

SIZE = (96, 160)  # height and width
PLUS, BEFORE = (8, 16, 32, 64), (8, 16, 32)
CLASSES = 5


def cells(strides):
    return [
        (x, y, stride)
        for stride in strides
        for y in range(math.ceil(SIZE[0] / stride))
        for x in range(math.ceil(SIZE[1] / stride))
    ]


def logits(strides, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(0, 1.5, (1, len(cells(strides)), CLASSES + 32)).astype(np.float32)
    rows[..., :CLASSES] -= 4
    rows[0, rng.choice(rows.shape[1], 12, replace=False), rng.integers(0, CLASSES, 12)] += 7
    return rows


def plain(rows, strides, threshold, *, middles=False):
    """Boxes, scores and classes before suppression; of four strides distances begin at corners, unless at middles."""
    found = []
    for (x, y, stride), row in zip(cells(strides), rows[0], strict=True):
        scores = 1 / (1 + np.exp(-row[:CLASSES]))
        if scores.max() < threshold:
            continue
        sides = []
        for side in row[CLASSES:].reshape(4, 8):
            weights = np.exp(side) / np.exp(side).sum()
            sides.append(sum(i * weight for i, weight in enumerate(weights)) * stride)
        shift = 0 if strides == PLUS and not middles else 0.5
        cx, cy = (x + shift) * stride, (y + shift) * stride
        box = [max(cx - sides[0], 0), max(cy - sides[1], 0), min(cx + sides[2], SIZE[1]), min(cy + sides[3], SIZE[0])]
        found.append((*box, scores.max(), scores.argmax()))
    return np.array(found)


def as_exported(rows):
    """The scores of all rows through a sigmoid, put beside their distances channel by channel, then turned."""

    def ending(helper, name):
        nodes = [
            helper.make_node("Add", ["scores_told", "nothing"], ["logits"]),
            helper.make_node("Sigmoid", ["logits"], ["scores"]),
            helper.make_node("Add", ["sides_told", "nothing"], ["sides"]),
            helper.make_node("Concat", ["scores", "sides"], ["both"], axis=1),
            helper.make_node("Transpose", ["both"], [name], perm=[0, 2, 1]),
        ]
        turned = rows.transpose(0, 2, 1).copy()
        return nodes, {"scores_told": turned[:, :CLASSES], "sides_told": turned[:, CLASSES:]}

    return ending


def see(path, **options):
    bundle = open_model(path, **options)
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(Frame(np.zeros((*SIZE, 3), np.uint8))).recognitions, bundle


def check(seen, wanted):
    """Without suppression the rows are the plain ones."""
    wanted = wanted[np.argsort(-wanted[:, 4], kind="stable")]
    assert len(seen) == len(wanted) > 8
    assert seen.scores == pytest.approx(wanted[:, 4], abs=1e-4)
    assert seen.xyxy == pytest.approx(wanted[:, :4], abs=0.02)
    assert seen.ids.tolist() == wanted[:, 5].astype(int).tolist()


@pytest.mark.parametrize(("strides", "said"), [(PLUS, "NanoDet-Plus"), (BEFORE, "NanoDet")])
def test_an_export_is_known_by_how_it_ends(told, strides, said):
    rows = logits(strides)
    path = told({"output": rows}, SIZE, ending=as_exported(rows))
    seen, bundle = see(path, iou=1.0)
    assert any(note == f"read as {said} from its outputs" for note in bundle.notes)
    check(seen, plain(rows, strides, 0.4))
    network = bundle.manifest.main
    assert network.files[0].tensor.mean == pytest.approx((103.53, 116.28, 123.675))
    assert (network.pixels.color, network.pixels.resize) == ("bgr", "stretch" if strides == PLUS else "letterbox")
    assert len(see(path)[0]) < len(seen)


def in_pairs(rows, strides, scores="cls_pred_stride_{}", distances="dis_pred_stride_{}"):
    """Outputs by name, every stride's scores first and then every stride's distances."""
    first, parts = 0, {}
    for stride in strides:
        count = math.ceil(SIZE[0] / stride) * math.ceil(SIZE[1] / stride)
        parts[stride] = rows[:, first : first + count]
        first += count
    told_scores = {scores.format(stride): 1 / (1 + np.exp(-part[..., :CLASSES])) for stride, part in parts.items()}
    return told_scores | {distances.format(stride): part[..., CLASSES:].copy() for stride, part in parts.items()}


def test_pairs_of_scores_and_distances_a_stride(told):
    rows = logits(BEFORE)
    seen, bundle = see(told(in_pairs(rows, BEFORE), SIZE), iou=1.0)
    assert "read as NanoDet from its outputs" in bundle.notes
    check(seen, plain(rows, BEFORE, 0.4))


def test_pairs_of_four_strides_are_picodet_with_its_own_colours_corners_and_names(told):
    rows, names = logits(PLUS), [f"part {i}" for i in range(CLASSES)]
    outputs = in_pairs(rows, PLUS, "transpose_{}.tmp_0", "transpose_{}.tmp_1")
    seen, bundle = see(told(outputs, SIZE, metadata={"character": "\n".join(names)}), iou=1.0)
    assert "read as PicoDet from its outputs" in bundle.notes
    check(seen, plain(rows, PLUS, 0.4, middles=True))
    network = bundle.manifest.main
    assert network.labels == tuple(names)
    assert (network.pixels.color, network.pixels.resize) == ("rgb", "stretch")
    assert network.files[0].tensor.mean == pytest.approx((123.675, 116.28, 103.53))


def test_an_end_that_says_nothing_has_to_be_asked_for(told):
    rows = logits(PLUS)
    told_rows = np.concatenate([1 / (1 + np.exp(-rows[..., :CLASSES])), rows[..., CLASSES:]], axis=2)
    path = told({"output": told_rows}, SIZE)
    with pytest.raises(ModelError, match=r"no decoder fits its outputs output 1x\d+x37.*nanodet"):
        open_model(path)
    check(see(path, decoder="nanodet", iou=1.0)[0], plain(rows, PLUS, 0.4))
    with pytest.raises(UsageError, match="7 names for a model of 5 classes"):
        open_model(path, decoder="nanodet", labels=[f"n{i}" for i in range(7)])
