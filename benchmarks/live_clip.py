"""What a second of recorded video costs: the kit's VP8 of key pictures against what OpenCV's own writer has.

    python benchmarks/live_clip.py [--pictures 60] [--out FILE.json]

CPU milliseconds a picture of 640×480 (one thread), kilobytes a picture, and how near what plays is to what was put in
(dB), on the demo's scene. Browsers play the first two; OpenCV from pip has no encoder of H.264.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from edgelens.runtime.sinks.video.constant_rate import ConstantRateFile
from edgelens.runtime.sinks.video.protocol import Picture, Video
from edgelens.runtime.sinks.video.webm import WebmFile
from edgelens.runtime.sources.demo import DemoSource

SIZE, FPS = (640, 480), 10.0
WRITERS: dict[str, tuple[str, Callable[[Path], Video]]] = {
    "the kit's VP8": ("x.webm", lambda path: WebmFile(path, SIZE)),
    "OpenCV's VP8": ("y.webm", lambda path: ConstantRateFile(path, SIZE, FPS, "VP80")),
    "OpenCV's MPEG-4": ("x.mp4", lambda path: ConstantRateFile(path, SIZE, FPS, "mp4v")),
    "OpenCV's Motion JPEG": ("x.avi", lambda path: ConstantRateFile(path, SIZE, FPS, "MJPG")),
}


def scene(count: int) -> list[Picture]:
    """Every third picture of the demo's camera."""
    pictures = []
    with DemoSource(3, size=(SIZE[1], SIZE[0]), fps=1000) as demo:
        while len(pictures) < count:
            frame = demo.read()
            assert frame is not None
            pictures.append(frame.image)
    return pictures


def measure(path: Path, opened: Callable[[Path], Video], pictures: list[Picture]) -> dict[str, float]:
    """One video of all pictures."""
    video, begun = opened(path), time.process_time()
    for number, picture in enumerate(pictures):
        video.add(picture, number / FPS)
    video.finish(len(pictures) / FPS)
    spent = time.process_time() - begun
    capture, near = cv2.VideoCapture(str(path)), []
    for picture in pictures:
        good, shown = capture.read()
        assert good
        near.append(cv2.PSNR(shown, picture))
    capture.release()
    return {
        "cpu_ms": round(spent / len(pictures) * 1e3, 2),
        "kilobytes": round(path.stat().st_size / len(pictures) / 1e3, 2),
        "psnr_db": round(statistics.mean(near), 2),
    }


def main() -> None:
    """Measure each writer in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--out")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = scene(options.pictures)
    report: dict[str, Any] = {"opencv": cv2.__version__, "size": SIZE, "pictures": len(pictures), "writers": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, (file, opened) in WRITERS.items():
            row = report["writers"][name] = measure(Path(folder) / file, opened, pictures)
            print(f"{name:22} {row['cpu_ms']:7.2f} ms  {row['kilobytes']:6.2f} kB  {row['psnr_db']:.1f} dB")
    if options.out:
        Path(options.out).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
