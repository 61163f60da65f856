"""Steadying and announcing over time."""

from dataclasses import replace

import numpy as np

from edgelens.runtime.bundle.manifest import Step
from edgelens.runtime.loop.smoothing import Announcer, Smoother
from edgelens.runtime.recognitions import UNKNOWN_ID, Recognitions

LABELS = ("empty", "cup", "fork")


def seen(label_id: int, score: float = 0.9) -> Recognitions:
    return Recognitions(LABELS, [label_id], [score], task="classify")


def boxes(*ids: int) -> Recognitions:
    return Recognitions(LABELS, ids, np.full(len(ids), 0.9), boxes=np.zeros((len(ids), 4), np.float32), task="detect")


def test_announced_when_n_of_the_last_m_agree_once_an_appearance():
    announcer = Announcer()
    frames = [seen(1), seen(2), seen(1), seen(1), *[seen(1)] * 10]
    said = [announcer.hear(frame, (3, 5)) for frame in frames]
    assert said == [None, None, None, "cup", *[None] * 10]


def test_announced_again_only_after_it_was_gone_from_the_window():
    announcer, cup, fork = Announcer(), seen(1), seen(2)
    for _ in range(5):
        announcer.hear(cup, (3, 5))
    flicker = [announcer.hear(frame, (3, 5)) for frame in (fork, fork, cup, cup, cup, cup, cup)]
    assert flicker == [None] * 7
    gone = [announcer.hear(fork, (3, 5)) for _ in range(5)]
    assert gone == [None, None, "fork", None, None]
    assert [announcer.hear(cup, (3, 5)) for _ in range(3)] == [None, None, "cup"]


def test_background_and_unknown_are_never_announced():
    announcer = Announcer()
    unknown = seen(UNKNOWN_ID, 0.3)
    said = [announcer.hear(frame, (2, 3), ("empty",)) for frame in [seen(0)] * 5 + [unknown] * 5]
    assert said == [None] * 10


def test_all_labels_of_boxes_are_announced_one_a_frame():
    announcer = Announcer()
    said = [announcer.hear(boxes(1, 2, 1, 0), (2, 3), ("empty",)) for _ in range(4)]
    assert said == [None, "cup", "fork", None]
    assert announcer.standing == ("cup", "fork")


def test_of_a_pipeline_what_was_found_inside_is_announced_not_what_it_was_found_in():
    rows = Recognitions(
        ("person", "cup", "fork"), [0, 0, 1], [0.9, 0.8, 0.7], boxes=np.zeros((3, 4)), parents=np.array([-1, -1, 0])
    )
    announcer = Announcer()
    assert [announcer.hear(rows, (2, 2)) for _ in range(4)] == [None, "cup", "person", None]
    alone = Announcer()
    alone.hear(rows.select(np.array([0, 2])), (1, 1))
    assert alone.standing == ("cup",)


def test_rows_of_a_pipeline_are_not_averaged(color_bundle):
    manifest = replace(color_bundle.manifest, steps=(Step(), Step(region="result", output="inside")))
    rows = boxes(1)
    assert Smoother().smooth(rows, 0.5, manifest) is rows
