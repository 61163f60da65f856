"""Half an hour of `edgelens run` on the demo with a viewer, MQTT and recording: memory, threads and files stay.

    python benchmarks/live_soak.py [--minutes 30] [--model digits] [--out results.json]

The bar: after five minutes the memory drifts by at most 2 MB; no thread and no file handle is left over.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from live_mqtt import Broker

from edgelens.runtime.files import write_text

VIEWER = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
    line.sendall(b"GET /live/frames HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    while line.recv(1 << 20):
        pass
"""


def main() -> None:
    """Let it run, look every few seconds, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), arguments)
    print({key: value for key, value in report.items() if key != "samples"})
    if arguments.out:
        write_text(arguments.out, json.dumps(report, indent=1) + "\n")


def run(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The run with everything on, and what /proc says of it."""
    if shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists():
        raise SystemExit("needs mosquitto")
    broker = Broker(folder)
    broker.start()
    words = [
        *[sys.executable, "-m", "edgelens", "run", arguments.model, "--source", "demo", "--max-fps", "30", "--quiet"],
        *["--preview", "0", "--mqtt", f"mqtt://127.0.0.1:{broker.port}/soak", "--record", str(folder / "clips")],
        *[
            "--record-mb",
            "30",
            "--keep-uncertain",
            str(folder / "uncertain"),
            "--duration",
            str(arguments.minutes * 60),
        ],
    ]
    loop = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=folder)
    assert loop.stderr is not None
    port = ""
    while not port:
        line = loop.stderr.readline()
        found = re.search(r"live page: \S+:(\d+)/", line)
        port = found[1] if found else ""
    viewer = subprocess.Popen([sys.executable, "-c", VIEWER, port])
    samples = []
    start = time.monotonic()
    while loop.poll() is None and time.monotonic() - start < arguments.minutes * 60 - 3:
        samples.append(look(loop.pid, time.monotonic() - start))
        time.sleep(min(5.0, arguments.minutes * 2))
    loop.wait(60)
    viewer.wait(10)
    broker.stop()
    settled = [sample for sample in samples if sample["s"] >= min(300, arguments.minutes * 12)]
    edge = max(len(settled) // 10, 1)
    drift = np.median([s["rss_mb"] for s in settled[-edge:]]) - np.median([s["rss_mb"] for s in settled[:edge]])
    return {
        "minutes": arguments.minutes,
        "exit_code": loop.returncode,
        "memory_mb": settled[-1]["rss_mb"],
        "drift_mb": round(float(drift), 2),
        "threads": [settled[0]["threads"], settled[-1]["threads"]],
        "files": [settled[0]["files"], settled[-1]["files"]],
        "recorded_mb": round(sum(p.stat().st_size for p in (folder / "clips").rglob("*") if p.is_file()) / 1e6, 1),
        "half_written": len(list(folder.rglob(".*.partial*"))),
        "samples": samples,
    }


def look(pid: int, seconds: float) -> dict[str, Any]:
    """Memory, threads and open files of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    rss = re.search(r"VmRSS:\s+(\d+)", status)
    threads = re.search(r"Threads:\s+(\d+)", status)
    assert rss is not None
    assert threads is not None
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return {"s": round(seconds, 1), "rss_mb": int(rss[1]) / 1024, "threads": int(threads[1]), "files": files}


if __name__ == "__main__":
    main()
