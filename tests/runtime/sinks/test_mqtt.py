"""What a broker and Home Assistant are told of sources: states, names, lines and zones, sensors that come and go."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from mqtt_watcher import Subscriber, sink_for, wait_for
from staged_scenes import named

from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.sinks.discovery import Sensors, earlier_places
from edgelens.runtime.sinks.mqtt_names import identity, topic_level
from edgelens.runtime.sinks.protocol import Notice
from edgelens.runtime.zones.standing import with_nobody

pytest.importorskip("paho.mqtt.client")


def test_announcements_state_and_last_words(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path, later: Any
) -> None:
    loop = staged(fps=0)
    with sink_for(broker, tmp_path) as sink:
        wait_for(lambda: watcher.under("door/status") == ["online"])
        sink.write(loop.result("camera"))
        sink.write(later(loop.result("camera"), captured=1.0, announced="7"))
        sink.notice(Notice("camera", "lost", "camera: lost", 5.0))
        wait_for(lambda: watcher.under("door/camera/announced") and watcher.under("door/camera/notice"))
    announced = watcher.under("door/camera/announced")
    assert [(m["announced"], m["schema"], m["device"], len(m["id"])) for m in announced] == [("7", 2, "bench", 32)]
    assert watcher.under("door/camera/results") == []
    wait_for(lambda: watcher.under("door/status") == ["online", "offline"])
    late = Subscriber(broker.port)
    wait_for(lambda: late.under("door/camera/announced"))
    late.close()


def test_home_assistant_finds_the_sensor(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path, later: Any
) -> None:
    loop = staged(fps=0)
    with sink_for(broker, tmp_path) as sink:
        sink.write(later(loop.result("camera"), captured=1.0, announced="7"))
        config = "homeassistant/sensor/edgelens_bench_camera/config"
        wait_for(lambda: watcher.under(config))
        told = watcher.under(config)[0]
        assert told["state_topic"] == "door/camera/state"
        assert told["availability_topic"] == "door/status"
        assert told["unique_id"] == "edgelens_bench_camera"
        assert told["default_entity_id"] == "sensor.edgelens_bench_camera"  # of 2026.4 on nothing else names it
        before = len(watcher.under(config))
        watcher._client.publish("homeassistant/status", "online", qos=1)
        wait_for(lambda: len(watcher.under(config)) > before)


def test_who_was_there_last_and_what_was_read_last(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path
) -> None:
    loop = staged(fps=0, scene=named)
    with sink_for(broker, tmp_path) as sink:
        wait_for(lambda: watcher.under("door/status") == ["online"])
        seen = dataclasses.replace(loop.result("camera"), announced=None)
        for said in (None, "Anna", "plate"):
            sink.write(dataclasses.replace(seen, announced=said))
        nothing = Recognitions.nothing(seen.seen.labels)
        sink.write(dataclasses.replace(seen, seen=nothing, announced="B-XY 12"))  # of a car that has just left
        wait_for(lambda: watcher.under("door/camera/text"))
        for kind, said in (("name", "Anna"), ("text", "B-XY 12")):
            (told,) = watcher.under(f"door/camera/{kind}")
            assert (told[kind], told["source"]) == (said, "camera")
            wait_for(
                lambda kind=kind: watcher.under(f"homeassistant/sensor/edgelens_bench_camera_{config(kind)}/config")
            )
            (found, *_) = watcher.under(f"homeassistant/sensor/edgelens_bench_camera_{config(kind)}/config")
            assert found["state_topic"] == f"door/camera/{kind}" and found["name"] == f"camera last {kind}"


def config(kind: str) -> str:
    return identity(f"last {kind}")


WATCHED = {
    "lines": {"front door": {"at": [0.5, 0, 0.5, 1], "in": {"person": 2, "cat": 1}, "out": {}}},
    "zones": {
        "shelf": {"at": [0, 0, 1, 0, 1, 1], "occupancy": {"person": 2}, "entries": {}, "dwell_s": {}, "loitering": 0}
    },
}


def test_lines_and_zones_are_said_as_events_and_as_they_stand(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path
) -> None:
    result, event = staged(fps=0).result("camera"), {"kind": "crossed", "line": "front door", "direction": "in"}
    with sink_for(broker, tmp_path) as sink:
        wait_for(lambda: watcher.under("door/status") == ["online"])
        sink.write(dataclasses.replace(result, watched=WATCHED, events=(event,)))
        sink.write(dataclasses.replace(result, watched=WATCHED))  # no news
        sink.notice(Notice("camera", "lost", "camera: lost", 5.0))
        wait_for(lambda: len(watcher.under("door/camera/counts")) == 2)
        places = ("sensor/{}_line_front_door_in", "sensor/{}_line_front_door_out", "sensor/{}_zone_shelf")
        kinds = [place.format("edgelens_bench_camera") for place in (*places, "binary_sensor/{}_zone_shelf")]
        names = {
            name.split("/")[1] + "/" + re.sub(r"_[0-9a-f]{8}$", "", name.split("/")[2])
            for name, *_ in watcher.messages
            if name.endswith("/config")
        }
        assert set(kinds) <= names
    (happened,) = watcher.under("door/camera/event")
    assert {**event, "source": "camera"}.items() <= happened.items()
    first, last = watcher.under("door/camera/counts")
    assert first["zones"]["shelf"]["occupancy"] == {"person": 2}
    assert last["zones"]["shelf"]["occupancy"] == {}  # presence goes back to off
    assert last["lines"] == WATCHED["lines"]


def test_what_is_drawn_and_taken_away_meanwhile_is_told_to_home_assistant(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path
) -> None:
    result, none = staged(fps=0).result("camera"), {"lines": {}, "zones": {}}
    more = {**WATCHED, "zones": {**WATCHED["zones"], "desk": WATCHED["zones"]["shelf"]}}
    with sink_for(broker, tmp_path) as sink:
        wait_for(lambda: watcher.under("door/status") == ["online"])
        for watched in (none, WATCHED, more, none, none):
            sink.write(dataclasses.replace(result, watched=watched))
        wait_for(lambda: len(watcher.under("door/camera/counts")) == 3)
        desk = f"homeassistant/binary_sensor/edgelens_bench_camera_{identity('zone desk')}/config"
        wait_for(lambda: len(watcher.under(desk)) == 2)
    assert [told if told == "" else told["name"] for told in watcher.under(desk)] == ["camera desk presence", ""]
    last = watcher.under("door/camera/counts")[-1]
    assert (last["lines"], last["zones"]) == ({}, {})
    sensors = {topic: value for topic, value, _ in watcher.messages if topic.startswith("homeassistant/")}
    assert [topic for topic, value in sensors.items() if value] == ["homeassistant/sensor/edgelens_bench_camera/config"]


@pytest.mark.parametrize(("zones", "left"), [({"desk": 1}, ["zone desk"]), ({}, [])])
def test_a_zone_of_an_earlier_start_that_is_no_more_has_nobody_in_it_for_ever(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path, zones: dict[str, int], left: list[str]
) -> None:
    result = staged(fps=0).result("camera")
    with sink_for(broker, tmp_path) as sink:  # its end says nothing of the zone, as one that was killed
        wait_for(lambda: watcher.under("door/status") == ["online"])
        sink.write(dataclasses.replace(result, watched=WATCHED))
        wait_for(lambda: watcher.under("door/camera/counts"))
    now = {"lines": {}, "zones": dict.fromkeys(zones, WATCHED["zones"]["shelf"])}
    shelf = f"homeassistant/binary_sensor/edgelens_bench_camera_{identity('zone shelf')}/config"
    with sink_for(broker, tmp_path) as sink:
        sink.write(dataclasses.replace(result, watched=now))
        wait_for(lambda: watcher.under(shelf)[-1] == "" and len(watcher.under("door/camera/counts")) == 2)
        sink.write(dataclasses.replace(result, watched=now))
    assert (watcher.under("door/camera/counts")[-1] or now)["zones"].keys() == zones.keys()
    sensors = {topic: value for topic, value, _ in watcher.messages if topic.startswith("homeassistant/binary")}
    expected = [f"homeassistant/binary_sensor/edgelens_bench_camera_{identity(name)}/config" for name in left]
    assert [topic for topic, value in sensors.items() if value] == expected


def test_a_source_that_was_lost_when_an_earlier_start_ended_is_back(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path
) -> None:
    result = staged(fps=0).result("camera")
    with sink_for(broker, tmp_path) as sink:
        sink.write(result)
        sink.notice(Notice("camera", "lost", "camera: lost", 5.0))
    with sink_for(broker, tmp_path) as sink:
        sink.write(result)
        wait_for(lambda: len(watcher.under("door/camera/notice")) == 2)
    with sink_for(broker, tmp_path) as sink:
        sink.write(result)
    assert [told["kind"] for told in watcher.under("door/camera/notice")] == ["lost", "back"]


@pytest.mark.parametrize("odd", [b"", b"[1]", b"{", b'{"zones": [1], "lines": 5}', b"[" * 100_000, b"\xff"])
def test_counts_that_somebody_else_left_at_the_broker_name_no_places(odd: bytes) -> None:
    assert earlier_places(odd) == {}


def test_late_frames_of_a_lost_camera_put_nobody_back_into_zones(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path
) -> None:
    late = dataclasses.replace(staged(fps=0).result("camera"), watched=WATCHED)
    with sink_for(broker, tmp_path) as sink:
        wait_for(lambda: watcher.under("door/status") == ["online"])
        sink.write(late)
        sink.notice(Notice("camera", "lost", "camera: lost", 5.0))
        sink.write(late)
        sink.notice(Notice("camera", "back", "camera: is back", 6.0))
        sink.write(late)
        wait_for(lambda: len(watcher.under("door/camera/counts")) == 3)
    inside = [counts["zones"]["shelf"]["occupancy"] for counts in watcher.under("door/camera/counts")]
    assert inside == [{"person": 2}, {}, {"person": 2}]


def test_home_assistant_s_templates_read_what_is_said() -> None:
    jinja = pytest.importorskip("jinja2")
    said = {}
    for topic, payload in Sensors("homeassistant", "bench", "camera", "door/camera", "door").places(WATCHED):
        told = json.loads(payload)
        assert told["state_topic"] == "door/camera/counts"
        said[topic.split("/")[1], told["name"]] = jinja.Template(told["value_template"]).render(value_json=WATCHED)
    assert said == {
        ("sensor", "camera front door in"): "3",
        ("sensor", "camera front door out"): "0",
        ("sensor", "camera shelf"): "2",
        ("binary_sensor", "camera shelf presence"): "ON",
    }


def test_templates_find_names_of_rare_letters() -> None:
    jinja = pytest.importorskip("jinja2")
    watched = {"lines": {"Tür 𠮷": {"in": {"person": 3}, "out": {}}}, "zones": {"𠮷野家": {"occupancy": {"person": 2}}}}
    sensors = Sensors("homeassistant", "bench", "camera", "door/camera", "door").places(watched)
    templates = [json.loads(payload)["value_template"] for _, payload in sensors]
    assert [jinja.Template(each).render(value_json=watched) for each in templates] == ["3", "0", "2", "ON"]


def test_two_sources_never_share_a_name() -> None:
    names = ["cam 1", "cam-1", "cam_1", "cam.1", "CAM 1", "Cam-1", "камера", "カメラ", "摄像头", "x" * 70, "x" * 71,
             "", "/", "#", "+", "a/b", "a_b", "rtsp://h/1", topic_level("cam 1"), identity("ж")]  # fmt: skip
    for made in (topic_level, identity):
        assert len({made(name) for name in names}) == len(names)
        assert not {char for name in names for char in made(name)} & set("/#+ \0")
        assert all(len(made(name)) <= 64 for name in names)
    assert (topic_level("cam-1"), topic_level("камера"), topic_level("cam 1")[:6]) == ("cam-1", "камера", "cam_1_")
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", identity(name)) for name in names)


def test_the_state_goes_to_none_when_nothing_is_there_any_more(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path
) -> None:
    loop = staged(fps=0)
    with sink_for(broker, tmp_path) as sink:
        for standing in ((), (), ("cup",), ("cup",), ("cup", "fork"), ("cup",), (), ()):
            sink.write(dataclasses.replace(loop.result("camera"), standing=standing))
        sink.write(dataclasses.replace(loop.result("camera"), standing=("cup",)))
        late = dataclasses.replace(loop.result("camera"), standing=("cup",))
        sink.notice(Notice("camera", "lost", "camera: lost", 5.0))
        sink.write(late)  # was being recognized when the camera was lost
        sink.notice(Notice("camera", "back", "camera: is back", 6.0))
        sink.write(dataclasses.replace(loop.result("camera"), standing=("cup",)))
        wanted = ["none", "cup", "fork", "cup", "none", "cup", "none", "cup"]
        wait_for(lambda: len(watcher.under("door/camera/state")) == len(wanted))
    assert [message["state"] for message in watcher.under("door/camera/state")] == wanted


def test_a_run_that_is_over_leaves_nobody_behind(broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path) -> None:
    result = dataclasses.replace(staged(fps=0).result("camera"), standing=("cup",), watched=WATCHED)
    with sink_for(broker, tmp_path) as sink:
        sink.write(result)
        sink.notice(Notice("camera", "ended", "camera: is not watched any more", 5.0))
    wait_for(lambda: len(watcher.under("door/camera/state")) == 2 and len(watcher.under("door/camera/counts")) > 1)
    assert [message["state"] for message in watcher.under("door/camera/state")] == ["cup", "none"]
    assert watcher.under("door/camera/counts")[-1]["zones"]["shelf"]["occupancy"] == {}
    told = len(watcher.under("door/camera/counts"))
    with sink_for(broker, tmp_path) as sink:
        sink.write(dataclasses.replace(result, watched=with_nobody(WATCHED)))  # a file's last result says so itself
        sink.notice(Notice("camera", "ended", "camera: is not watched any more", 5.0))
    wait_for(lambda: watcher.under("door/status")[-2:] == ["online", "offline"])
    assert len(watcher.under("door/camera/counts")) == told + 1
    assert watcher.under("door/camera/notice") == []  # it would be there still when the camera is watched again


def test_every_result_when_asked_for(broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    with sink_for(broker, tmp_path, every=True) as sink:
        for _ in range(50):
            sink.write(loop.result("camera"))
        wait_for(lambda: len(watcher.under("door/camera/results")) == 50)
    assert [m["frame"] for m in watcher.under("door/camera/results")] == list(range(1, 51))
