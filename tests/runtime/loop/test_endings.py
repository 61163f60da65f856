"""A file's last result says what ends with it; a camera's results wait for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import Scripted, picture

from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.endings import with_endings
from edgelens.runtime.loop.lane import Lane
from edgelens.runtime.loop.model_slot import ModelChoice, ModelSlot
from edgelens.runtime.recognitions import AGREED, LOOKS, Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.zones.options import Zone, ZoneOptions
from edgelens.runtime.zones.watch import Watch

EVERYWHERE = ZoneOptions(zone=(Zone("all", ((0, 0), (1, 0), (1, 1), (0, 1))),))


def lane_of(model, *, live: bool, name: str = "film") -> Lane:
    return Lane(Scripted([], live=live, name=name), model, watch=Watch(EVERYWHERE))


def results_of(lane: Lane, count: int, seen: Recognitions) -> list[Result]:
    """As the loop makes them: ten a second."""
    results = []
    for i in range(count):
        frame = Frame(picture(), index=i, source=lane.source.name)
        announced = lane.announcer.hear(seen, (3, 5), moment_s=i / 10)
        results.append(Result(frame, seen, announced=announced, events=lane.watch.see(seen, i / 10, (48, 64))))
        lane.tally.add(results[-1])
    return results


def car(looks: int = 1) -> Recognitions:
    """A car on which a plate was read so often."""
    return Recognitions(
        ("car", "text"),
        [0, 1],
        [0.9, 0.9],
        boxes=np.array([[10, 10, 20, 20]] * 2, np.float32),
        texts=("", "AB1"),
        track_ids=np.array([7, -1], np.int32),
        parents=np.array([-1, 0], np.int32),
        extra={LOOKS: np.array([-1, looks]), AGREED: np.array([-1, looks])},
        task="detect",
    )


@pytest.fixture
def model(color_bundle):
    with ModelSlot(color_bundle, ModelChoice("onnxruntime")) as slot:
        yield slot


def test_who_is_in_a_zone_when_a_file_ends_leaves_it_and_is_named(model):
    lane = lane_of(model, live=False)
    given = results_of(lane, 6, car())
    got = list(with_endings(given, [lane]))
    assert got[:-1] == given[:-1]
    last = got[-1]
    assert [event["kind"] for event in last.events] == ["left"]
    assert last.events[0]["dwell_s"] == pytest.approx(0.5)
    assert last.watched["zones"]["all"]["dwell_s"] == {"car": pytest.approx(0.5)}
    assert (given[-1].announced, last.announced) == (None, "AB1"), "too few looks agreed, and there will be no more"
    assert lane.tally.announced == {"AB1": 1}


def test_a_result_of_a_camera_waits_for_no_other_and_a_files_for_its_own_next(model):
    camera, film = lane_of(model, live=True, name="camera"), lane_of(model, live=False)
    ours, theirs = results_of(camera, 6, car()), results_of(film, 6, car())
    taken = []

    def come():
        for result in (result for pair in zip(ours, theirs, strict=True) for result in pair):
            yield result
            taken.append(result)

    got = with_endings(come(), [camera, film])
    assert next(got) is ours[0]
    assert not taken, "it is handed on before another is asked for"
    rest = list(got)
    assert rest[:-1] == [result for pair in zip(ours[1:], theirs, strict=False) for result in pair]
    assert [event["kind"] for event in rest[-1].events] == ["left"]
    assert camera.watch.standing["zones"]["all"]["occupancy"] == {"car": 1}, "a camera goes on, as far as anybody knows"
