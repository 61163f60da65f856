import subprocess
import sys
import time

import numpy as np
from scripted import picture

from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.summary import KEPT, Percentiles, Tally, peak_rss_mb, summary_rows
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result


def result(**stages: float) -> Result:
    return Result(Frame(picture()), Recognitions.nothing(), stages, 12.0)


def test_percentiles_agree_with_numpy_and_keep_the_newest():
    values = np.random.default_rng(0).exponential(5, KEPT + 5000).astype(np.float32)
    samples = Percentiles()
    for value in values:
        samples.add(value)
    wanted = np.percentile(values[-KEPT:], [50, 95, 99])
    assert np.allclose(list(samples.to_json().values()), wanted, atol=1e-3)


def test_fps_is_intervals_between_the_first_and_the_last_result(monkeypatch):
    moments = iter([10.0, 10.5, 11.0, 12.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    tally = Tally()
    for _ in range(4):
        tally.add(result(infer=1.0))
    assert tally.fps == 3 / 2


def test_the_summary_has_the_keys_that_programs_read():
    tally = Tally()
    tally.add(result(capture=1.0, preprocess=2.0, infer=3.0, decode=4.0))
    summary = tally.to_json(captured=5, skipped=4, recoveries=2)
    assert summary["frames"] == {"captured": 5, "processed": 1, "skipped": 4}
    assert list(summary["stages_ms"]) == ["capture", "preprocess", "infer", "decode"]
    assert summary["stages_ms"]["infer"] == {"p50": 3.0, "p95": 3.0, "p99": 3.0}
    assert summary["age_ms"]["p50"] == 12.0
    assert (summary["recoveries"], summary["fps"]) == (2, None)
    assert set(summary) >= {"first_result_s", "peak_rss_mb", "cpu_s"}
    lines, rows = summary_rows(summary)
    assert "5 captured, 1 processed, 4 skipped, 2 recoveries" in lines[0]
    assert rows[-1] == ("age", "12.00", "12.00", "12.00")


def test_a_run_without_frames_has_a_summary_too():
    summary = Tally().to_json(captured=0, skipped=0, recoveries=0)
    assert summary["first_result_s"] is None
    assert summary["age_ms"] == {"p50": None, "p95": None, "p99": None}
    assert summary_rows(summary)[1] == []


def test_several_sources_are_summed_up():
    first, second = Tally(), Tally()
    first.add(result(infer=1.0))
    second.add(result(infer=3.0))
    total = Tally.of_all([first, second])
    assert total.processed == 2
    assert total.stages["infer"].to_json()["p50"] == 2.0


def test_peak_memory_is_this_process_s_own():
    hungry = np.ones(60_000_000, np.uint8)
    code = "from edgelens.runtime.loop.summary import peak_rss_mb; print(peak_rss_mb())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(child.stdout) < peak_rss_mb() - len(hungry) / 2e6
