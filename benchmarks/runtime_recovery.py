"""How long a lost camera takes to be back: MJPEG and RTSP, stalled or cut for some seconds, then returned.

    python benchmarks/runtime_recovery.py MODEL [--seconds 1 10 60] [--cuts 20] [--out FILE.json]

The camera draws its clock into its pictures. A result is fresh when its picture was made after the return. The bars:
first fresh result within 3 s (MJPEG) or 6 s (RTSP) of the return, no result older than the outage afterwards, memory
flat over many cuts.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "runtime" / "servers"))
from cameras import Camera, has_rtsp, wait_until
from clock_pixels import read

from edgelens.runtime.control import Control, Settings
from edgelens.runtime.feeds import Feeds
from edgelens.runtime.model import open_model
from edgelens.runtime.model_slot import ModelSlot
from edgelens.runtime.pace import Pace
from edgelens.runtime.pipeline import Lane, LoopOptions, watch
from edgelens.runtime.sources.catalog import open_source


class Watcher:
    """The loop on a thread, with the newest picture's own clock."""

    def __init__(self, model: str, url: str) -> None:
        self.source = open_source(url)
        self.feeds = Feeds([self.source], lambda _: None)
        self.lane = Lane(self.source, ModelSlot(open_model(model)))
        self.made = 0.0  # monotonic seconds drawn into the newest result's picture
        self.worst_age = self.worst_error = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        control, options = Control([self.source.name], Settings()), LoopOptions()
        for result in watch([self.lane], control, options, feeds=self.feeds, pace=Pace(), stop=self._stop.is_set):
            self.made = read(result.frame.image)
            age = time.monotonic() - self.made
            self.worst_age = max(self.worst_age, age)
            self.worst_error = max(self.worst_error, abs(age - result.age_ms / 1e3))

    def __enter__(self) -> Watcher:
        self._thread.start()
        wait_until(lambda: self.made, 20)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()


def outage(camera: Camera, watcher: Watcher, how: str, seconds: float) -> float:
    """Seconds from the camera's return to the first result from a picture made after it."""
    (camera.stall if how == "stall" else camera.cut)()
    time.sleep(seconds)
    watcher.worst_age = 0.0
    returned = time.monotonic()
    (camera.go_on if how == "stall" else camera.start)()
    wait_until(lambda: watcher.made > returned, 30)
    return time.monotonic() - returned


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def measure(kind: str, model: str, seconds: list[float], cuts: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    with Camera(kind) as camera, Watcher(model, camera.url) as watcher:
        for how in ("stall", "cut"):
            for outage_s in seconds:
                back = outage(camera, watcher, how, outage_s)
                rows.append({"how": how, "outage_s": outage_s, "back_s": round(back, 2)})
                print(f"{kind:6} {how:6} {outage_s:5.0f} s  back after {back:5.2f} s", flush=True)
                time.sleep(1)
        memory, times = [rss_mb()], []
        for _ in range(cuts):
            times.append(outage(camera, watcher, "cut", 0.5))
            time.sleep(0.5)
            memory.append(rss_mb())
        recoveries = watcher.feeds.feeds[0].recoveries
        print(
            f"{kind:6} {cuts} cuts: worst {max(times, default=0):.2f} s, recoveries {recoveries}, "
            f"memory {memory[0]:.0f} → {memory[-1]:.0f} MB"
        )
    return {
        "outages": rows,
        "cuts": {"count": cuts, "worst_back_s": round(max(times, default=0.0), 2), "rss_mb": memory},
        "recoveries": recoveries,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 10, 60])
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=["mjpeg", "rtsp"])
    parser.add_argument("--out")
    options = parser.parse_args()
    results = {
        kind: measure(kind, options.model, options.seconds, options.cuts)
        for kind in options.kinds
        if kind != "rtsp" or has_rtsp()
    }
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
