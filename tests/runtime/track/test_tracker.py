"""Things keep their numbers: through crossings, behind pillars, over dropped frames."""

import collections

import numpy as np
import pytest
from moving_sprites import HEIGHT, WIDTH, scene

from edgelens.runtime.track.association import Candidates
from edgelens.runtime.track.tracker import DOUBLE, Tracker

SIZE = (HEIGHT, WIDTH)


def candidates(*boxes, labels=None, scores=None) -> Candidates:
    """Boxes given as middle x, middle y, width, height."""
    middle = np.array(boxes, np.float64).reshape(-1, 4)
    corners = np.concatenate([middle[:, :2] - middle[:, 2:] / 2, middle[:, :2] + middle[:, 2:] / 2], axis=1)
    count = len(corners)
    return Candidates(
        corners,
        np.array(labels if labels is not None else [0] * count, np.int32),
        np.array(scores if scores is not None else [0.9] * count),
    )


def update(tracker: Tracker, now: float, *boxes, **columns) -> list[int]:
    found = candidates(*boxes, **columns)
    return tracker.update(found, found.scores >= 0.5, now, SIZE).tolist()


def walk(tracker: Tracker, times, at, **columns) -> list[list[int]]:
    """A thing of 40 x 80 whose middle is `at(t)`."""
    return [update(tracker, t, (*at(t), 40, 80), **columns) for t in times]


def numbers_of(seed: int) -> dict[int, collections.Counter]:
    """How often each sprite of a scene was given which number."""
    tracker, given = Tracker(), collections.defaultdict(collections.Counter)
    for moment in scene(seed).moments():
        boxes = moment.boxes.copy()
        boxes[:, 2:] += boxes[:, :2]
        found = Candidates(boxes, moment.kinds, moment.scores)
        for number, owner in zip(
            tracker.update(found, found.scores >= 0.5, moment.time, SIZE), moment.owners, strict=True
        ):
            if owner >= 0 and number > 0:
                given[int(owner)][int(number)] += 1
    return given


@pytest.mark.parametrize("seed", [0, 7])
def test_sprites_that_cross_hide_and_stop_keep_their_numbers(seed):
    given = numbers_of(seed)
    main = {owner: counts.most_common(1)[0] for owner, counts in given.items()}
    assert len({number for number, _ in main.values()}) == len(main) == 10
    assert sum(count for _, count in main.values()) >= 0.98 * sum(sum(counts.values()) for counts in given.values())


def test_a_thing_is_one_from_its_second_frame_on():
    tracker = Tracker()
    assert walk(tracker, (0, 0.1, 0.2), lambda t: (100 + 50 * t, 100)) == [[0], [1], [1]]


def test_time_is_what_passed_not_how_many_frames_came():
    """A live source drops frames: three tenths of a second without one, at 300 pixels a second."""
    tracker, at = Tracker(), lambda t: (50 + 300 * t, 100)
    walk(tracker, np.arange(0, 0.7, 1 / 30), at)
    assert walk(tracker, (1.0, 1.03), at) == [[1], [1]]


@pytest.mark.parametrize("fps", [3, 1.5, 1, 0.6])
def test_a_camera_that_shows_a_frame_now_and_then_is_followed_too(fps):
    tracker = Tracker()
    seen = [update(tracker, i / fps, (100, 100, 200, 200)) for i in range(5)]
    assert seen == [[0], [1], [1], [1], [1]]


def test_what_was_hidden_comes_back_as_itself_until_it_is_forgotten():
    for away, number in ((1.5, 1), (2.5, 0)):
        tracker, at = Tracker(), lambda t: (50 + 80 * t, 100)
        walk(tracker, np.arange(0, 1, 1 / 30), at)
        assert walk(tracker, [1 + away], at) == [[number]]


def test_things_of_different_labels_are_never_one():
    tracker, at = Tracker(), lambda t: (100, 100)
    walk(tracker, (0, 0.1), at, labels=[0])
    assert walk(tracker, (0.2, 0.3), at, labels=[1]) == [[0], [2]]


def test_an_unsure_box_goes_on_with_a_thing_but_begins_none():
    tracker, at = Tracker(), lambda t: (100, 100)
    assert walk(tracker, (0, 0.1), at, scores=[0.2]) == [[-1], [-1]]
    walk(tracker, (0.2, 0.3), at)
    assert walk(tracker, [0.4], at, scores=[0.2]) == [[1]]


def test_who_walks_out_is_not_who_walks_in():
    tracker = Tracker()
    out = np.arange(0, 2.2, 1 / 30)
    for t in out:
        x = 500 + 80 * t  # the picture ends at 640: its box is cut there
        left, right = x - 20, min(x + 20, WIDTH)
        if right - left > 4:
            assert update(tracker, t, ((left + right) / 2, 200, right - left, 80)) in ([0], [1])
    assert update(tracker, 2.4, (630, 200, 20, 80)) == [0]


def test_a_clock_that_goes_back_makes_everything_new():
    tracker, at = Tracker(), lambda t: (100, 100)
    walk(tracker, (5, 5.1), at)
    assert walk(tracker, (0, 0.1), at) == [[0], [2]]


def test_nothing_and_broken_boxes_are_borne():
    tracker = Tracker()
    assert update(tracker, 0) == []
    assert update(tracker, 0.1, (100, 100, 0, 0)) == [0]
    assert update(tracker, 0.2) == []


def test_a_second_box_of_the_same_thing_starts_nothing():
    tracker = Tracker()
    walk(tracker, (0.0, 0.1), lambda t: (100 + 50 * t, 200))
    twice = [((110, 200, 40, 80), (112, 200, 50, 80)), ((115, 200, 40, 80), (117, 200, 50, 80))]
    given = [update(tracker, 0.2 + i / 10, *boxes, scores=[0.9, 0.6]) for i, boxes in enumerate(twice)]
    assert given == [[1, DOUBLE]] * 2


def test_two_new_boxes_of_one_thing_are_one_and_two_kinds_are_two():
    boxes = [(110, 200, 50, 80), (110, 200, 40, 80)]
    assert update(Tracker(), 0.0, *boxes, scores=[0.6, 0.9]) == [DOUBLE, 0]
    assert update(Tracker(), 0.0, *boxes, labels=[0, 1], scores=[0.6, 0.9]) == [0, 0]


def test_two_that_part_become_two():
    tracker = Tracker()
    given = [update(tracker, t / 10, (200, 200, 40, 80), (200 + 6 * t, 200, 40, 80)) for t in range(8)]
    assert given[0] == [0, DOUBLE] and given[-1] == [1, 2]
