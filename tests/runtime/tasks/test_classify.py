"""Classification over time, in words, and when somebody should look."""

from dataclasses import replace

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.classify import ClassifyOptions, ranked
from edgelens.runtime.recognitions import UNKNOWN_ID, Recognitions
from edgelens.runtime.tasks.catalog import task_of
from edgelens.runtime.tasks.task import Closeness

LABELS = ("empty", "cup", "fork")
TWO = Decode("classify", options={"top_k": 2})
TASK = task_of("classify")


def seen(*scores: float, decode: Decode = TWO) -> Recognitions:
    return ranked(np.array(scores, np.float32), LABELS, ClassifyOptions.of(decode), decode.threshold)


def both(answer: Recognitions) -> dict[str, float]:
    return {**dict(answer), **dict(answer.rivals_of())}


def test_one_row_is_what_is_there_and_its_rivals_stand_beside_it():
    answer = seen(0.1, 0.7, 0.2)
    assert list(answer) == [("cup", pytest.approx(0.7))]
    assert answer.rivals_of() == [("fork", pytest.approx(0.2))]
    unsure = seen(0.3, 0.4, 0.3, decode=replace(TWO, threshold=0.6))
    assert list(unsure) == [("unknown", pytest.approx(0.4))]
    assert [label for label, _ in unsure.rivals_of()] == ["cup", "empty"]


def test_the_average_moves_by_the_weight_of_the_newest_frame():
    steady = TASK.steady()
    steady(seen(0.0, 1.0, 0.0), 0.5, TWO)
    assert both(steady(seen(0.0, 0.0, 1.0), 0.5, TWO)) == {"cup": 0.5, "fork": 0.5}
    assert both(steady(seen(0.0, 0.0, 1.0), 0.5, TWO)) == {"fork": 0.75, "cup": 0.25}


def test_weight_one_changes_nothing_and_forgets():
    steady, frame = TASK.steady(), seen(0.1, 0.9, 0.0)
    steady(seen(1.0, 0.0, 0.0), 0.5, TWO)
    assert steady(frame, 1.0, TWO) is frame
    assert steady(frame, 0.5, TWO) is frame


def test_the_average_is_rejected_under_the_threshold():
    steady, strict = TASK.steady(), replace(TWO, threshold=0.6)
    steady(seen(0.0, 1.0, 0.0), 0.5, strict)
    answer = steady(seen(0.0, 0.0, 1.0), 0.5, strict)
    assert answer.ids.tolist() == [UNKNOWN_ID]
    assert answer.top == ("unknown", 0.5)
    assert steady(seen(0.0, 0.0, 1.0), 0.5, strict).ids.tolist() == [2]


def test_classes_that_are_not_asked_for_stay_away():
    steady, some = TASK.steady(), replace(TWO, options={**TWO.options, "classes": (0, 2)})
    steady(seen(0.2, 0.5, 0.3), 0.5, some)
    answer = steady(seen(0.2, 0.5, 0.3), 0.5, some)
    assert both(answer).keys() == {"fork", "empty"}


def test_another_models_classes_start_a_new_average():
    steady = TASK.steady()
    steady(seen(1.0, 0.0, 0.0), 0.5, TWO)
    other = Recognitions(("a", "b"), [0], [1.0], maps={"probabilities": np.array([1, 0], np.float32)})
    assert steady(other, 0.5, TWO).top == ("a", 1.0)


def test_boxes_are_not_averaged():
    frame = Recognitions(LABELS, [1], [0.9], boxes=np.zeros((1, 4)), task="detect")
    assert task_of("detect").steady()(frame, 0.5, TWO) is frame


@pytest.mark.parametrize(
    ("scores", "threshold", "expected"),
    [((0.0, 0.9, 0.1), 0.5, False), ((0.0, 0.55, 0.1), 0.5, True), ((0.0, 0.5, 0.45), 0.0, True)],
)
def test_what_somebody_should_look_at(scores, threshold, expected):
    assert TASK.uncertain(seen(*scores), Decode(threshold=threshold), Closeness()) is expected


def test_in_words():
    assert TASK.describe(seen(0.1, 0.7, 0.2)) == "cup 0.70, fork 0.20"
    assert TASK.describe(Recognitions.nothing(LABELS)) == "nothing"
