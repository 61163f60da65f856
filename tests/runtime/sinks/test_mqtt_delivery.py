"""Results reach a real broker at least once, however often it or the process goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cutting_broker import CuttingBroker
from mosquitto import Broker, has_mosquitto
from mqtt_watcher import Subscriber, sink_for, wait_for
from small_disk import SmallDisk

from edgelens.runtime.sinks.mqtt import MqttSink
from edgelens.runtime.sinks.options.mqtt import MqttOptions
from edgelens.runtime.sinks.outbox import Message, Outbox

paho = pytest.importorskip("paho.mqtt.client")


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


@pytest.mark.skipif(not has_mosquitto(), reason="no mosquitto here")
def test_a_run_that_is_over_at_once_has_said_everything(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        with sink_for(broker, tmp_path) as sink:  # left before the broker can have taken them
            sink.outbox.put([Message(f"x/{number}", b"x") for number in range(300)])
        with Outbox(tmp_path / "box") as box:
            assert box.next(0, 9) == []


def test_leaving_is_quick_when_nobody_answers(tmp_path: Path, staged: Any, later: Any) -> None:
    options = MqttOptions("mqtt://127.0.0.1:1/door", outbox=tmp_path / "box")
    loop = staged(fps=0)
    with MqttSink(options, device="bench", say=lambda line: None) as sink:
        sink.write(later(loop.result("camera"), captured=1.0, announced="7"))
        start = time.monotonic()
    assert time.monotonic() - start < 1.2
    with Outbox(tmp_path / "box") as box:
        assert [message.topic for message in box.next(0, 9)] == ["door/camera/announced", "door/camera/state"]
