"""A classifier's answer: one row, its rivals, unknown under a threshold, probabilities left alone."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import decoder_for
from edgelens.runtime.decode.classify import ClassifyOptions, class_probabilities, ranked, softmax
from edgelens.runtime.errors import ModelError
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.runtime.recognitions import UNKNOWN_ID

LABELS = ("a", "b", "c")
LOGITS = np.array([[1.0, 3.0, 2.0]], np.float32)
PLACEMENT = fit_frame(np.zeros((8, 8, 3), np.uint8), PixelContract(8, 8))[1]


def see(decode, logits=LOGITS, threshold=None, labels=LABELS):
    network = Network("classify", labels, PixelContract(8, 8), (Output("logits"),), decode, ())
    return decoder_for(network)({"logits": logits}, PLACEMENT, threshold)


def test_one_row_with_its_rivals():
    seen = see(Decode(options={"top_k": 2}))
    share = np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum()
    assert list(seen) == [("b", pytest.approx(share[2]))]
    assert seen.rivals_of() == [("c", pytest.approx(share[1]))]
    assert seen.task == "classify"
    assert seen.maps["probabilities"] == pytest.approx(softmax(LOGITS[0]))
    assert [label for label, _ in see(Decode()).rivals_of()] == ["c", "a"]
    assert see(Decode(options={"top_k": 1})).rivals_of() == []


def test_unknown_keeps_the_best_score_and_its_class_as_first_rival():
    best = float(softmax(LOGITS[0]).max())
    seen = see(Decode(threshold=0.9))
    assert (seen.ids.tolist(), seen.label()) == ([UNKNOWN_ID], "unknown")
    assert seen.scores[0] == pytest.approx(best)
    assert [label for label, _ in seen.rivals_of()] == ["b", "c", "a"]
    assert seen.rivals_of()[0][1] == pytest.approx(best)
    assert [label for label, _ in see(Decode(threshold=0.9, options={"top_k": 1})).rivals_of()] == ["b"]


def test_a_label_is_held_to_its_own_threshold_unless_one_was_asked_for():
    strict = Decode(threshold=0.1, thresholds={"b": 0.9})
    assert see(strict).label() == "unknown"
    assert see(strict, np.array([[2.0, 3.0, 6.0]], np.float32)).label() == "c"
    assert see(strict, threshold=0.5).label() == "b"
    assert see(Decode(threshold=0.9), threshold=0.0).label() == "b"
    assert see(Decode(threshold=0.9, thresholds={"b": 0.5})).label() == "b"


def test_only_the_classes_that_are_asked_for():
    seen = see(Decode(options={"classes": [0, 2]}))
    assert (seen.label(), [label for label, _ in seen.rivals_of()]) == ("c", ["a"])
    nothing = see(Decode(options={"classes": []}))
    assert len(nothing) == 0
    assert len(nothing.maps["probabilities"]) == 3


def test_an_average_is_ranked_as_a_frame_is():
    probabilities = np.array([0.5, 0.2, 0.3], np.float32)
    seen = ranked(probabilities, LABELS, ClassifyOptions(top_k=2), 0.4)
    assert list(seen) == [("a", pytest.approx(0.5))]
    assert seen.rivals_of() == [("c", pytest.approx(0.3))]
    assert ranked(probabilities, LABELS, ClassifyOptions(), 0.4, {"a": 0.6}).label() == "unknown"


def test_probabilities_are_left_alone():
    ready = np.array([0.2, 0.5, 0.3], np.float32)
    assert class_probabilities(ready, ClassifyOptions(probabilities=True)) == pytest.approx(ready)
    by_value = ClassifyOptions.of(Decode(options={"probabilities": "from values"}))
    assert class_probabilities(ready, by_value) == pytest.approx(ready)
    assert class_probabilities(ready * 5, by_value).sum() == pytest.approx(1)
    assert class_probabilities([0.8], ClassifyOptions(probabilities=True)) == pytest.approx([0.2, 0.8])
    assert class_probabilities([0.0], ClassifyOptions()) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0},
        {"temperature": "hot"},
        {"temperature": float("nan")},
        {"top_k": 2.5},
        {"top_k": True},
        {"probabilities": "maybe"},
        {"probabilities": 1},
        {"classes": [-1]},
        {"classes": "cat"},
    ],
)
def test_options_that_make_no_sense_are_one_line(options):
    (name,) = options
    with pytest.raises(ModelError, match=f"decode option '{name}' has a value that decoders cannot use"):
        see(Decode(options=options))


def test_options_of_a_newer_kit_are_passed_over():
    assert see(Decode(options={"mood": "good"})).label() == "b"


@pytest.mark.parametrize(
    ("broken", "options"),
    [
        (np.nan, {}),
        (np.inf, {}),
        (-np.inf, {}),
        (np.nan, {"probabilities": True}),
        (np.nan, {"probabilities": "from values"}),
    ],
)
def test_a_network_that_broke_down_knows_nothing(broken, options):
    seen = see(Decode(options=options), np.full((1, 3), broken, np.float32))
    assert (seen.ids.tolist(), seen.scores.tolist()) == ([UNKNOWN_ID], [0.0])
    assert np.isfinite(seen.maps["probabilities"]).all()


def test_several_rows_of_scores_are_no_answer():
    assert see(Decode(), LOGITS.reshape(1, 3, 1, 1)).label() == "b"
    with pytest.raises(ModelError, match="shape 2x3, which is no row"):
        see(Decode(), np.repeat(LOGITS, 2, axis=0), labels=())
