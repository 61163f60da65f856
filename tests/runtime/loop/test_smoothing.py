from dataclasses import replace

import numpy as np

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.loop.smoothing import Announcer, Smoother
from edgelens.runtime.recognitions import UNKNOWN_ID, Recognitions

LABELS = ("empty", "cup", "fork")
TWO = Decode("classify", top_k=2, threshold=0)


def seen(*scores: float) -> Recognitions:
    probabilities = np.array(scores, np.float32)
    order = np.argsort(-probabilities, kind="stable")[:2]
    return Recognitions(LABELS, order, probabilities[order], maps={"probabilities": probabilities})


def boxes(*ids: int) -> Recognitions:
    return Recognitions(LABELS, ids, np.full(len(ids), 0.9), boxes=np.zeros((len(ids), 4), np.float32))


def test_the_average_moves_by_the_weight_of_the_newest_frame():
    smoother = Smoother()
    smoother.smooth(seen(0.0, 1.0, 0.0), 0.5, TWO)
    second = smoother.smooth(seen(0.0, 0.0, 1.0), 0.5, TWO)
    third = smoother.smooth(seen(0.0, 0.0, 1.0), 0.5, TWO)
    assert dict(second) == {"cup": 0.5, "fork": 0.5}
    assert dict(third) == {"fork": 0.75, "cup": 0.25}


def test_weight_one_changes_nothing_and_forgets():
    smoother, frame = Smoother(), seen(0.1, 0.9, 0.0)
    smoother.smooth(seen(1.0, 0.0, 0.0), 0.5, TWO)
    assert smoother.smooth(frame, 1.0, TWO) is frame
    assert smoother.smooth(frame, 0.5, TWO) is frame


def test_the_average_is_rejected_under_the_threshold_and_keeps_its_length():
    smoother = Smoother()
    smoother.smooth(seen(0.0, 1.0, 0.0), 0.5, replace(TWO, threshold=0.6))
    answer = smoother.smooth(seen(0.0, 0.0, 1.0), 0.5, replace(TWO, threshold=0.6))
    assert answer.ids.tolist() == [UNKNOWN_ID, 1, 2]
    assert answer.top == ("unknown", 0.5)
    again = smoother.smooth(seen(0.0, 0.0, 1.0), 0.5, replace(TWO, threshold=0.6))
    assert again.ids.tolist() == [2, 1]


def test_classes_that_are_not_asked_for_stay_away():
    smoother, some = Smoother(), replace(TWO, options={"classes": (0, 2)})
    smoother.smooth(seen(0.2, 0.5, 0.3), 0.5, some)
    answer = smoother.smooth(seen(0.2, 0.5, 0.3), 0.5, some)
    assert answer.ids.tolist() == [2, 0]


def test_another_models_classes_start_a_new_average():
    smoother = Smoother()
    smoother.smooth(seen(1.0, 0.0, 0.0), 0.5, TWO)
    other = Recognitions(("a", "b"), [0], [1.0], maps={"probabilities": np.array([1, 0], np.float32)})
    assert smoother.smooth(other, 0.5, TWO).top == ("a", 1.0)


def test_boxes_are_not_averaged():
    assert (frame := boxes(1)) is Smoother().smooth(frame, 0.5, TWO)


def test_announced_when_n_of_the_last_m_agree_once_an_appearance():
    announcer = Announcer()
    frames = [seen(0, 1, 0), seen(0, 0, 1), seen(0, 1, 0), seen(0, 1, 0), *[seen(0, 1, 0)] * 10]
    said = [announcer.hear(frame, (3, 5)) for frame in frames]
    assert said == [None, None, None, "cup", *[None] * 10]


def test_announced_again_only_after_it_was_gone_from_the_window():
    announcer, cup, fork = Announcer(), seen(0, 1, 0), seen(0, 0, 1)
    for _ in range(5):
        announcer.hear(cup, (3, 5))
    flicker = [announcer.hear(frame, (3, 5)) for frame in (fork, fork, cup, cup, cup, cup, cup)]
    assert flicker == [None] * 7
    gone = [announcer.hear(fork, (3, 5)) for _ in range(5)]
    assert gone == [None, None, "fork", None, None]
    assert [announcer.hear(cup, (3, 5)) for _ in range(3)] == [None, None, "cup"]


def test_background_and_unknown_are_never_announced():
    announcer = Announcer()
    unknown = Recognitions(LABELS, [UNKNOWN_ID, 1], [0.3, 0.3])
    said = [announcer.hear(frame, (2, 3), ("empty",)) for frame in [seen(1, 0, 0)] * 5 + [unknown] * 5]
    assert said == [None] * 10


def test_all_labels_of_boxes_are_announced_one_a_frame():
    announcer = Announcer()
    said = [announcer.hear(boxes(1, 2, 1, 0), (2, 3), ("empty",)) for _ in range(4)]
    assert said == [None, "cup", "fork", None]
    assert announcer.standing == {"cup", "fork"}
