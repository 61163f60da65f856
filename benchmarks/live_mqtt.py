"""5,000 announcements through a broker that is stopped 20 times by a process that is killed 10 times.

    python benchmarks/live_mqtt.py [--events 5000] [--outages 20] [--kills 10] [--out results.json]

Needs mosquitto. An event counts once the sink has taken it (its number is noted after `write` returns); a killed
process goes on after the last note. The bar: every event arrives at least once, and what arrives more than once
carries the same id, or was written twice by the process that came after a kill.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from edgelens.runtime.files import write_text

WRITER = """
import os, sys, time
import numpy as np
from pathlib import Path
from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.mqtt import MqttOptions, MqttSink
port, box, total, pause = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
note = os.open(box.with_suffix(".count"), os.O_RDWR | os.O_CREAT)
first = int(os.pread(note, 20, 0) or 0)
image, seen = np.zeros((4, 4, 3), np.uint8), Recognitions(("a",), [0], [0.9])
options = MqttOptions.parse(f"mqtt://127.0.0.1:{port}/door", device="bench", outbox=box)
with MqttSink(options, say=lambda line: None) as sink:
    for index in range(first, total):
        sink.write(Result(Frame(image, index, source="camera"), seen, announced="a"))
        os.pwrite(note, b"%20d" % (index + 1), 0)
        time.sleep(pause)
    while len(sink.outbox):
        time.sleep(0.02)
"""


def main() -> None:
    """Run it; print and write what arrived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--outages", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between two events")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), arguments)
    print(report)
    if arguments.out:
        write_text(arguments.out, json.dumps(report, indent=1) + "\n")


def run(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Events flow while the broker and the writer come and go."""
    broker, box = Broker(folder), folder / "box"
    broker.start()
    arrived: dict[int, list[str]] = {}
    subscriber = watch(broker.port, arrived)
    words = [sys.executable, "-c", WRITER, str(broker.port), str(box), str(arguments.events), str(arguments.pause)]
    writer = subprocess.Popen(words)
    faults = ["stop"] * arguments.outages + ["kill"] * arguments.kills
    random.Random(4).shuffle(faults)
    span = arguments.events * arguments.pause / (len(faults) + 1)
    start = time.monotonic()
    for fault in faults:
        time.sleep(span / 2)
        if fault == "stop":
            broker.stop()
            time.sleep(span / 2)
            broker.start()
        else:
            writer.kill()
            writer.wait()
            writer = subprocess.Popen(words)
            time.sleep(span / 2)
    writer.wait(600)
    deadline = time.monotonic() + 60
    while len(arrived) < arguments.events and time.monotonic() < deadline:
        time.sleep(0.2)
    subscriber.disconnect()
    subscriber.loop_stop()
    broker.stop()
    return {
        "events": arguments.events,
        "outages": arguments.outages,
        "kills": arguments.kills,
        "seconds": round(time.monotonic() - start, 1),
        "arrived": len(arrived),
        "lost": arguments.events - len(arrived),
        "sent_again": sum(len(ids) - len(set(ids)) for ids in arrived.values()),
        "written_twice_after_a_kill": sum(len(set(ids)) - 1 for ids in arrived.values()),
    }


class Broker:
    """mosquitto that keeps its subscribers' sessions over a restart."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence true\n"
            f"persistence_location {folder}/\nmax_queued_messages 0\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Listen; returns when it does."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([program, "-c", self._config], stderr=subprocess.DEVNULL)
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop listening."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def watch(port: int, arrived: dict[int, list[str]]) -> paho.Client:
    """A subscriber that notes frame and id of everything."""
    ready = threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="watcher", clean_session=False)

    def take(client: paho.Client, userdata: Any, message: paho.MQTTMessage) -> None:  # noqa: ARG001
        value = json.loads(message.payload)
        arrived.setdefault(value["frame"], []).append(value["id"])

    client.on_connect = lambda client, *rest: client.subscribe("door/camera/announced", qos=1)  # noqa: ARG005
    client.on_subscribe = lambda *rest: ready.set()  # noqa: ARG005
    client.on_message = take
    client.reconnect_delay_set(1, 1)
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    ready.wait(10)
    return client


if __name__ == "__main__":
    main()
