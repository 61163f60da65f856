"""Half an hour of `edgelens run` on the demo with a viewer, MQTT and recording: memory, threads and files stay.

    python benchmarks/live_soak.py [--minutes 30] [--model digits] [--out results.json]

Needs mosquitto. The bar: after five minutes the memory drifts by at most 2 MB (medians of the first and the last tenth
of the samples); no thread and no file handle is left over. Other work on the machine does not change these; how much
there was is in the results.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from live_report import write_report
from live_viewer import viewer

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "servers"))
from mosquitto import Broker

SETTLED_S = 300
LOOK_EVERY_S = 5.0


def main() -> None:
    """Let it run, look every few seconds, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--model", default="digits")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(Path(folder), arguments.model, arguments.minutes * 60)
    print({key: value for key, value in report.items() if key != "samples"})
    write_report(arguments.out, report)


def run(folder: Path, model: str, seconds: float) -> dict[str, Any]:
    """The run with everything on, and what /proc says of it."""
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(folder))
        loop = stack.enter_context(started(folder, model, broker.port, seconds))
        port = page_port(loop)
        stack.enter_context(viewer(port))
        machine, start = machine_cpu_s(), time.monotonic()
        samples: list[dict[str, Any]] = []
        while loop.poll() is None and time.monotonic() - start < seconds - 2 * LOOK_EVERY_S:
            samples.append(look(loop.pid, time.monotonic() - start))
            time.sleep(LOOK_EVERY_S)
        others = machine_cpu_s() - machine - samples[-1]["cpu_s"]
        passed, frames = time.monotonic() - start, frames_so_far(port)
        _, said = loop.communicate(timeout=60)
        return {
            "minutes": seconds / 60,
            "fps": round(frames / passed, 2),
            "exit_code": loop.returncode,
            "last_words": said.strip().splitlines()[-1:],
            **judged([s for s in samples if s["s"] >= min(SETTLED_S, seconds / 6)]),
            "cpu_s_per_s": round(samples[-1]["cpu_s"] / passed, 3),
            "other_work_s_per_s": round(others / passed, 3),
            "recorded_mb": round(sum(p.stat().st_size for p in (folder / "clips").rglob("*") if p.is_file()) / 1e6, 1),
            "half_written": len(list(folder.rglob(".*.partial*"))),
            "samples": samples,
        }


def started(folder: Path, model: str, broker_port: int, seconds: float) -> subprocess.Popen[str]:
    """`edgelens run` with page, MQTT, recording and the collecting of uncertain pictures."""
    options = {
        "--source": "demo",
        "--max-fps": 30,
        "--preview": 0,
        "--mqtt": f"mqtt://127.0.0.1:{broker_port}/soak",
        "--record": folder / "clips",
        "--record-mb": 30,  # full after some minutes, so that what is deleted counts too
        "--keep-uncertain": folder / "uncertain",
        "--duration": seconds,
    }
    words = [sys.executable, "-m", "edgelens", "run", model, "--quiet"]
    words += [str(word) for pair in options.items() for word in pair]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=folder)


def page_port(loop: subprocess.Popen[str]) -> int:
    """Where the page is, as the run says it."""
    assert loop.stderr is not None
    for line in loop.stderr:
        if found := re.search(r"live page: \S+:(\d+)/", line):
            return int(found[1])
    raise SystemExit("the run ended before its page was there")


def frames_so_far(port: int) -> int:
    """Frames that were recognized."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=10) as answer:
        return sum(source["processed"] for source in json.load(answer)["loop"]["sources"])


def look(pid: int, seconds: float) -> dict[str, Any]:
    """Memory, threads, open files and CPU of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    facts = {name: int(value) for name, value in re.findall(r"(VmRSS|Threads):\s+(\d+)", status)}
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return {
        "s": round(seconds, 1),
        "rss_mb": round(facts["VmRSS"] / 1024, 2),
        "threads": facts["Threads"],
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "cpu_s": round(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), 2),
    }


def machine_cpu_s() -> float:
    """CPU seconds that the whole machine has spent."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def judged(settled: list[dict[str, Any]]) -> dict[str, Any]:
    """What the bars are about."""
    edge = max(len(settled) // 10, 1)

    def change(name: str) -> float:
        first, last = ([sample[name] for sample in part] for part in (settled[:edge], settled[-edge:]))
        return float(np.median(last) - np.median(first))

    return {
        "memory_mb": settled[-1]["rss_mb"],
        "drift_mb": round(change("rss_mb"), 2),
        "threads_more": change("threads"),
        "files_more": change("files"),
    }


if __name__ == "__main__":
    main()
