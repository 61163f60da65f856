"""A reader's threshold: under it a text is rather wrong than right, as the device scores it."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network
from edgelens.runtime.decode.ctc import CtcOptions, ctc
from edgelens.runtime.preprocess import PixelContract, Placement
from edgelens.train.tasks.read.data import targets_of
from edgelens.train.tasks.read.settle import ReadOnce, read_once

ALPHABET = "AB"


def of(right: list[float], wrong: list[float]) -> ReadOnce:
    sure = [*right, *wrong]
    return ReadOnce(np.array(sure), np.array([True] * len(right) + [False] * len(wrong), np.bool_))


@pytest.mark.parametrize(
    ("right", "wrong", "low", "high"),
    [
        ([0.9] * 30, [0.6] * 3, 0.6, 0.9),  # all wrong ones out, all right ones in
        ([0.9] * 30, [0.2] * 3, 0.5, 0.55),  # anywhere between; so the usual one
        ([0.9] * 30 + [0.7] * 2, [0.75] * 5, 0.75, 0.9),  # two right ones go with five wrong ones
        ([0.9] * 30 + [0.3] * 9, [0.5] * 5, 0.15, 0.3),  # five wrong ones stay for nine right ones
        ([0.4] * 30, [], 0.4, 0.4),  # never above what is right
        ([0.9] * 12, [0.6] * 3, 0.5, 0.5),  # too few to say
    ],
)
def test_it_lies_where_right_ones_less_wrong_ones_are_most(right, wrong, low, high):
    assert low <= of(right, wrong).threshold <= high


def test_it_says_what_it_keeps():
    found = of([0.9] * 30 + [0.3] * 10, [0.2] * 3 + [0.8])
    assert found.told(0.5) == (
        "under 0.50 a text is unknown, which keeps 75.0% of the right ones and 25.0% of the wrong ones"
    )
    assert of([0.9], []).told(0.5) == "under 0.50 a text is unknown, which keeps 100.0% of the right ones"
    assert of([], []).told(0.5) == ""


def steps(*columns: int, sure: float) -> np.ndarray:
    """Logits (T, C), each step's column so sure."""
    logits = np.full((len(columns), len(ALPHABET) + 1), np.log((1 - sure) / len(ALPHABET)))
    logits[np.arange(len(columns)), columns] = np.log(sure)
    return logits.astype(np.float32)


def test_texts_are_scored_as_the_device_scores_them():
    scores = np.stack([steps(1, 0, 2, sure=0.9), steps(1, 1, 0, sure=0.8), steps(0, 0, 0, sure=0.9)])
    found = read_once(scores, targets_of(["AB", "AA", "B"], ALPHABET))
    assert found.right.tolist() == [True, False]  # nothing is read in the third
    options = {"alphabet": list(ALPHABET), "probabilities": False}
    network = Network("read", ("text",), PixelContract(8, 8), (), Decode("ctc", options=options), ())
    decode = ctc(network, CtcOptions(alphabet=tuple(ALPHABET), probabilities=False))
    placed = Placement(1, 1, 0, 0, 0, 0, 8, 8, (0, 0, 8, 8))
    assert found.sure.tolist() == pytest.approx(
        [float(decode({"scores": each[None]}, placed).scores[0]) for each in scores[:2]]
    )


def test_rounding_loses_no_right_text():
    found = of([0.43218] * 30, [])
    assert (found.sure >= found.threshold).all()
