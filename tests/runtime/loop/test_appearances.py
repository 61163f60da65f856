"""Things that are followed and looked at several times are announced once each."""

from __future__ import annotations

import numpy as np

from edgelens.runtime.loop.smoothing import Announcer
from edgelens.runtime.recognitions import AGREED, LOOKS, Recognitions


def cars(*there: tuple[int, str, int, int]) -> Recognitions:
    """Plates with what is read on them: the car's number, the text ("" is nothing sure), looks, how many agreed."""
    n = len(there)
    numbers, texts, looks, agreed = zip(*there, strict=True) if there else ((), (), (), ())
    return Recognitions(
        ("plate", "text"),
        [*[0] * n, *(1 if text else -1 for text in texts)],
        np.full(2 * n, 0.9),
        boxes=np.zeros((2 * n, 4), np.float32),
        texts=(*[""] * n, *texts),
        track_ids=np.array([*numbers, *[-1] * n], np.int32),
        parents=np.array([*[-1] * n, *range(n)], np.int32),
        extra={LOOKS: np.array([*[-1] * n, *looks]), AGREED: np.array([*[-1] * n, *agreed])},
        task="detect",
    )


def heard(frames: list[Recognitions], *, fps: float = 10, agree: tuple[int, int] = (3, 5)) -> list[tuple[int, str]]:
    announcer = Announcer()
    said = [announcer.hear(frame, agree, moment_s=i / fps) for i, frame in enumerate(frames)]
    return [(i, name) for i, name in enumerate(said) if name is not None]


def test_a_car_is_announced_once_when_its_looks_agree_and_its_misreadings_never():
    frames = [cars((1, "AB1", 1, 1))] * 4 + [cars((1, "AB7", 3, 2))] * 2 + [cars((1, "AB7", 5, 3))] * 20
    assert heard([*frames, *[cars((1, "AB8", 5, 3))] * 20]) == [(6, "AB7")]


def test_one_that_leaves_before_enough_looks_agree_is_announced_when_it_has_left():
    assert heard([*[cars((1, "AB1", 2, 1))] * 3, *[cars()] * 9]) == [(7, "AB1")]


def test_what_gets_no_more_looks_is_announced_by_those_it_had():
    assert heard([cars((1, "AB1", 2, 2))] * 30) == [(10, "AB1")]


def test_who_stays_unknown_or_has_no_number_is_not_announced():
    assert heard([*[cars((1, "", 5, 0))] * 30, *[cars()] * 9]) == []
    assert heard([cars((-1, "AB1", 0, 0))] * 30) == []


def test_two_cars_are_two_events_and_one_that_is_numbered_twice_is_one():
    both = [cars((1, "AB1", 3, 3), (2, "CD2", 3, 3))] * 5
    assert heard(both) == [(0, "AB1"), (1, "CD2")]
    assert heard([*[cars((1, "AB1", 3, 3))] * 5, *[cars((9, "AB1", 3, 3))] * 5]) == [(0, "AB1")]


def test_what_is_there_stands_until_it_is_gone():
    announcer = Announcer()
    for i in range(3):
        announcer.hear(cars((1, "AB1", 3, 3)), (3, 5), moment_s=i / 10)
    assert announcer.standing == ("AB1",)
    for i in range(3, 8):
        announcer.hear(cars(), (3, 5), moment_s=i / 10)
    assert announcer.standing == ()


def test_the_newest_stands_last_whatever_order_rows_have():
    """MQTT's `state` is the last one: by the rows' order it went to and fro with the scores of two parked cars."""
    announcer = Announcer()
    first, second = (1, "AB1", 3, 3), (2, "CD2", 3, 3)
    seen = set[tuple[str, ...]]()
    for i, there in enumerate([(first,), *[(first, second), (second, first)] * 5]):
        announcer.hear(cars(*there), (3, 5), moment_s=i / 10)
        seen.add(announcer.standing)
    assert seen == {("AB1",), ("AB1", "CD2")}
    announcer.hear(cars(second, (3, "CD2", 3, 3)), (3, 5), moment_s=2)
    assert announcer.standing == ("AB1", "CD2"), "two of a name are one label"


def test_a_car_that_is_parked_while_a_thousand_pass_is_announced_once():
    passing = [cars((1, "PARKED", 3, 3), (number, f"C{number}", 3, 3)) for number in range(2, 1002)]
    announcer = Announcer()
    said = [announcer.hear(frame, (3, 5), moment_s=i / 10) for i, frame in enumerate(passing)]
    assert said.count("PARKED") == 1


def test_what_ends_is_announced_as_what_has_left_unless_it_stands():
    announcer = Announcer()
    for i in range(12):
        there = [cars((1, "AB1", 3, 3)), cars(), cars((9, "AB1", 1, 1))][min(i // 5, 2)]
        announcer.hear(there, (3, 5), moment_s=i / 10)
    assert announcer.end() == "AB1", "the first of that name has gone"
    announcer = Announcer()
    for i in range(4):
        announcer.hear(cars((1, "AB1", 3, 3), (2, "AB1", 1, 1)), (3, 5), moment_s=i / 10)
    assert announcer.end() is None
