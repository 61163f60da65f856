"""Many cameras on one page: pictures shown a second on each card in Chromium, and encodes for each of them.

    python benchmarks/live_grid.py [--cameras 9] [--fps 10] [--seconds 20] [--others 3] [--out results.json]

`edgelens run` watches so many demo scenes at that rate, as a process of its own; Chromium shows them as a grid, and so
many others look at the same grid. The bars: at least 5 pictures a second on every card, at most one encode for a shown
picture. One card is then shown large, which brings a second size of that source alone. Recognizing, rendering the
scenes and the browser share the machine: the load before is part of the result.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live_preview import CHROMIUM
from live_report import write_report
from live_viewer import viewer

from edgelens.runtime.live.http.server import Address

SETTLE_S = 8.0
COUNT = """(async (seconds) => {
  const shown = {};
  for (const stage of document.querySelectorAll('.stage')) shown[stage.dataset.source] = 0;
  const watch = new MutationObserver((all) => { for (const one of all) shown[one.target.dataset.source] += 1; });
  watch.observe(document.getElementById('stages'), {subtree: true, attributeFilter: ['data-frame']});
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  watch.disconnect();
  return shown;
})"""


def main() -> None:
    """Measure; print a table and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=9)
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--others", type=int, default=3, help="who look at the same grid, beside the browser")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    with cameras(arguments.cameras, arguments.fps) as run:
        rows = measured(run, arguments.others, arguments.seconds)
    print(f"{arguments.cameras} demo cameras at {arguments.fps:g} fps; load before {load:.1f}, on {cores} cores")
    print("view   others  recognized/s  shown/s least  median  encodes  encodes a shown picture  CPU s/s of the run")
    for row in rows:
        print(
            f"{row['view']:5}  {row['others']:6}  {row['recognized_fps']:12.1f}  {row['shown_fps_least']:13.1f}"
            f"  {row['shown_fps_median']:6.1f}  {row['encodes']:7}  {row['encodes_a_shown_picture']:23.2f}"
            f"  {row['run_cpu_s_per_s']:18.2f}"
        )
    write_report(
        arguments.out,
        {"cameras": arguments.cameras, "fps": arguments.fps, "load_before": load, "on_cores": cores, "rows": rows},
    )


@dataclass(frozen=True)
class Run:
    """A run under way."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """What it has spent."""
        spent = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, spent)) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def cameras(count: int, fps: float) -> Iterator[Run]:
    """A run with so many demo scenes and a page."""
    with contextlib.closing(Address("127.0.0.1", 0).bind()) as free:
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "cameras.toml"
        tables = (f'[[source]]\nurl = "demo"\nname = "camera {i + 1}"\nseed = {i}\n' for i in range(count))
        config.write_text("\n".join(tables))
        rate = ["--camera-fps", str(fps), "--max-fps", str(fps)]
        command = ["-m", "edgelens", "run", "digits", "--config", str(config), "--preview", str(port), *rate, "--quiet"]
        run = subprocess.Popen([sys.executable, *command], stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while not answers(port) and time.monotonic() < deadline:
                time.sleep(0.2)
            yield Run(port, run.pid)
        finally:
            run.terminate()
            run.wait()


def answers(port: int) -> bool:
    """Whether the page is there."""
    try:
        return bool(state(port)["status"])
    except OSError:
        return False


def state(port: int) -> dict[str, Any]:
    """What the device says of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/live/state", timeout=10) as answer:
        known: dict[str, Any] = json.load(answer)
    return known


def measured(run: Run, others: int, seconds: float) -> list[dict[str, Any]]:
    """The grid alone, with others who look too, and with one camera large."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM.split())
        page = browser.new_page(viewport={"width": 1366, "height": 820})
        page.goto(f"http://127.0.0.1:{run.port}/")
        page.wait_for_selector(".stage[data-frame]")
        rows = [counted(page, run, "grid", 0, seconds)]
        with ExitStack() as stack:
            for _ in range(others):
                stack.enter_context(viewer(run.port, "?size=small"))
            rows.append(counted(page, run, "grid", others, seconds))
        page.locator(".stage .enlarge").first.dispatch_event("click")  # at once, however busy the page is
        rows.append(counted(page, run, "large", 0, seconds))
        browser.close()
    return rows


def counted(page: Any, run: Run, view: str, others: int, seconds: float) -> dict[str, Any]:
    """Pictures that every card shows in some seconds, beside what was recognized and encoded for them."""
    page.wait_for_timeout(1000 * SETTLE_S)
    before, cpu, start = state(run.port), run.cpu_s(), time.monotonic()
    shown = page.evaluate(f"{COUNT}({seconds})")
    after, spent, took = state(run.port), run.cpu_s() - cpu, time.monotonic() - start
    rates = sorted(count / seconds for count in shown.values())
    recognized = sum(source["processed"] for source in after["status"]["sources"])
    recognized -= sum(source["processed"] for source in before["status"]["sources"])
    encodes = after["encoded"] - before["encoded"]
    return {
        "view": view,
        "others": others,
        "recognized_fps": round(recognized / took / len(rates), 2),
        "shown_fps_least": round(rates[0], 2),
        "shown_fps_median": round(rates[len(rates) // 2], 2),
        "encodes": encodes,
        "run_cpu_s_per_s": round(spent / took, 2),
        "encodes_a_shown_picture": round(encodes / max(sum(shown.values()) * took / seconds, 1), 3),
    }


if __name__ == "__main__":
    main()
