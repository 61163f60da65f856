"""bench on real model files: honest medians, whole reports, refusals."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from edgelens.cli import cli
from edgelens.devices.bench.cases import Selection, cases_of, thread_counts
from edgelens.devices.bench.processes import measure
from edgelens.devices.bench.session import BenchPlan, bench
from edgelens.devices.bench.spec import MeasureSpec
from edgelens.devices.bench.timing import warm_up
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.loop.board import BoardReading


@pytest.fixture(scope="module")
def resnet(shared: Path) -> Path:
    return shared / "models/mlperf_tiny/pretrainedResnet_quant.tflite"


@pytest.fixture(scope="module")
def report_path(shared: Path, resnet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    models = (resnet, shared / "models/mnist_onnx/mnist.onnx")
    done = run("bench", *models, "--threads", 1, "--duration", 0.3, "--pairs", 3,
               "--ops", "--json", folder / "report.json", "--html", folder / "report.html")  # fmt: skip
    assert done.exit_code == 0, done.output
    return folder / "report.json"


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def test_the_report_holds_everything(report_path: Path) -> None:
    report = json.loads(report_path.read_text())
    assert report["device"]["cores"] >= 1
    tflite, onnx = report["cases"]
    assert (tflite["engine"], onnx["engine"]) == ("tflite", "onnxruntime")
    for row in report["cases"]:
        assert 0 < row["steady"]["p50"] <= row["steady"]["p90"] <= row["steady"]["p99"]
        assert row["steady"]["runs"] >= 30
        assert row["cold"]["total_ms"] > row["cold"]["import_ms"] > 0
        assert 20 < row["memory_mb"] < 500
        assert {"preprocess", "infer", "decode"} <= set(row["end_to_end"]["stages_ms"])
    assert onnx["operators"]["rows"][0]["kind"] in ("Conv", "FusedConv")
    assert "no operator profile" in tflite["operators"]["error"]
    (pair,) = report["pairs"]
    assert pair["low"] <= pair["ratio"] <= pair["high"]
    assert len(report["heat"]) >= 2


def test_the_page_is_whole_and_alone(report_path: Path) -> None:
    page = report_path.with_suffix(".html").read_text()
    assert page.count("<svg") >= 3
    assert "pretrainedResnet_quant.tflite" in page
    assert "src=" not in page and "href=" not in page


def test_what_is_timed_is_the_running_and_nothing_else(resnet: Path) -> None:
    """How near the median is to a plain loop's stands in benchmarks/devices/bench_honesty.py: timings are no tests."""
    (case,) = cases_of(str(resnet), Selection(threads=(1,)), 2, Path())
    started = time.perf_counter()
    samples = measure(MeasureSpec(case.target, duration_s=0.2))["samples_ms"]
    elapsed_ms = (time.perf_counter() - started) * 1e3
    assert min(samples) > 0
    assert 100 < sum(samples) < elapsed_ms  # most of what was asked for went into runs, and none was counted twice


def test_weights_beside_a_model_are_measured_with_it(split_onnx: Path, tmp_path: Path) -> None:
    (case,) = cases_of(str(split_onnx), Selection(threads=(1,)), 1, tmp_path)
    assert Path(case.target.path).parent == tmp_path
    assert measure(MeasureSpec(case.target, duration_s=0.1))["samples_ms"]


def test_warm_up_ends_when_it_has_settled() -> None:
    runs, settled = warm_up(lambda: time.sleep(0.001), 2.0)
    assert settled
    assert runs < 500


def test_a_probe_that_saw_throttling_marks_the_run(resnet: Path) -> None:
    class Hot:
        def read(self) -> BoardReading:
            return BoardReading(temperature_c=85.0, throttled=True, power_w=5.0)

    plan = BenchPlan(Selection(threads=(1,)), duration_s=0.1, end_to_end=False)
    report = bench([str(resnet)], plan, probe=Hot())
    assert report["throttled"] is True
    row = report["cases"][0]
    assert row["energy_mj"] == pytest.approx(5.0 * row["steady"]["mean"], rel=1e-4)


def altered(path: Path, target: Path, **changes: Any) -> Path:
    report = json.loads(path.read_text())
    factor = changes.pop("factor", 1.0)
    for row in report["cases"]:
        row["steady"]["p50"] *= factor
        row["steady"]["blocks"] = [value * factor for value in row["steady"]["blocks"]]
    report |= {"noisy": [], **changes}
    target.write_text(json.dumps(report))
    return target


def test_compare_is_a_gate(report_path: Path, tmp_path: Path) -> None:
    old = altered(report_path, tmp_path / "old.json")
    slower = altered(report_path, tmp_path / "slower.json", factor=1.08)
    assert run("bench", "compare", old, old, "--fail-over", "5%").exit_code == 0
    assert run("bench", "compare", old, slower).exit_code == 0
    failed = run("bench", "compare", old, slower, "--fail-over", "5%")
    assert isinstance(failed.exception, WorkError)
    assert "8.0 %" in str(failed.exception)


@pytest.mark.parametrize("change", [{"throttled": True}, {"noisy": ["x"]}])
def test_compare_refuses_what_cannot_be_trusted(report_path: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    old = altered(report_path, tmp_path / "old.json")
    bad = altered(report_path, tmp_path / "bad.json", **change)
    assert isinstance(run("bench", "compare", old, bad).exception, UsageError)
    assert run("bench", "compare", old, bad, "--force").exit_code == 0


def test_what_bad_input_gets(tmp_path: Path, report_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"TFL3 is not here")
    for args, words in (
        (("bench", tmp_path / "missing.edge"), "no such file"),
        (("bench", broken, "--threads", 1), "is no tflite file or is damaged"),
        (("bench", "digits", "--threads", "0"), "--threads"),
        (("bench", "digits", "--frame", "wide"), "--frame"),
        (("bench", "compare", broken, report_path), "is no JSON"),
        (("bench", "compare", report_path, report_path, "--force", "--fail-over", "much"), "--fail-over"),
    ):
        done = run(*args)
        assert done.exception is not None
        assert words in str(done.exception), (args, done.exception)


def test_thread_counts() -> None:
    assert thread_counts(None, 6, sweep=True) == (1, 2, 4, 6)
    assert thread_counts(None, 1, sweep=True) == (1,)
    assert thread_counts(None, 4, sweep=False) == (1,)
    assert thread_counts((3,), 4, sweep=False) == (3,)


def test_bench_here_loads_nothing_of_a_workstation() -> None:
    import subprocess

    code = (
        "import sys, edgelens.cli.bench, edgelens.cli.devices"
        ", edgelens.devices.bench.session, edgelens.devices.bench.html;"
        "print([m for m in ('torch', 'onnx', 'matplotlib', 'PIL', 'scipy', 'rich') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
