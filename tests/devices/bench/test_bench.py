"""bench on real model files: honest medians, whole reports, refusals."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from small_models import make_halves_bundle

from edgelens.cli import cli
from edgelens.devices.bench.cases import Selection, cases_of, check_model, thread_counts
from edgelens.devices.bench.processes import measure
from edgelens.devices.bench.session import BenchPlan, bench
from edgelens.devices.bench.spec import MeasureSpec
from edgelens.devices.bench.timing import sample, sample_blocks, warm_up
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.board import BoardReading
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.recognizer import BundleRecognizer


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
    assert onnx["operators"]["rows"][0]["name"] in ("ReLU114_Output_0", "ReLU32_Output_0")  # the file's own words
    assert tflite["operators"]["estimated"] is True  # its package gives no profile
    assert sum(op["share"] for op in tflite["operators"]["rows"]) == pytest.approx(1, abs=0.01)
    for row in report["cases"]:
        assert len(row["processes"]) >= 2
        assert all(process["median_ms"] > 0 for process in row["processes"])
    (pair,) = report["pairs"]
    assert pair["low"] <= pair["ratio"] <= pair["high"]
    assert len(report["heat"]) >= 2


def test_the_page_is_whole_and_alone(report_path: Path) -> None:
    page = report_path.with_suffix(".html").read_text()
    assert page.count("<svg") >= 2
    assert "pretrainedResnet_quant.tflite" in page
    assert "src=" not in page and "href=" not in page


def test_what_is_timed_is_the_running_and_nothing_else(resnet: Path) -> None:
    """How near the median is to a plain loop's stands in benchmarks/devices/bench_honesty.py: timings are no tests."""
    (case,) = cases_of(str(resnet), Selection(threads=(1,)), 2, Path())
    started = time.perf_counter()
    blocks = measure(MeasureSpec(case.target, duration_s=0.2))["blocks"]
    samples = [ms for block in blocks for ms in block["samples_ms"]]
    elapsed_ms = (time.perf_counter() - started) * 1e3
    assert min(samples) > 0
    assert 10 < sum(samples) < elapsed_ms  # runs were timed, and none was counted twice


def test_weights_beside_a_model_are_measured_with_it(split_onnx: Path, tmp_path: Path) -> None:
    (case,) = cases_of(str(split_onnx), Selection(threads=(1,)), 1, tmp_path)
    assert Path(case.target.path).parent == tmp_path
    assert measure(MeasureSpec(case.target, duration_s=0.1))["blocks"]


def test_warm_up_ends_when_it_has_settled() -> None:
    runs, settled = warm_up(lambda: time.sleep(0.001), 2.0)
    assert settled
    assert runs < 500


def test_a_slow_model_takes_no_more_runs_than_the_time_allows() -> None:
    """Under emulation ten runs and thirty of warm-up took minutes, whatever --duration said."""
    ran: list[float] = []

    def run() -> None:
        ran.append(time.perf_counter())
        time.sleep(0.15)

    assert warm_up(run, 0.1)[0] == 1
    blocks = sample_blocks(run, 0.1, 1000)
    assert [len(block.samples_ms) for block in blocks] == [1]
    assert len(sample(run, 0.1, 1, 1000)) == 1  # of the whole way
    assert len(ran) == 3


def test_a_probe_that_saw_throttling_marks_the_run(resnet: Path) -> None:
    class Hot:
        def read(self) -> BoardReading:
            return BoardReading(temperature_c=85.0, throttled=True, power_w=5.0)

    plan = BenchPlan(Selection(threads=(1,)), duration_s=0.1, end_to_end=False, processes=1)
    report = bench([str(resnet)], plan, probe=Hot())
    assert report["throttled"] is True
    row = report["cases"][0]
    assert row["energy_mj"] == pytest.approx(5.0 * row["steady"]["mean"], rel=1e-4)


def altered(path: Path, target: Path, **changes: Any) -> Path:
    report = json.loads(path.read_text())
    factor = changes.pop("factor", 1.0)
    for row in report["cases"]:
        row["steady"]["p50"] *= factor
        ruler = row["ruler_ms"]
        row["processes"] = [
            {**dict.fromkeys(("quiet_ms", "median_ms"), ms), **dict.fromkeys(("quiet_ruler_ms", "ruler_ms"), ruler),
             **dict.fromkeys(("quiet_by_ruler", "by_ruler"), ms / ruler)}
            for ms in (factor, factor * 1.01, factor * 0.99)
        ]  # fmt: skip
    report |= {"noisy": [], "disturbed": [], **changes}
    target.write_text(json.dumps(report))
    return target


def test_compare_is_a_gate(report_path: Path, tmp_path: Path) -> None:
    old = altered(report_path, tmp_path / "old.json")
    slower = altered(report_path, tmp_path / "slower.json", factor=1.08)
    assert run("bench", "compare", old, old, "--fail-over", "5%").exit_code == 0
    assert run("bench", "compare", "--help").output.startswith("Usage: cli bench compare [OPTIONS] OLD NEW")
    assert run("bench", "compare", old, slower).exit_code == 0
    failed = run("bench", "compare", old, slower, "--fail-over", "5%")
    assert isinstance(failed.exception, WorkError)
    assert "8.0 %" in str(failed.exception)


@pytest.mark.parametrize("change", [{"throttled": True}, {"noisy": ["x"]}, {"disturbed": ["x"], "others_cores": 1.9}])
def test_compare_refuses_what_cannot_be_trusted(report_path: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    old = altered(report_path, tmp_path / "old.json")
    bad = altered(report_path, tmp_path / "bad.json", **change)
    assert isinstance(run("bench", "compare", old, bad).exception, UsageError)
    assert run("bench", "compare", old, bad, "--force").exit_code == 0


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("device",), None), (("noisy",), 3), (("others_cores",), "many"), (("cases",), []), (("cases", 0), "x"),
        (("cases", 0, "ruler_ms"), None), (("cases", 0, "processes"), []), (("cases", 0, "processes", 0), {}),
        (("cases", 0, "processes", 0, "by_ruler"), 0), (("cases", 0, "processes", 0, "median_ms"), float("nan")),
        (("cases", 0, "processes", 0, "quiet_ms"), "x"),
    ],
)  # fmt: skip
def test_a_report_that_lacks_something_is_refused(report_path: Path, tmp_path: Path, place: Any, value: Any) -> None:
    report = json.loads(altered(report_path, tmp_path / "old.json").read_text())
    into = report
    for key in place[:-1]:
        into = into[key]
    into[place[-1]] = value
    (tmp_path / "odd.json").write_text(json.dumps(report))
    for pair in ((tmp_path / "odd.json", tmp_path / "old.json"), (tmp_path / "old.json", tmp_path / "odd.json")):
        refused = run("bench", "compare", *pair, "--force").exception
        assert isinstance(refused, UsageError), refused
        assert "odd.json: " in str(refused)


def test_the_steps_of_a_pipeline_are_rows_of_their_own(
    halves_bundle: Bundle, color_bundle: Bundle, tmp_path: Path
) -> None:
    """Step for step: the second one's old time stood for the first one's, whose key was the same."""
    both = chain(halves_bundle, color_bundle, tmp_path / "both.edge", ChainOptions(classes=("left",)))
    words = ("bench", both.path, "--threads", 1, "--duration", 0.1, "--processes", 2, "--json", tmp_path / "old.json")
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert "both.edge halves" in done.output
    old, new = tmp_path / "old.json", json.loads((tmp_path / "old.json").read_text())
    assert [(row["model"], row["step"]) for row in new["cases"]] == [("both.edge", "halves"), ("both.edge", "color")]
    assert [row["name"].split()[1] for row in new["cases"]] == ["halves", "color"]
    for row, ms in zip(new["cases"], (1.0, 100.0), strict=True):
        for process in row["processes"]:
            process.update(dict.fromkeys(("median_ms", "quiet_ms", "by_ruler", "quiet_by_ruler"), ms))
            process.update(dict.fromkeys(("ruler_ms", "quiet_ruler_ms"), 1.0))
    old.write_text(json.dumps(new))
    run("bench", "compare", old, old, "--force", "--json", tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())["changes"]
    assert [(change["old_ms"], change["new_ms"]) for change in found] == [(1, 1), (100, 100)]


def test_models_of_one_name_are_compared_in_their_order(report_path: Path, tmp_path: Path) -> None:
    report = json.loads(altered(report_path, tmp_path / "one.json").read_text())
    slow = json.loads(altered(report_path, tmp_path / "slow.json", factor=3).read_text())["cases"]
    both, found = tmp_path / "both.json", tmp_path / "found.json"
    both.write_text(json.dumps({**report, "cases": report["cases"][:1] + slow[:1]}))
    run("bench", "compare", both, both, "--force", "--json", found)
    assert [change["ratio"] for change in json.loads(found.read_text())["changes"]] == [1, 1]
    refused = run("bench", "compare", tmp_path / "one.json", both, "--force")
    assert "stands 1 times in the old report and 2 in the new" in str(refused.exception)


def test_what_cannot_be_measured_any_more_fails_a_gate(report_path: Path, tmp_path: Path) -> None:
    old = altered(report_path, tmp_path / "old.json")
    new, found = json.loads(old.read_text()), tmp_path / "found.json"
    for how_many in (1, 2):
        for row in new["cases"][:how_many]:
            row["error"] = "out of memory"
        (tmp_path / "new.json").write_text(json.dumps(new))
        words = ("bench", "compare", old, tmp_path / "new.json", "--json", found)
        assert run(*words).exit_code == 0
        assert "cannot be measured any more: out of memory" in run(*words).stderr
        assert len(json.loads(found.read_text())["broken"]) == how_many
        assert "cannot be any more" in str(run(*words, "--fail-over", "5%").exception)


def test_what_bad_input_gets(tmp_path: Path, report_path: Path) -> None:
    older = altered(report_path, tmp_path / "older.json", schema=1)
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"TFL3 is not here")
    for args, words in (
        (("bench", tmp_path / "missing.edge"), "no such file"),
        (("bench", broken, "--threads", 1), "is no tflite file or is damaged"),
        (("bench", "digits", "--threads", "0"), "--threads"),
        (("bench", "digits", "--frame", "wide"), "--frame"),
        (("bench", "digits", "digits", "--pairs", "1"), "--pairs 1: one process says nothing of others"),
        (("bench", "digits", "--wheels", tmp_path), "--wheels goes with --on"),
        (("bench", "compare", broken, report_path), "is no JSON"),
        (("bench", "compare", older, report_path), "an older kit measured it in one process"),
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


@pytest.fixture(scope="module")
def free(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes pictures of any size, and whose outputs no decoder knows."""
    onnx = pytest.importorskip("onnx")
    path = tmp_path_factory.mktemp("free") / "free.onnx"
    weight = onnx.numpy_helper.from_array(np.full((8, 3, 3, 3), 0.01, np.float32), "w")
    shapes = ((name, [1, channels, "h", "w"]) for name, channels in (("x", 3), ("y", 8)))
    taken, made = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in shapes)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4)], "free", [taken], [made], [weight]
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_free_size_has_to_be_said_and_is_what_is_timed(free: Path, tmp_path: Path) -> None:
    """A picture of one pixel was timed before."""
    for words in (["bench", free], ["bench", free, "--predict", "rpi5"], ["bench", free, "--on", "nowhere.invalid"]):
        refused = run(*words)
        assert isinstance(refused.exception, UsageError)
        assert "say which with --input-size WxH" in str(refused.exception)
    small, large = (
        cases_of(str(free), Selection(threads=(1,), options={"input_size": size}), 1, tmp_path)[0]
        for size in ("32x16", "64x48")
    )
    assert (small.target.shape, large.target.shape) == ((1, 3, 16, 32), (1, 3, 48, 64))
    assert large.name == "free.onnx at 64x48 onnxruntime as is 1 thread"
    assert small.key != large.key
    predicted = [
        run("bench", free, "--predict", "rpi5", "--input-size", size, "--threads", 1, "--json", "-")
        for size in ("32x16", "64x48")
    ]
    fewer, more = (json.loads(done.stdout)["cases"][0]["macs"] for done in predicted)
    assert more == 6 * fewer > 6 * 32 * 16
    assert "free.onnx at 64x48" in run("bench", free, "--predict", "rpi5", "--input-size", "64x48").output


@pytest.mark.parametrize(("shape", "taken"), [([1, 3, 16, 32], "32x16"), ([1, 20], "1x20")], ids=str)
def test_a_size_that_a_file_does_not_take_is_refused(tmp_path: Path, shape: list[int], taken: str) -> None:
    """Of what takes no pictures at all, too, which has a time nevertheless."""
    onnx = pytest.importorskip("onnx")
    ends = [[onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)] for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "fixed", *ends)
    path = tmp_path / "fixed.onnx"
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)
    refused = run("bench", path, "--input-size", "64x48")
    assert isinstance(refused.exception, UsageError)
    assert f"takes {taken} and no other size" in str(refused.exception)


def test_what_is_measured_here_may_be_measured_on_a_device(free: Path, shared: Path) -> None:
    check_model(str(free), Selection(options={"input_size": "64x48"}))  # no decoder fits it
    check_model(str(shared / "models/mnist_onnx/mnist.onnx"), Selection())
    with pytest.raises(UsageError, match="runs on onnxruntime, not on tflite"):
        check_model(str(free), Selection(engine="tflite"))


def test_reports_of_two_sizes_are_not_compared(report_path: Path, tmp_path: Path) -> None:
    old = altered(report_path, tmp_path / "old.json")
    other = json.loads(old.read_text())
    for row in other["cases"]:
        row["size"] = [64, 48]
    (tmp_path / "other.json").write_text(json.dumps(other))
    refused = run("bench", "compare", old, tmp_path / "other.json", "--force")
    assert isinstance(refused.exception, UsageError)


def test_a_machine_that_was_slower_itself_is_said_and_taken_off(report_path: Path, tmp_path: Path) -> None:
    old = altered(report_path, tmp_path / "old.json")
    slower = json.loads(altered(report_path, tmp_path / "slower.json", factor=1.4).read_text())
    for row in slower["cases"]:
        row["ruler_ms"] *= 1.4
        for process in row["processes"]:
            process |= {key: process[key] * 1.4 for key in ("ruler_ms", "quiet_ruler_ms")}
            process |= {key: process[key] / 1.4 for key in ("by_ruler", "quiet_by_ruler")}
    (tmp_path / "slower.json").write_text(json.dumps(slower))
    refused = run("bench", "compare", old, tmp_path / "slower.json")
    assert "the machine itself was 40 % slower during the new run" in str(refused.exception)
    run("bench", "compare", old, tmp_path / "slower.json", "--force", "--json", tmp_path / "found.json")
    for change in json.loads((tmp_path / "found.json").read_text())["changes"]:
        assert change["new_ms"] / change["old_ms"] == pytest.approx(1.4, abs=0.02)
        assert change["machine"] == pytest.approx(1.4)
        assert change["ratio"] == pytest.approx(1, abs=0.02)
        assert not change["different"]


def test_a_pipeline_goes_the_whole_way_once_with_frames_in_which_there_is_something(
    color_bundle: Bundle, tmp_path: Path
) -> None:
    """Its finder sees nothing in drawn shapes, and the second network would have had nothing to do."""
    chain(dim_finder(tmp_path / "dim.edge"), color_bundle, tmp_path / "both.edge")
    done = run("bench", tmp_path / "both.edge", "--threads", 1, "--duration", 0.2, "--processes", 1,
               "--json", tmp_path / "report.json")  # fmt: skip
    assert done.exit_code == 0, done.output
    first, second = json.loads((tmp_path / "report.json").read_text())["cases"]
    assert first["end_to_end"]["looked_into"] == 2
    assert first["end_to_end"]["stages_ms"]["color"] > 0
    assert "end_to_end" not in second
    (line,) = [line for line in done.output.splitlines() if "looked into" in line]
    assert line.startswith("both.edge onnxruntime float32 1 thread ")
    assert "; 2 things a frame looked into" in line


def dim_finder(path: Path) -> Bundle:
    """Finds two halves in what is darker than drawn shapes are, as `color_frames` all are."""
    found = make_halves_bundle(path, dimmed=-0.02)
    with BundleRecognizer(found) as recognizer:
        assert not len(recognizer.recognize(Frame(np.full((48, 64, 3), 127, np.uint8))).recognitions)
    return found
