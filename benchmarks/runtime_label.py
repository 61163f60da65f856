"""Labelling in a real browser: keys and time a picture, with boxes that a detector proposes.

    python benchmarks/runtime_label.py SHARED/data [--pictures 20] [--out benchmarks/results/runtime_label.json]

Frames of the shared video are labelled with YOLOX-nano proposing, by keys alone: Enter where all is right, Tab and
Delete for what is too much. Time is from the key to the next picture with its boxes on the page; between two pictures
stands what a quick person needs to look. The bars: 2 keys a proposed box, 300 ms.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2

from edgelens.runtime.host.files import write_text
from edgelens.runtime.labelling.desk import Desk
from edgelens.runtime.labelling.pictures import pictures_of
from edgelens.runtime.model.open import open_model

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fixtures"))
from label_page import served

LOOKED_S = 0.5


def main() -> None:
    """Label so many pictures; print the figures and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measured(arguments.data, arguments.pictures, Path(folder))
    for name, value in report.items():
        print(f"{name:20} {value}")
    if arguments.out:
        write_text(arguments.out, json.dumps(report, indent=1) + "\n", named=True)


def measured(data: Path, count: int, folder: Path) -> dict[str, Any]:
    """Keys and times over so many frames of a video of 30 MB."""
    photos(data / "video/one-by-one-person-detection.mp4", folder / "photos", count)
    found = pictures_of(str(folder / "photos"), folder / "frames", most=count, differ=0, say=print)
    model = open_model(str(data / "models/yolox/yolox_nano.onnx"), threshold=0.3)
    from playwright.sync_api import sync_playwright

    with (
        Desk(found, folder / "out", assist=model, say=print) as desk,
        served(desk) as link,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 820})
        page.goto(link)
        page.wait_for_selector("body[data-at]")
        times, keys, boxes = [], 0, 0
        for number in range(count - 1):
            time.sleep(LOOKED_S)
            rows = desk.picture(number)["boxes"]
            wrong = [row for row in rows if row["label"] != "person"]
            for row in reversed(rows):
                if row in wrong:
                    keys += press(page, "Shift+Tab", "Delete")
            boxes += len(rows)
            times.append(turned(page, number + 1))
            keys += 1
        browser.close()
        done, kept = desk.counts()
    times.sort()
    return {
        "pictures": done,
        "boxes_proposed": boxes,
        "boxes_kept": kept,
        "keys": keys,
        "keys_a_box": round(keys / max(boxes, 1), 2),
        "next_ms_p50": round(times[len(times) // 2]),
        "next_ms_max": round(times[-1]),
    }


def photos(video: Path, folder: Path, count: int) -> None:
    """Frames of a video as photos."""
    folder.mkdir()
    capture = cv2.VideoCapture(str(video))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 200)
    for number in range(count * 5):
        image = capture.read()[1]
        if number % 5 == 0:
            cv2.imwrite(str(folder / f"{number:04d}.jpg"), image)
    capture.release()


def press(page: Any, *keys: str) -> int:
    """Press keys one after another; how many."""
    for key in keys:
        page.keyboard.press(key)
    return len(keys)


def turned(page: Any, number: int) -> float:
    """Milliseconds from Enter to the next picture."""
    begun = time.perf_counter()
    page.keyboard.press("Enter")
    while page.evaluate("document.body.dataset.at") != str(number):
        pass
    return (time.perf_counter() - begun) * 1e3


if __name__ == "__main__":
    main()
