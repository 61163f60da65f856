"""How long `edgelens bench` on a board takes over SSH: the first time, when everything has to be brought, and the next.

    python tests/board/start.py pi5 trixie FOLDER && . FOLDER/env
    python benchmarks/devices/board_times.py "$HOST" --wheels "$WHEELS"

The board must be new. Its row in results/devices_board_times.json is written anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edgelens.devices.ssh.connection import Connection

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_board_times.json"
BAR = {"first_s": 90, "next_s": 15}


def bench_s(host: str, wheels: list[str]) -> tuple[float, int]:
    """Seconds of one bench of the built-in digits, and how many rows it measured."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = [
            sys.executable,
            "-m",
            "edgelens",
            "bench",
            "digits",
            "--on",
            host,
            *wheels,
            "--json",
            report,
            "--quiet",
        ]
        start = time.perf_counter()
        subprocess.run(list(map(str, words)), check=True)
        return round(time.perf_counter() - start, 1), len(json.loads(report.read_text())["cases"])


def main() -> None:
    """Time the first bench and three more."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("--wheels")
    options = parser.parse_args()
    with Connection(options.host) as connection:
        board = connection.hello.model or options.host
        if connection.hello.layers:
            raise SystemExit(f"{options.host}: has the kit already; start a new board")
    wheels = ["--wheels", options.wheels] if options.wheels else []
    (first, cases), *others = (bench_s(options.host, wheels) for _ in range(4))
    row = {"board": board, "first_s": first, "next_s": [seconds for seconds, _ in others], "cases": cases}
    print(json.dumps(row))
    rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    rows = [*(each for each in rows if each["board"] != board), row]
    met = all(each["first_s"] <= BAR["first_s"] and max(each["next_s"]) <= BAR["next_s"] for each in rows)
    RESULTS.write_text(json.dumps({"bar": BAR, "met": met, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
