"""First result and peak memory of `edgelens run` against a bare script that does the same work once.

    python benchmarks/runtime_start.py VIDEO MODEL.tflite [--rounds 10] [--out FILE.json]

The bare script imports numpy, cv2 and the engine, reads the same first frame and runs the model once. The bars: first
result at most 1.6 × its whole time, peak memory at most its own + 30 MB. Rounds alternate; medians are reported. Both
find their modules compiled, as they are from the second start on, whatever PYTHONDONTWRITEBYTECODE says here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

BARE = """
import sys, time
import numpy as np, cv2
from ai_edge_litert.interpreter import Interpreter
capture = cv2.VideoCapture(sys.argv[1])
_, image = capture.read()
interpreter = Interpreter(model_path=sys.argv[2], num_threads=1)
interpreter.allocate_tensors()
info = interpreter.get_input_details()[0]
height, width = info["shape"][1:3]
picture = cv2.cvtColor(cv2.resize(image, (width, height)), cv2.COLOR_BGR2RGB)
interpreter.set_tensor(info["index"], picture[None].astype(np.float32) / 255)
interpreter.invoke()
interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).argmax()
with open("/proc/self/stat") as stat:
    ticks = float(stat.read().rpartition(")")[2].split()[19])
age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / 100
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(age, float(line.split()[1]) / 1024)
"""


def bare(video: str, model: str) -> tuple[float, float]:
    """Seconds until the answer, and peak memory in MB."""
    command = [sys.executable, "-c", BARE, video, model]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def kit(video: str, model: str, *options: str) -> tuple[float, float]:
    """Seconds until the first result, and peak memory in MB over the whole video."""
    with tempfile.NamedTemporaryFile(suffix=".json") as summary:
        command = [sys.executable, "-m", "edgelens", "run", model, "--source", video, "--std", "255", "--quiet"]
        command += ["--json", "/dev/null", "--summary", summary.name, *options]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        found = json.loads(Path(summary.name).read_text())
    return found["first_result_s"], found["peak_rss_mb"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("video")
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out")
    options = parser.parse_args()
    rounds: list[dict[str, Any]] = []
    named = ("--no-preview", "--engine", "tflite", "--threads", "1")
    kit(options.video, options.model, *named)  # compiles what is not yet
    for _ in range(options.rounds):
        bare_s, bare_mb = bare(options.video, options.model)
        first_s, peak_mb = kit(options.video, options.model, *named)
        rounds.append({"bare_s": bare_s, "first_s": first_s, "bare_mb": bare_mb, "peak_mb": peak_mb})
        time.sleep(0.1)
    default_s, default_mb = kit(options.video, options.model)
    found = {
        "first_ratio": round(statistics.median(row["first_s"] / row["bare_s"] for row in rounds), 3),
        "extra_mb": round(statistics.median(row["peak_mb"] - row["bare_mb"] for row in rounds), 1),
        "bare_s": round(statistics.median(row["bare_s"] for row in rounds), 3),
        "first_s": round(statistics.median(row["first_s"] for row in rounds), 3),
        "with_defaults": {"first_s": default_s, "peak_mb": default_mb},
        "rounds": rounds,
    }
    print(f"first result {found['first_s']} s, bare script {found['bare_s']} s: ratio {found['first_ratio']} (bar 1.6)")
    print(f"peak memory {found['extra_mb']:+} MB over the bare script (bar +30)")
    print(f"with the page and --engine auto: {default_s} s, {default_mb} MB")
    if options.out:
        Path(options.out).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
