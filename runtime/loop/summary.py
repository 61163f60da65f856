"""What a run amounted to: counts, rates, stage times and ages, as JSON and as a table."""

from __future__ import annotations

import os
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..result import Result

__all__ = ["Percentiles", "Tally", "peak_rss_mb", "process_age_s", "summary_rows"]

KEPT = 8192  # samples; a run of months keeps its newest ones, and fills up in its first five minutes
STAGES = ("capture", "preprocess", "infer", "decode")


class Percentiles:
    """The newest samples of one quantity, in milliseconds."""

    def __init__(self) -> None:
        self._samples = array("f")
        self._next = 0

    def add(self, value: float) -> None:
        """Take one sample."""
        if len(self._samples) < KEPT:
            self._samples.append(value)
        else:
            self._samples[self._next] = value
            self._next = (self._next + 1) % KEPT

    def extend(self, other: Percentiles) -> None:
        """Take the samples of another."""
        self._samples.extend(other._samples)

    def to_json(self) -> dict[str, float | None]:
        """p50, p95 and p99; None where there was no sample."""
        if not self._samples:
            return {"p50": None, "p95": None, "p99": None}
        ordered = np.sort(np.frombuffer(self._samples, np.float32))
        ranks = np.array([0.50, 0.95, 0.99]) * (len(ordered) - 1)
        values = np.interp(ranks, np.arange(len(ordered)), ordered)  # np.percentile would import numpy.ma
        return {f"p{p}": round(float(v), 3) for p, v in zip((50, 95, 99), values, strict=True)}


class Tally:
    """Counts results as they come."""

    def __init__(self) -> None:
        self.processed = 0
        self.first_result_s: float | None = None  # since the process started
        self.stages = {name: Percentiles() for name in STAGES}
        self.age = Percentiles()
        self.last_stages: Mapping[str, float] = {}
        self.last_age_ms = 0.0
        self.seen: Counter[str] = Counter()  # frames in which each label was seen
        self.announced: Counter[str] = Counter()
        self._first = self._last = 0.0
        self._interval: float | None = None

    def add(self, result: Result) -> None:
        """Take one result, when it is done."""
        before, self._last = self._last, time.monotonic()
        if self.processed == 0:
            self._first, self.first_result_s = self._last, process_age_s()
        else:
            interval = self._last - before
            self._interval = interval if self._interval is None else 0.95 * self._interval + 0.05 * interval
        self.last_stages, self.last_age_ms = result.stages_ms, result.age_ms
        self.processed += 1
        called = map(result.seen.called, range(len(result.seen)))
        self.seen.update({name for name in called if name is not None})
        if result.announced is not None:
            self.announced[result.announced] += 1
        for name, ms in result.stages_ms.items():
            self.stages.setdefault(name, Percentiles()).add(ms)
        self.age.add(result.age_ms)

    @property
    def fps(self) -> float | None:
        """Results a second between the first and the last."""
        span = self._last - self._first
        return (self.processed - 1) / span if span > 0 else None

    @property
    def recent_fps(self) -> float:
        """Results a second lately; falls while none come."""
        if not self._interval:
            return 0.0
        return 1 / max(self._interval, time.monotonic() - self._last)

    @classmethod
    def of_all(cls, tallies: Sequence[Tally]) -> Tally:
        """What several sources' tallies come to together."""
        if len(tallies) == 1:
            return tallies[0]
        total = cls()
        begun = [tally for tally in tallies if tally.processed]
        total.processed = sum(tally.processed for tally in begun)
        total.first_result_s = min((t.first_result_s for t in begun if t.first_result_s is not None), default=None)
        total._first = min((tally._first for tally in begun), default=0.0)
        total._last = max((tally._last for tally in begun), default=0.0)
        for tally in begun:
            total.age.extend(tally.age)
            for name, samples in tally.stages.items():
                total.stages.setdefault(name, Percentiles()).extend(samples)
        return total

    def to_json(
        self,
        *,
        captured: int,
        skipped: int,
        recoveries: int,
        unmoved: int | None = None,
        dropped: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """The summary's JSON; those of the skipped in which nothing had moved are counted where that was looked at.

        `dropped` are the results that each sink was too slow for.
        """
        gated = {} if unmoved is None else {"unmoved": unmoved}
        return {
            "frames": {"captured": captured, "processed": self.processed, "skipped": skipped, **gated},
            "fps": None if self.fps is None else round(self.fps, 3),
            "stages_ms": {name: samples.to_json() for name, samples in self.stages.items()},
            "age_ms": self.age.to_json(),
            "recoveries": recoveries,
            "dropped": dict(dropped or {}),
            "first_result_s": None if self.first_result_s is None else round(self.first_result_s, 3),
            "peak_rss_mb": round(peak_rss_mb(), 1),
            "cpu_s": round(time.process_time(), 3),
        }


def summary_rows(summary: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, ...]]]:
    """The summary for people: a few lines, and the rows of the table of times."""
    frames = summary["frames"]
    lines = [
        f"frames: {frames['captured']} captured, {frames['processed']} processed, {frames['skipped']} skipped"
        + (f" ({frames['unmoved']} of them unmoved)" if "unmoved" in frames else "")
        + (f", {summary['recoveries']} recoveries" if summary["recoveries"] else "")
        + (f"; {summary['fps']:.1f} fps" if summary["fps"] else ""),
        f"memory: {summary['peak_rss_mb']:.0f} MB at most; CPU: {summary['cpu_s']:.1f} s"
        + ("" if summary["first_result_s"] is None else f"; first result after {summary['first_result_s']:.2f} s"),
        *(
            f"{sink}: {count} of {frames['processed']} results dropped, it was too slow"
            for sink, count in summary["dropped"].items()
            if count
        ),
    ]
    times = {**summary["stages_ms"], "age": summary["age_ms"]}
    rows = [
        (name, *(f"{values[p]:.2f}" for p in ("p50", "p95", "p99")))
        for name, values in times.items()
        if values["p50"] is not None
    ]
    return lines, rows


def peak_rss_mb() -> float:
    """This process's largest resident memory so far, in megabytes (getrusage's figure would be its parent's)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        return float(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    except (OSError, StopIteration, ValueError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def process_age_s() -> float:
    """Seconds since this process was started."""
    try:
        ticks = float(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return time.process_time()
