"""Results reach a real broker at least once, however often it or the process goes away."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cutting_broker import CuttingBroker
from mosquitto import Broker, has_mosquitto
from small_disk import SmallDisk
from staged_scenes import named

from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.sinks.discovery import Sensors
from edgelens.runtime.sinks.mqtt import MqttSink
from edgelens.runtime.sinks.mqtt_names import identity, topic_level
from edgelens.runtime.sinks.options.mqtt import MqttOptions
from edgelens.runtime.sinks.outbox import Message, Outbox
from edgelens.runtime.sinks.protocol import Notice

paho = pytest.importorskip("paho.mqtt.client")


class Subscriber:
    """Everything that arrives, by topic; it comes back by itself when the broker does."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, Any, bool]] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="watcher", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self.subscribed = threading.Event()
        self._client.on_connect = lambda client, *rest: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *rest: self.subscribed.set()
        self._client.on_message = self._take
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, client: Any, userdata: Any, message: Any) -> None:
        text = message.payload.decode()
        self.messages.append((message.topic, json.loads(text) if text.startswith("{") else text, message.retain))

    def under(self, topic: str) -> list[Any]:
        return [value for name, value, _ in self.messages if name == topic]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def watcher(broker: Any) -> Iterator[Subscriber]:
    subscriber = Subscriber(broker.port)
    assert subscriber.subscribed.wait(5)
    yield subscriber
    subscriber.close()


def sink_for(broker: Any, folder: Path, said: list[str] | None = None, **more: Any) -> MqttSink:
    options = MqttOptions(f"mqtt://127.0.0.1:{broker.port}/door", outbox=folder / "box", **more)
    return MqttSink(options, device="bench", say=(said if said is not None else []).append)


def wait_for(condition: Callable[[], Any], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


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


def test_every_result_when_asked_for(broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path) -> None:
    loop = staged(fps=0)
    with sink_for(broker, tmp_path, every=True) as sink:
        for _ in range(50):
            sink.write(loop.result("camera"))
        wait_for(lambda: len(watcher.under("door/camera/results")) == 50)
    assert [m["frame"] for m in watcher.under("door/camera/results")] == list(range(1, 51))


def test_a_killed_process_leaves_the_last_will(broker: Any, watcher: Subscriber, tmp_path: Path) -> None:
    child = _child(broker.port, tmp_path / "box", 10**6)
    wait_for(lambda: watcher.under("door/status")[-1:] == ["online"], 20)
    child.kill()
    child.wait()
    wait_for(lambda: watcher.under("door/status")[-1:] == ["offline"])


def test_nothing_is_lost_while_the_broker_comes_and_goes_and_the_process_is_killed(
    broker: Any, watcher: Subscriber, tmp_path: Path
) -> None:
    """300 events, three outages, two kills; the long version is benchmarks/live_mqtt.py."""
    box, total = tmp_path / "box", 300
    for kill in (True, True, False):
        child = _child(broker.port, box, total)
        broker.stop()
        time.sleep(0.3)
        broker.start()
        if kill:
            time.sleep(0.5)
            child.send_signal(signal.SIGKILL)
            child.wait()
        else:
            assert child.wait(30) == 0
    wait_for(lambda: len({m["frame"] for m in watcher.under("door/camera/announced")}) == total, 20)
    ids: dict[int, set[str]] = {}
    for message in watcher.under("door/camera/announced"):
        ids.setdefault(message["frame"], set()).add(message["id"])
    assert set(ids) == set(range(total))
    twice = [frame for frame, same in ids.items() if len(same) > 1]
    assert len(twice) <= 2, "only what was written but not yet noted at a kill has two ids; what is sent again has one"


def test_two_processes_of_one_device_share_a_broker_in_peace(
    broker: Any, watcher: Subscriber, staged: Any, tmp_path: Path, later: Any
) -> None:
    loop, said = staged("camera0", "camera1", fps=0), [[], []]
    with sink_for(broker, tmp_path, said[0]) as first, sink_for(broker, tmp_path, said[1]) as second:
        wait_for(lambda: all(said))
        time.sleep(0.5)  # a broker throws the other one of a name out at once
        for number, sink in enumerate((first, second)):
            sink.write(later(loop.result(f"camera{number}"), captured=1.0, announced="7"))
        wait_for(lambda: watcher.under("door/camera0/announced") and watcher.under("door/camera1/announced"))
    assert said == [["mqtt: connected to 127.0.0.1"]] * 2
    assert [sink.outbox.path.name for sink in (first, second)] == ["box", "box-2"]


def test_a_process_that_comes_back_has_the_same_name(broker: Any, tmp_path: Path) -> None:
    with sink_for(broker, tmp_path) as before:
        pass
    with sink_for(broker, tmp_path) as after, sink_for(broker, tmp_path) as other:
        assert after.client_id == before.client_id != other.client_id
        assert len(after.client_id) <= 64


def test_what_the_second_process_could_not_send_the_next_one_finds(
    broker: Any, watcher: Subscriber, tmp_path: Path
) -> None:
    broker.stop()
    with sink_for(broker, tmp_path):
        child = _child(broker.port, tmp_path / "box", 40)
        taken = tmp_path / "box.count"
        wait_for(lambda: taken.exists() and int(taken.read_text() or 0) == 40)
        child.kill()
        child.wait()
    broker.start()
    with sink_for(broker, tmp_path) as sink:
        assert (sink.outbox.path.name, len(sink.outbox)) == ("box", 40 + 1)  # and what is there now
        wait_for(lambda: not len(sink.outbox))
    wait_for(lambda: {m["frame"] for m in watcher.under("door/camera/announced")} == set(range(40)))
    with Outbox(tmp_path / "box-2") as left:
        assert len(left) == 0


def _child(port: int, box: Path, total: int) -> subprocess.Popen[bytes]:
    program = Path(__file__).parents[2] / "servers" / "announce.py"
    words = [sys.executable, str(program), str(port), str(box), str(total), "0.002"]
    return subprocess.Popen(words, env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_a_broker_gets_what_a_full_disk_does_not_take(
    broker: Any, watcher: Subscriber, staged: Any, small_disk: SmallDisk, later: Any
) -> None:
    loop, said = staged(fps=0), []
    with sink_for(broker, small_disk.folder, said) as sink:
        wait_for(lambda: watcher.under("door/status") == ["online"])
        small_disk.fill()
        for number in range(400):
            sink.write(later(loop.result("camera"), captured=1.0, announced=str(number)))
        wait_for(lambda: len(watcher.under("door/camera/announced")) == 400)
        assert sink.losses.error
        small_disk.empty()
        sink.write(later(loop.result("camera"), captured=1.0, announced="last"))
        wait_for(lambda: not sink.losses.error and not len(sink.outbox))
    assert (sink.losses.lost, [line for line in said if "damaged" in line]) == (0, [])
    assert "mqtt: works again; 0 messages were lost" in said


def test_connections_that_break_between_messages_end_nothing(tmp_path: Path) -> None:
    topics = [f"x/{i}" for i in range(300)]
    with CuttingBroker(each=25) as broker, sink_for(broker, tmp_path) as sink:
        sink._client._reconnect_min_delay = sink._client._reconnect_max_delay = sink._client._reconnect_delay = 0.05
        sink.outbox.put([Message(topic, b"x" * 200) for topic in topics])
        wait_for(lambda: not sink.waiting, 30)
    assert broker.connections > 8
    assert set(topics) <= set(broker.topics)


def test_a_broker_that_was_never_there_is_said_once_and_is_what_is_wrong(tmp_path: Path) -> None:
    said: list[str] = []
    options = MqttOptions("mqtt://127.0.0.1:1/door", outbox=tmp_path / "box")
    with MqttSink(options, device="bench", say=said.append) as sink:
        wait_for(lambda: said)
        time.sleep(1.5)  # another try
        assert sink.trouble == "127.0.0.1 is away (Connection refused)"
    assert said == [f"mqtt: 127.0.0.1 is away (Connection refused); messages wait in {tmp_path / 'box'}"]


@pytest.mark.skipif(not has_mosquitto(), reason="no mosquitto here")
def test_a_broker_that_refuses_is_said_once_and_is_what_is_wrong(tmp_path: Path) -> None:
    said: list[str] = []
    with Broker(tmp_path, anonymous=False) as broker, sink_for(broker, tmp_path, said) as sink:
        wait_for(lambda: said)
        time.sleep(2.5)  # another try
        assert sink.trouble == "127.0.0.1 refuses: Not authorized"
    assert said == [f"mqtt: 127.0.0.1 refuses: Not authorized; messages wait in {tmp_path / 'box'}"]


def test_leaving_is_quick_when_nobody_answers(tmp_path: Path, staged: Any, later: Any) -> None:
    options = MqttOptions("mqtt://127.0.0.1:1/door", outbox=tmp_path / "box")
    loop = staged(fps=0)
    with MqttSink(options, device="bench", say=lambda line: None) as sink:
        sink.write(later(loop.result("camera"), captured=1.0, announced="7"))
        start = time.monotonic()
    assert time.monotonic() - start < 1.2
    with Outbox(tmp_path / "box") as box:
        assert [message.topic for message in box.next(0, 9)] == ["door/camera/announced", "door/camera/state"]
