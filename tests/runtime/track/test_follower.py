"""Rows of frames and the numbers of things: what stands, and at which score."""

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.track.follower import TrackFollower
from edgelens.runtime.track.options import TrackOptions

IMAGE = np.zeros((200, 300, 3), np.uint8)
LABELS = ("cup", "fork")


def rows(*scores, ids=None):
    boxes = [[60 * i, 20, 40, 60] for i in range(len(scores))]
    return Recognitions(LABELS, ids or [0] * len(scores), list(scores), boxes=boxes, task="detect")


HALF = Decode(threshold=0.5)


def follow(follower, index, seen, decode=HALF):
    follower.begin(Frame(IMAGE, index, position_s=index / 30), decode)
    return follower.follow(seen)


def test_unsure_rows_are_asked_for_and_stand_only_where_a_thing_was():
    follower = TrackFollower(TrackOptions(track=True))
    assert follower.begin(Frame(IMAGE), Decode(threshold=0.5)) == 0.1
    assert follower.begin(Frame(IMAGE), Decode(threshold=0.05)) == 0.05
    first = follow(follower, 0, rows(0.9, 0.3))
    assert (first.scores.tolist(), first.track_ids.tolist()) == (pytest.approx([0.9]), [-1])
    follow(follower, 1, rows(0.9, 0.3))
    third = follow(follower, 2, rows(0.2, 0.3))
    assert (third.scores.tolist(), third.track_ids.tolist()) == (pytest.approx([0.2]), [1])
    assert third[0].to_dict()["track"] == 1


def test_a_threshold_that_is_raised_ends_what_is_too_unsure_now():
    follower, strict = TrackFollower(TrackOptions(track=True)), Decode(threshold=0.8)
    for i in range(3):
        before = follow(follower, i, rows(0.9, 0.6))
    assert before.track_ids.tolist() == [1, 2]
    for i in range(3, 6):
        after = follow(follower, i, rows(0.9, 0.6), strict)
        assert after.track_ids.tolist() == [1]
    assert follow(follower, 6, rows(0.7, 0.6), strict).track_ids.tolist() == [1]  # what is followed may get unsure


def test_each_label_has_its_own_threshold():
    follower, decode = TrackFollower(TrackOptions()), Decode(threshold=0.5, thresholds={"fork": 0.25})
    assert follower.begin(Frame(IMAGE), decode) == 0.1
    assert follow(follower, 0, rows(0.3, 0.3, ids=[0, 1]), decode).ids.tolist() == [1]


def test_rows_without_a_place_pass_and_have_no_number():
    follower = TrackFollower(TrackOptions())
    plain = Recognitions(LABELS, [1], [0.9], task="classify")
    assert follow(follower, 0, plain).track_ids.tolist() == [-1]
    assert follow(follower, 1, Recognitions.nothing(LABELS)).track_ids.tolist() == []


def test_a_second_box_of_a_thing_is_left_out():
    follower = TrackFollower(TrackOptions(track=True))
    boxes = [[60, 20, 40, 60], [64, 20, 44, 60]]
    twice = Recognitions(LABELS, [0, 0], [0.9, 0.6], boxes=boxes, task="detect")
    assert [len(follow(follower, i, twice)) for i in range(3)] == [1, 1, 1]
