"""Crossings, stays and occupancy: counted once, and exactly on rendered scenes."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from moving_sprites import HEIGHT, KINDS, LINE, WIDTH, ZONE, crossings, scene, stays

from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.track.association import Candidates
from edgelens.runtime.track.tracker import Tracker
from edgelens.runtime.zones.options import Line, Zone, ZoneOptions
from edgelens.runtime.zones.watch import Watch

SIZE = (100, 200)  # height, width
LEFT_HALF = Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1)))
MIDDLE = Line("middle", (0.5, 0), (0.5, 1))


def at(*points, numbers=None, labels=None) -> Recognitions:
    """Things of 20 x 20 pixels whose feet are at points."""
    boxes = [[x - 10, y - 20, 20, 20] for x, y in points]
    ids = np.array(numbers or range(1, len(points) + 1), np.int32)
    return Recognitions(("cup", "fork"), labels or [0] * len(points), [0.9] * len(points), boxes=boxes, track_ids=ids)


def walked(watch: Watch, xs, y: float = 50, step: float = 0.1, start: float = 0.0) -> list[dict]:
    """The events of one thing that goes through `xs`."""
    return [dict(event) for i, x in enumerate(xs) for event in watch.see(at((x, y)), start + i * step, SIZE)]


@pytest.mark.parametrize("seed", [1, 3, 6])
def test_counts_over_a_line_are_exact_and_stays_are_known_to_a_fifth_of_a_second(seed):
    shown, tracker = scene(seed), Tracker()
    zone = Zone("zone", tuple(zip(ZONE[::2], ZONE[1::2], strict=True)))
    watch = Watch(ZoneOptions(line=(Line("line", LINE[:2], LINE[2:]),), zone=(zone,)))
    owners, events = {}, []
    for moment in shown.moments():
        boxes = moment.boxes.copy()
        boxes[:, 2:] += boxes[:, :2]
        found = Candidates(boxes, moment.kinds, moment.scores)
        numbers = tracker.update(found, found.scores >= 0.5, moment.time, (HEIGHT, WIDTH))
        owners |= dict(zip(numbers.tolist(), moment.owners.tolist(), strict=True))
        seen = Recognitions(KINDS, moment.kinds, moment.scores, boxes=moment.boxes, track_ids=numbers)
        events += watch.see(seen, moment.time, (HEIGHT, WIDTH))
    events += watch.close()
    counts = watch.standing["lines"]["line"]
    truth = crossings(shown.sprites)
    assert (sum(counts["in"].values()), sum(counts["out"].values())) == (truth["right"], truth["left"])
    stayed: dict[int, float] = {}
    for event in events:
        if event["kind"] == "left":
            stayed[owners[event["track"]]] = stayed.get(owners[event["track"]], 0) + event["dwell_s"]
    assert stayed == pytest.approx(stays(shown.sprites), abs=0.2)


def test_who_stands_in_a_zone_does_not_notice_that_another_is_drawn():
    options = ZoneOptions(line=(MIDDLE,), zone=(LEFT_HALF, Zone("old", LEFT_HALF.points)), loiter=1.0)
    watch, more = Watch(options), Zone("new", LEFT_HALF.points)
    walked(watch, [50] * 5)
    redrawn = Watch(ZoneOptions(line=(MIDDLE,), zone=(LEFT_HALF, more), loiter=1.0))
    redrawn.succeed(watch)
    events = walked(redrawn, [50] * 10, start=0.5)
    assert [(e["kind"], e["zone"]) for e in events] == [
        ("left", "old"),
        ("entered", "new"),
        ("loitering", "left"),
    ]
    zones = redrawn.standing["zones"]
    assert (zones["left"]["entries"], zones["left"]["occupancy"]) == ({"cup": 1}, {"cup": 1})
    assert [e["dwell_s"] for e in events if e["kind"] == "loitering"] == [pytest.approx(1.0, abs=0.05)]


def test_what_has_a_new_name_counts_on():
    kept = []
    watch = Watch(ZoneOptions(line=(MIDDLE, Line("edge", (0.1, 0), (0.1, 1))), zone=(LEFT_HALF,)))
    walked(watch, range(140, 40, -5))
    door, hall = Line("door", MIDDLE.start, MIDDLE.end), Zone("hall", LEFT_HALF.points)
    renamed = Watch(ZoneOptions(line=(door, Line("edge", (0.2, 0), (0.2, 1))), zone=(hall,)), keep=kept.append)
    renamed.succeed(watch)
    assert kept[-1]["lines"]["door"]["out"] == {"cup": 1}
    walked(renamed, [40] * 10, start=5)
    standing = renamed.standing
    assert set(standing["lines"]) == {"door", "edge"}
    assert standing["zones"]["hall"]["entries"] == {"cup": 1}, "who is still there has come once"


def test_a_crossing_says_who_and_which_way():
    watch = Watch(ZoneOptions(line=(MIDDLE,)))
    (event,) = walked(watch, range(60, 140, 5))
    assert event == {"kind": "crossed", "line": "middle", "direction": "in", "label": "cup", "track": 1}
    (back,) = walked(watch, range(140, 60, -5), start=5)
    assert back["direction"] == "out"
    assert watch.standing["lines"]["middle"] == {"at": [0.5, 0, 0.5, 1], "in": {"cup": 1}, "out": {"cup": 1}}


def test_who_dithers_on_the_line_is_counted_once():
    watch = Watch(ZoneOptions(line=(MIDDLE,)))
    assert len(walked(watch, [80, 90, 99, 101, 98, 102, 99, 101, 100, 103, 120])) == 1


def test_who_stood_on_the_line_for_long_crosses_it_nevertheless():
    watch = Watch(ZoneOptions(line=(MIDDLE,)))
    way = [*[60] * 2, *[100] * 80, *[140] * 2]
    assert [event["direction"] for event in walked(watch, way, step=1.0)] == ["in"]


def test_beside_the_ends_of_a_line_nothing_is_crossed():
    watch = Watch(ZoneOptions(line=(Line("short", (0.5, 0.6), (0.5, 0.9)),)))
    assert walked(watch, range(60, 140, 5), y=40) == []
    assert len(walked(watch, range(140, 60, -5), y=70, start=5)) == 1


def test_a_line_that_is_jumped_over_between_two_frames_counts():
    watch = Watch(ZoneOptions(line=(MIDDLE,)))
    assert len(walked(watch, [20, 180])) == 1


def test_a_clock_that_goes_back_makes_everybody_new():
    watch = Watch(ZoneOptions(line=(MIDDLE,), zone=(LEFT_HALF,)))
    walked(watch, [60] * 5, start=90)
    assert [event["kind"] for event in walked(watch, [140] * 5, start=0)] == ["left"], "nobody has crossed"
    assert len(walked(watch, range(140, 60, -5), start=1)) == 2, "what comes then crosses and enters as ever"


def test_other_threads_may_ask_at_any_moment_how_it_stands():
    watch, wrong, over = Watch(ZoneOptions(line=(MIDDLE,), zone=(LEFT_HALF,))), [], threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                zone = watch.standing["zones"]["left"]
                assert zone["loitering"] <= sum(zone["entries"].values())
            except RuntimeError as error:
                wrong.append(str(error))

    asking, before = threading.Thread(target=ask), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    asking.start()
    try:
        for i in range(4000):  # a few come and a few go in every frame
            watch.see(at(*[(50, 50)] * (5 + i % 7), numbers=range(1 + i % 91, 6 + i % 7 + i % 91)), i / 10, SIZE)
    finally:
        over.set()
        asking.join()
        sys.setswitchinterval(before)
    assert wrong == []


def test_what_is_not_confirmed_counts_nowhere():
    watch = Watch(ZoneOptions(line=(MIDDLE,), zone=(LEFT_HALF,)))
    for i, x in enumerate(range(60, 140, 5)):
        assert watch.see(at((x, 50), numbers=[-1]), i / 10, SIZE) == ()


def test_a_stay_is_entered_loitered_and_left():
    watch = Watch(ZoneOptions(zone=(LEFT_HALF,), loiter=1.0))
    events = walked(watch, [150, 110, 90, *[50] * 15, 90, 110, 150, 150])
    assert [event["kind"] for event in events] == ["entered", "loitering", "left"]
    assert events[2]["dwell_s"] == pytest.approx(1.7, abs=0.02)  # from 100 to 100: between two frames each
    assert watch.standing["zones"]["left"] == {
        "at": [0, 0, 0.5, 0, 0.5, 1, 0, 1],
        "occupancy": {},
        "entries": {"cup": 1},
        "dwell_s": {"cup": events[2]["dwell_s"]},
        "loitering": 0,
    }


def test_occupancy_is_of_each_label_and_goes_back_to_nothing():
    watch = Watch(ZoneOptions(zone=(LEFT_HALF,)))
    for i in range(5):
        watch.see(at((20, 50), (60, 50), (150, 50), labels=[0, 1, 1]), i / 10, SIZE)
    assert watch.standing["zones"]["left"]["occupancy"] == {"cup": 1, "fork": 1}
    for i in range(5, 16):
        watch.see(at(), i / 10, SIZE)
    assert watch.standing["zones"]["left"]["occupancy"] == {}
    gone = [event["kind"] for i in range(16, 30) for event in watch.see(at(), i / 10, SIZE)]
    assert gone == ["left", "left"]


def test_who_only_brushes_a_zone_has_not_been_in_it():
    watch = Watch(ZoneOptions(zone=(LEFT_HALF,)))
    assert walked(watch, [150, 99, 150, 150, 150, 150]) == []


def test_the_middle_of_a_box_can_be_what_counts():
    low = Zone("low", ((0, 0.5), (1, 0.5), (1, 1), (0, 1)))
    for anchor, there in (("feet", {"cup": 1}), ("middle", {})):
        watch = Watch(ZoneOptions(zone=(low,), anchor=anchor))
        walked(watch, [50] * 5, y=55)
        assert watch.standing["zones"]["low"]["occupancy"] == there


def test_counts_go_on_from_those_that_were_kept_and_only_of_what_is_still_there():
    kept = []
    options = ZoneOptions(line=(MIDDLE,), zone=(LEFT_HALF,))
    watch = Watch(options, keep=kept.append)
    walked(watch, range(60, 140, 5))
    watch.close()
    again = Watch(ZoneOptions(line=(MIDDLE, Line("new", (0, 0), (1, 1))), zone=(LEFT_HALF,)))
    again.take_up(kept[-1])
    assert again.standing["lines"]["middle"]["in"] == {"cup": 1}
    assert again.standing["lines"]["new"]["in"] == {}
    assert again.standing["zones"]["left"]["entries"] == {"cup": 1}


@pytest.mark.parametrize("height", [100, 133, 480, 721])
def test_who_is_cut_off_at_the_lower_edge_stands_on_it(height):
    watch = Watch(ZoneOptions(zone=(Zone("all", ((0, 0), (1, 0), (1, 1), (0, 1))),)))
    for i in range(5):
        watch.see(at((50, height), (200, 50)), i / 10, (height, 200))
    assert watch.standing["zones"]["all"]["occupancy"] == {"cup": 2}


def test_a_clock_that_goes_back_ends_the_stays_of_before():
    watch = Watch(ZoneOptions(zone=(LEFT_HALF,)))
    walked(watch, [50] * 5, start=100.0)
    later = [event["kind"] for i in range(5) for event in watch.see(at((50, 50), numbers=[7]), i / 10, SIZE)]
    assert later == ["left", "entered"]
    assert watch.standing["zones"]["left"]["occupancy"] == {"cup": 1}
