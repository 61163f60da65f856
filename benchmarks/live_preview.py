"""The live page: encodes and CPU with no, one and many viewers; from glass to browser.

    python benchmarks/live_preview.py [--seconds 20] [--viewers 20] [--out results.json]

A clock is drawn into every frame as black and white squares and read from the page's canvas in headless Chromium. The
bars: no encode without a viewer; at most one a frame with any number; the CPU of many viewers at most 1.3 times that
of one, beside what bare sockets take; glass to browser at 30 fps p95 at most 100 ms.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

import cv2
import numpy as np
from live_report import write_report
from live_viewer import viewer

from edgelens.runtime.frame import Frame
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result

BLOCK, BITS, FPS = 32, 16, 30
CHROMIUM = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
READ_CLOCK = """(async (seconds) => {
  const small = document.createElement('canvas'); small.width = 16; small.height = 1;
  const pixels = small.getContext('2d', {willReadFrequently: true});
  const found = []; let last = -1; const ends = performance.now() + seconds * 1000;
  while (performance.now() < ends) {
    await new Promise(requestAnimationFrame);
    pixels.drawImage(document.querySelector('canvas'), 0, 0, 512, 32, 0, 0, 16, 1);
    const data = pixels.getImageData(0, 0, 16, 1).data; let value = 0;
    for (let i = 0; i < 16; i++) value = value * 2 + (data[4 * i] > 127 ? 1 : 0);
    if (value !== last) { last = value; found.push((((Date.now() % 65536) - value) + 65536) % 65536); }
  }
  return found;
})"""


def main() -> None:
    """Measure; print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    with Camera() as camera:
        rows = [measured(camera, count, arguments.seconds / 3) for count in (0, 1, arguments.viewers)]
        latencies = sorted(glass_to_browser(camera, arguments.seconds))
    sockets = bare_sockets(camera.bytes_a_frame, arguments.viewers - 1, arguments.seconds / 3)
    _, one, many = (row["cpu_s_per_s"] for row in rows)
    report: dict[str, Any] = {
        "fps": FPS,
        "viewers": rows,
        "sockets_cpu_s_per_s": round(sockets, 4),
        "many_over_one": round((many - sockets) / one, 2),
        "glass_to_browser_ms": {f"p{p}": latencies[int(len(latencies) * p / 100)] for p in (50, 95, 99)},
        "frames_seen": len(latencies),
    }
    print("viewers  frames  encodes  CPU s/s")
    for row in rows:
        print(f"{row['viewers']:7}  {row['frames']:6}  {row['encodes']:7}  {row['cpu_s_per_s']:7.4f}")
    print(f"{arguments.viewers - 1} bare sockets: {sockets:.4f} CPU s/s; many over one {report['many_over_one']}")
    print(f"glass to browser ms: {report['glass_to_browser_ms']}, {len(latencies)} frames seen")
    write_report(arguments.out, report)


class Camera:
    """30 frames a second with the time in them, shown on a live page."""

    def __init__(self) -> None:
        self.preview = LivePreview(Control(["camera"], Settings()), port=0, say=str)
        self.frames = 0
        self.bytes_a_frame = 30_000
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        random = np.random.default_rng(0)
        ground = random.integers(60, 200, (12, 16, 3), dtype=np.uint8)
        ground = np.asarray(cv2.resize(ground, (640, 480), interpolation=cv2.INTER_CUBIC), np.uint8)
        self._ground = np.clip(ground.astype(int) + random.integers(-6, 7, ground.shape), 0, 255).astype(np.uint8)

    def __enter__(self) -> Camera:
        self.preview.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()
        self.preview.__exit__(*exc)

    def _work(self) -> None:
        seen = Recognitions(
            tuple("0123456789"), [3], [0.9], rivals=np.array([[4]]), rival_scores=np.array([[0.1]]), task="classify"
        )
        due = time.monotonic()
        while not self._stop.is_set():
            image = np.roll(self._ground, self.frames * 3, axis=1)
            now = int(time.time() * 1000) % 65536
            for bit in range(BITS):
                image[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 if now >> (BITS - 1 - bit) & 1 else 0
            self.frames += 1
            self.preview.write(Result(Frame(image, self.frames, source="camera"), seen))
            due += 1 / FPS
            time.sleep(max(due - time.monotonic(), 0))


def measured(camera: Camera, viewers: int, seconds: float) -> dict[str, Any]:
    """Encodes and this process's CPU while so many look; the viewers are processes of their own."""
    with ExitStack() as stack:
        for _ in range(viewers):
            stack.enter_context(viewer(camera.preview.port))
        deadline = time.monotonic() + 30
        while camera.preview.shared.hub.viewers < viewers and time.monotonic() < deadline:
            time.sleep(0.05)
        encoded, frames = camera.preview.shared.encoder.encoded, camera.frames
        cpu, start = time.process_time(), time.monotonic()
        time.sleep(seconds)
        spent = (time.process_time() - cpu) / (time.monotonic() - start)
        found = camera.preview.shared.encoder.encoded - encoded
        row = {"viewers": viewers, "frames": camera.frames - frames, "encodes": found, "cpu_s_per_s": round(spent, 4)}
    while camera.preview.shared.hub.viewers:
        time.sleep(0.05)
    return row


def bare_sockets(size: int, count: int, seconds: float) -> float:
    """CPU a second of nothing but sending the same bytes at the same rate to so many sockets."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        lines = []
        for _ in range(count):
            stack.enter_context(viewer(listener.getsockname()[1]))
            lines.append(stack.enter_context(listener.accept()[0]))
        data = bytes(size)
        cpu, start = time.process_time(), time.monotonic()
        due = start
        while time.monotonic() < start + seconds:
            for line in lines:
                line.sendall(data)
            due += 1 / FPS
            time.sleep(max(due - time.monotonic(), 0))
        return (time.process_time() - cpu) / (time.monotonic() - start)


def glass_to_browser(camera: Camera, seconds: float) -> list[int]:
    """Milliseconds from the clock that was drawn to the page that shows it, one a shown frame."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM.split())
        page = browser.new_page(viewport={"width": 1366, "height": 820})
        page.goto(camera.preview.link)
        page.wait_for_selector(".stage[data-frame]")
        page.wait_for_timeout(1000)
        found: list[int] = page.evaluate(f"{READ_CLOCK}({seconds})")
        browser.close()
    return found


if __name__ == "__main__":
    main()
