"""A process that announces numbered results over MQTT and can be killed at any moment.

    python announce.py PORT OUTBOX TOTAL PAUSE_S

What the outbox has taken is noted beside it, and the next process goes on from there. Ends when the broker has
everything; exits 1 where that takes longer than a minute.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np

from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.mqtt import MqttSink
from edgelens.runtime.sinks.options.mqtt import MqttOptions


def main() -> int:
    """Announce, note, wait for the broker."""
    port, box, total, pause_s = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    note = os.open(box.with_suffix(".count"), os.O_RDWR | os.O_CREAT)
    first = int(os.pread(note, 20, 0) or 0)
    image, seen = np.zeros((4, 4, 3), np.uint8), Recognitions(("a",), [0], [0.9])
    options = MqttOptions(f"mqtt://127.0.0.1:{port}/door", outbox=box)
    with MqttSink(options, device="bench", say=lambda line: None) as sink:
        for index in range(first, total):
            sink.write(Result(Frame(image, index, source="camera"), seen, announced="a"))
            os.pwrite(note, b"%20d" % (index + 1), 0)
            time.sleep(pause_s)
        ends = time.monotonic() + 60
        while len(sink.outbox) and time.monotonic() < ends:
            time.sleep(0.02)
        return 1 if len(sink.outbox) else 0


if __name__ == "__main__":
    sys.exit(main())
