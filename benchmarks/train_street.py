"""A detector and a reader of plates that learn from rendered street scenes, for the chain that `runtime_votes.py` asks.

    python benchmarks/train_street.py --runs DIR [--threads N]
    python benchmarks/runtime_votes.py DIR/read.edge --detector DIR/find.edge

The scenes come from `tests/fixtures/moving_plates.py`, seeds 1000 and up; those that are asked about are 0 to 9. The
detector learns from frames and the boxes of all plates that can be found in them, the reader from plates as they are
cut out at every size. What is in DIR is not made again.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "fixtures"))
from moving_plates import DIGITS, HEIGHT, LETTERS, WIDTH, plate_picture, plate_text, scene

from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.train import TrainConfig, fit
from edgelens.train.optimize import allocator as memory

FIRST, SCENES, EVERY = 1000, 31, 12  # seeds, and which frames of a scene are learnt from
PLATES, HEIGHTS = 5000, (6.0, 22.0)  # pictures of plates, and how high they are
OFF = 2.5  # a detector that learned from few frames is off by so much more than the scenes' own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    memory.keep_large_blocks()
    frames, plates = options.runs / "frames", options.runs / "plates"
    if not (frames / "data.yaml").exists():
        draw_frames(frames)
    if not (plates / "labels.csv").exists():
        draw_plates(plates)
    find = TrainConfig(
        str(frames), str(options.runs / "find"), task="detect", model="lens-det-s", size=(384, 640), epochs=10,
        threads=options.threads, augment="photos",
    )  # fmt: skip
    read = TrainConfig(
        str(plates), str(options.runs / "read"), task="read", size=(32, 144), epochs=20, batch=64,
        threads=options.threads, alphabet="".join(sorted(set(LETTERS + DIGITS))),
    )  # fmt: skip
    for name, config in (("find", find), ("read", read)):
        bundle = options.runs / f"{name}.edge"
        if not (options.runs / name / "report.html").exists():
            fit(config, overwrite=True)
        if not bundle.exists():
            compress_run(config.out, bundle, CompressConfig(formats=("onnx",)))
        print(bundle, flush=True)


def draw_frames(folder: Path) -> None:
    """Frames of scenes with their boxes, as YOLO has them."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for seed in range(FIRST, FIRST + SCENES):
        for number, moment in enumerate(scene(seed)):
            if number % EVERY:
                continue
            name = f"{seed}-{number}"
            cv2.imwrite(str(folder / "images" / f"{name}.jpg"), moment.image, [cv2.IMWRITE_JPEG_QUALITY, 95])
            middles = moment.boxes + np.concatenate([moment.boxes[:, 2:] / 2, np.zeros_like(moment.boxes[:, 2:])], 1)
            rows = middles / (WIDTH, HEIGHT, WIDTH, HEIGHT)
            lines = ["0 " + " ".join(f"{value:.6f}" for value in row) for row in rows.tolist()]
            (folder / "labels" / f"{name}.txt").write_text("\n".join(lines) + "\n" * bool(lines))
    (folder / "data.yaml").write_text("train: images\nnames: [plate]\n")


def draw_plates(folder: Path) -> None:
    """Plates as they are cut out, with what they say."""
    folder.mkdir(parents=True, exist_ok=True)
    random, rows = np.random.RandomState(FIRST), [["file", "text"]]
    for number in range(PLATES):
        text = plate_text(random)
        cv2.imwrite(str(folder / f"{number}.png"), plate_picture(text, random.uniform(*HEIGHTS), random, off=OFF))
        rows.append([f"{number}.png", text])
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


if __name__ == "__main__":
    main()
