"""5,000 announcements through a broker that is stopped 20 times by a process that is killed 10 times.

    python benchmarks/live_mqtt.py [--events 5000] [--outages 20] [--kills 10] [--out results.json]

Needs mosquitto. An event counts once the sink has taken it (its number is noted after `write` returns); a killed
process goes on after the last note. The bar: every event arrives at least once, and what arrives more than once
carries the same id, or was written twice by the process that came after a kill.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from live_report import write_report

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "servers"))
import mosquitto
from mosquitto import Broker


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
    write_report(arguments.out, report)


def run(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Events flow while the broker and the writer come and go."""
    arrived: dict[int, list[str]] = {}
    start = time.monotonic()
    with Broker(folder) as broker:
        subscriber = watch(broker.port, arrived)
        writer = disturbed(broker, folder / "box", arguments)
        writer.wait(600)
        deadline = time.monotonic() + 60
        while len(arrived) < arguments.events and time.monotonic() < deadline:
            time.sleep(0.2)
        subscriber.disconnect()
        subscriber.loop_stop()
    return {
        "events": arguments.events,
        "outages": arguments.outages,
        "kills": arguments.kills,
        "seconds": round(time.monotonic() - start, 1),
        "arrived": len(arrived),
        "lost": arguments.events - len(arrived),
        "sent_again": sum(len(ids) - len(set(ids)) for ids in arrived.values()),
        "written_twice_after_a_kill": sum(len(set(ids)) - 1 for ids in arrived.values()),
        "writer_exit_code": writer.returncode,
    }


def disturbed(broker: Broker, box: Path, arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    """The last of the writers, after all outages and kills, shuffled and spread over the events."""
    program = str(Path(mosquitto.__file__).with_name("announce.py"))
    words = [sys.executable, program, str(broker.port), str(box), str(arguments.events), str(arguments.pause)]
    writer = subprocess.Popen(words)
    faults = ["stop"] * arguments.outages + ["kill"] * arguments.kills
    random.Random(4).shuffle(faults)
    span = arguments.events * arguments.pause / (len(faults) + 1)
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
    return writer


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
