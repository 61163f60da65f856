"""A gallery at its limits: search among 100,000, its memory, five pictures taught, and 200 kills while it is taught.

    python benchmarks/runtime_gallery.py [--kills 200] [--model digits] [--out results/runtime_gallery.json]

Search is timed on one thread, as wall time and as the processor's time of the thread alone, which other programs on
the machine lengthen less. Memory is what a gallery of 100,000 exemplars adds to the process once it is loaded.
Each kill comes at a moment of chance while a process teaches three names in turn, with pictures, so that they are
thinned again and again; afterwards everything that the process had acknowledged must be there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.runtime.gallery.exemplar import Exemplar
from edgelens.runtime.gallery.file import GalleryFile
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.index import unit
from edgelens.runtime.gallery.space import Space
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.teaching import Teacher

RESULTS = Path(__file__).resolve().parent / "results" / "runtime_gallery.json"
COUNT, WIDTH, NAMES = 100_000, 128, 20_000
SPACE = Space("b" * 64, WIDTH, accepts=((0.1, 0.3), (0.01, 0.4), (0.001, 0.5)))
TEACHER = """
import sys, numpy as np
from pathlib import Path
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.space import Space
gallery, rng = Gallery(Path(sys.argv[1]), Space("k" * 64, 32)), np.random.default_rng(int(sys.argv[2]))
for i in range(10**6):
    rows = rng.normal(size=(4, 32))
    gallery.teach(f"name {i % 3}", rows, pictures=[bytes(6000)] * 4, source=f"{sys.argv[2]}/{i}")
    print(i, flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        found = {
            "machine": _processor(),
            "search": search(Path(folder) / "large.gallery"),
            "teaching": teaching(options.model),
            "kills": kills(Path(folder) / "kills" / "x.gallery", options.kills),
        }
    print(json.dumps(found, indent=1))
    options.out.write_text(json.dumps(found, indent=1) + "\n")


def search(path: Path) -> dict[str, Any]:
    """A gallery of 100,000 exemplars of 20,000 names: written, opened, asked."""
    rng = np.random.default_rng(0)
    centers = unit(rng.normal(size=(NAMES, WIDTH)).astype(np.float32))
    noise = rng.normal(size=(COUNT, WIDTH)).astype(np.float32) / np.sqrt(WIDTH)
    rows = unit(centers[np.arange(COUNT) % NAMES] + 0.5 * noise)
    file = GalleryFile(path)
    for start in range(0, COUNT, 10_000):
        file.append(SPACE.name, [Exemplar(f"name {i % NAMES}", rows[i]) for i in range(start, start + 10_000)])
    began = time.process_time()
    assert len(Gallery(path, SPACE).names) == NAMES
    opened = time.process_time() - began
    tracemalloc.start()
    gallery = Gallery(path, SPACE)
    assert len(gallery.names) == NAMES
    memory = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    asked = unit(centers[:64] + 0.5 * rng.normal(size=(64, WIDTH)).astype(np.float32) / np.sqrt(WIDTH))
    right = sum(gallery.match(row).name == f"name {i}" for i, row in enumerate(asked))
    wall, own = timed(lambda i: gallery.match(asked[i % len(asked)]), 200)
    return {
        "exemplars": COUNT,
        "width": WIDTH,
        "wall_ms": wall,
        "thread_ms": own,
        "memory_mb": round(memory, 1),
        "opened_s": round(opened, 2),  # of the processor
        "found": f"{right} of {len(asked)}",
    }


def teaching(model: str) -> dict[str, Any]:
    """Five pictures from the frame to the disk, and until the first answer that knows them."""
    rng = np.random.default_rng(0)
    frames = [np.asarray(rng.integers(0, 255, (480, 640, 3)), np.uint8) for _ in range(6)]
    took, known = [], []
    with BundleRecognizer(open_model(model), taught=True) as recognizer:
        teacher = Teacher(recognizer)
        for turn in range(10):
            began = time.perf_counter()
            teacher.teach(f"thing {turn}", filter(None, map(teacher.look, frames[:5])), source="benchmark")
            took.append(time.perf_counter() - began)
            teacher.network.decode(teacher.network.outputs(_blank(teacher)), None)  # type: ignore[arg-type]
            known.append(time.perf_counter() - began)
    return {
        "model": model,
        "five_pictures_s": round(float(np.median(took)), 3),
        "slowest_s": round(max(took), 3),
        "known_s": round(float(np.median(known)), 3),
    }


def kills(path: Path, count: int) -> dict[str, Any]:
    """What is missing of all that was acknowledged, over so many kills."""
    rng, missing, damaged, lessons, unopened = random.Random(0), 0, 0, 0, 0
    for kill in range(count):
        words = [sys.executable, "-c", TEACHER, str(path), str(kill)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.random() * 0.3)
            process.send_signal(signal.SIGKILL)
            last = int((["0", *process.stdout.read().split()])[-1])
        lessons += last + 1
        try:
            there = {exemplar.source for exemplar in GalleryFile(path).exemplars()}
            damaged += GalleryFile(path).scan(lambda _: None).damaged
        except Exception:  # noqa: BLE001 (whatever it is, the file did not open)
            unopened += 1
            continue
        missing += f"{kill}/{last}" not in there
    return {"kills": count, "lessons": lessons, "missing": missing, "damaged": damaged, "unopened": unopened}


def timed(work: Callable[[int], object], times: int) -> tuple[dict[str, float], dict[str, float]]:
    """Median and 95th percentile in milliseconds: wall time, and the thread's own on the processor."""
    wall, own = [], []
    for i in range(times):
        began, used = time.perf_counter(), time.thread_time()
        work(i)
        wall.append((time.perf_counter() - began) * 1e3)
        own.append((time.thread_time() - used) * 1e3)
    return tuple({"p50": round(float(np.median(v)), 2), "p95": round(float(np.percentile(v, 95)), 2)}
                 for v in (wall, own))  # type: ignore[return-value]  # fmt: skip


def _blank(teacher: Teacher) -> Any:
    pixels = teacher.network.network.pixels
    return np.full((pixels.height, pixels.width, pixels.channels), 128, np.uint8)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    main()
