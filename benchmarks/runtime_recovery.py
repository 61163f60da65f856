"""How long a lost camera takes to be back: MJPEG and RTSP, stalled or cut for some seconds, then returned.

    python benchmarks/runtime_recovery.py MODEL [--seconds 1 10 60] [--cuts 20] [--out FILE.json]

The camera draws its clock into its pictures. A result is fresh when its picture was made after the return. The bars:
first fresh result within 3 s (MJPEG) or 6 s (RTSP) of the return, memory flat over many cuts. The oldest result that
came with or after the return is told beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "servers"))
from cameras import Camera, has_rtsp, wait_until
from clock_pixels import read

from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.loop.feeds import Feeds
from edgelens.runtime.loop.lane import Lane
from edgelens.runtime.loop.loop import LoopOptions, watch
from edgelens.runtime.loop.model_slot import ModelSlot
from edgelens.runtime.loop.pace import Pace
from edgelens.runtime.model.open import open_model
from edgelens.runtime.sources.catalog import open_source

NOTICED_S = 5.0  # a stall that is shorter may pass without a new connection


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
    (camera.go_on if how == "stall" else camera.start)()  # a cut camera says when it serves again
    returned = time.monotonic()
    wait_until(lambda: watcher.made > returned, 30)
    return time.monotonic() - returned


def rss_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def outages(kind: str, how: str, model: str, seconds: list[float]) -> list[dict[str, Any]]:
    """One camera, stalled or cut for each of the times."""
    rows = []
    with Camera(kind) as camera, Watcher(model, camera.url) as watcher:
        for outage_s in seconds:
            back = outage(camera, watcher, how, outage_s)
            time.sleep(1)  # what is older than the outage would come now
            oldest = round(watcher.worst_age, 2)
            row = {"kind": kind, "how": how, "outage_s": outage_s, "back_s": round(back, 2), "oldest_result_s": oldest}
            rows.append(row)
            print(f"{kind:6} {how:6} {outage_s:5.0f} s  back after {back:5.2f} s; oldest result {oldest} s", flush=True)
        assert watcher.feeds.feeds[0].recoveries >= sum(outage_s > NOTICED_S for outage_s in seconds)
    return rows


def many_cuts(kind: str, model: str, cuts: int) -> dict[str, Any]:
    """One camera, cut many times; how long each took, and the memory of the process (all its cameras) after each."""
    memory, times = [rss_mb()], []
    with Camera(kind) as camera, Watcher(model, camera.url) as watcher:
        for _ in range(cuts):
            times.append(outage(camera, watcher, "cut", 0.5))
            time.sleep(0.5)
            memory.append(rss_mb())
        recoveries = watcher.feeds.feeds[0].recoveries
    worst, settled = max(times, default=0.0), memory[len(memory) // 2 :]
    print(
        f"{kind:6} {cuts} cuts: worst {worst:.2f} s, recoveries {recoveries}, "
        f"memory {settled[0]:.1f} MB in the middle, {settled[-1]:.1f} MB at the end"
    )
    return {
        "count": cuts,
        "recoveries": recoveries,
        "worst_back_s": round(worst, 2),
        "rss_mb": [round(value, 1) for value in memory],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--seconds", type=float, nargs="+", default=[1, 10, 60])
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=["mjpeg", "rtsp"])
    parser.add_argument("--out")
    options = parser.parse_args()
    kinds = [kind for kind in options.kinds if kind != "rtsp" or has_rtsp()]
    cases = [(kind, how) for kind in kinds for how in ("stall", "cut")]
    with ThreadPoolExecutor(len(cases)) as together:  # each with a camera and a loop of its own
        rows = list(together.map(lambda case: outages(case[0], case[1], options.model, options.seconds), cases))
        cuts = list(together.map(lambda kind: many_cuts(kind, options.model, options.cuts), kinds))
    results = {
        "bars_s": {"mjpeg": 3, "rtsp": 6},
        "outages": [row for some in rows for row in some],
        "cuts": dict(zip(kinds, cuts, strict=True)),
    }
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
