"""SIGINT and SIGTERM at random moments: how long the run takes to end, and whether its files are whole.

    python benchmarks/runtime_stop.py MODEL [--times 50] [--out FILE.json]

Half of the runs watch a camera that has been stalled, so that the signal comes while a capture blocks. The bar: every
run ends within 1 s of the signal, prints its summary, and leaves JSON lines that can be read.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "servers"))
from cameras import Camera, has_rtsp


def stop_once(model: str, camera: Camera, folder: Path, number: signal.Signals, *, stalled: bool) -> float:
    """Seconds from the signal to the end of the process."""
    lines, summary = folder / "lines.jsonl", folder / "summary.json"
    lines.unlink(missing_ok=True)
    summary.unlink(missing_ok=True)
    command = [sys.executable, "-m", "edgelens", "run", model, "--source", camera.url, "--no-preview"]
    command += ["--json", str(lines), "--summary", str(summary)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not (lines.is_file() and lines.stat().st_size):
        time.sleep(0.01)
    time.sleep(random.random())
    if stalled:
        camera.stall()
        time.sleep(0.3)
    start = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    took = time.monotonic() - start
    if stalled:
        camera.go_on()
    code = 130 if number == signal.SIGINT else 0
    assert process.returncode == code, (process.returncode, err)
    assert b"processed" in out, (out, err)
    found = json.loads(summary.read_text())
    assert [json.loads(line) for line in lines.read_text().splitlines()]
    assert found["frames"]["processed"] > 0
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--out")
    options = parser.parse_args()
    kinds = ["mjpeg", "rtsp"] if has_rtsp() else ["mjpeg"]
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder, Camera(kinds[0]) as first, Camera(kinds[-1]) as last:
        for i in range(options.times):
            number = (signal.SIGTERM, signal.SIGINT)[i % 2]
            camera = (first, last)[i // 2 % 2]
            times.append(stop_once(options.model, camera, Path(folder), number, stalled=i // 4 % 2 == 1))
            print(f"{i + 1:3} {number.name} {camera.kind:5} {times[-1]:.2f} s", flush=True)
    print(f"{len(times)} stops: worst {max(times):.2f} s (bar 1)")
    if options.out:
        Path(options.out).write_text(json.dumps({"seconds": times, "worst_s": max(times)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
