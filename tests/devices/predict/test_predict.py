"""Prediction: operators counted right, a fit that recovers known costs, priors that keep their word."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgelens.cli import cli
from edgelens.devices.predict.calibrate import SCHEMA, kernels, load_calibration
from edgelens.devices.predict.cost import CostModel, fit_cost, nnls
from edgelens.devices.predict.operators import Op, operators_of
from edgelens.devices.predict.priors import WIDER, fit_prior, left_out_errors, prior, publishers_left_out
from edgelens.devices.predict.published import networks, published
from edgelens.devices.profile import load_profile
from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.errors import UsageError
from edgelens.runtime.formats.catalog import describe
from edgelens.runtime.model.open import open_model

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "engine", "millions"),
    [
        ("mlperf_tiny/pretrainedResnet_quant.tflite", "tflite", 12.5),
        ("mlperf_tiny/vww_96_float.tflite", "tflite", 7.5),
        ("yolox/yolox_nano.onnx", "onnxruntime", 460),
        ("mnist_onnx/mnist.onnx", "onnxruntime", 0.79),
    ],
)
def test_multiply_adds_are_the_published_ones(shared: Path, name: str, engine: str, millions: float) -> None:
    """ResNet-8 12.5 M, MobileNetV1-0.25 7.5 M (MLPerf Tiny); YOLOX-nano 1.08 GFLOPs at 416."""
    path = shared / "models" / name
    ops = operators_of(path.read_bytes(), str(path), engine)
    assert sum(op.macs for op in ops) / 1e6 == pytest.approx(millions, rel=0.25)
    assert {op.work for op in ops} & {"conv", "pointwise", "depthwise"}


def test_operators_are_called_as_in_their_file() -> None:
    """onnxruntime calls what it fuses `_token_14`, which nobody finds in a network."""
    bundle = open_model("digits")
    (file,) = [file for file in bundle.manifest.main.files if file.engine == "onnxruntime"]
    data = bundle.read(file.path)
    told = {output for operator in describe(data, file.path).operators for output in operator.outputs}
    found = [op.name for op in operators_of(data, file.path, "onnxruntime") if op.work in ("conv", "depthwise")]
    assert len(set(found)) == len(found) > 5
    assert set(found) <= told


def test_nnls_finds_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.uniform(0, 1, (60, 6))
    true = np.array([1.0, 0.0, 2.0, 0.0, 0.5, 3.0])
    assert nnls(matrix, matrix @ true) == pytest.approx(true, abs=1e-8)
    assert (nnls(matrix, -matrix @ true) == 0).all()


def made_up(seed: int, count: int) -> tuple[list[list[Op]], list[float]]:
    """Networks on a machine that takes 10 µs a call, 1 µs an operator, and 50 multiply-adds a nanosecond."""
    rng = np.random.default_rng(seed)
    nets, times = [], []
    for _ in range(count):
        ops = []
        for _ in range(int(rng.integers(2, 9))):
            channels, pixels = float(2 ** rng.integers(4, 9)), float(4 ** rng.integers(2, 6))
            macs = pixels * channels * channels
            ops.append(
                Op("x", "CONV", "pointwise", macs, 8 * pixels * channels, channels**2, pixels, 1, channels, channels)
            )
        nets.append(ops)
        times.append(0.01 + sum(0.001 + op.macs / 50e6 for op in ops))
    return nets, times


def test_a_fit_predicts_networks_it_never_saw() -> None:
    fit = fit_cost(*made_up(0, 60), noise=0.0, cache_bytes=1e9)
    nets, times = made_up(1, 30)
    errors = [abs(fit.network_ms(net) / ms - 1) for net, ms in zip(nets, times, strict=True)]
    assert float(np.mean(errors)) < 0.02
    assert 0.9 < fit.low <= fit.high < 1.1
    assert CostModel(**json.loads(json.dumps(fit.as_dict()))).network_ms(nets[0]) == pytest.approx(
        fit.network_ms(nets[0]), rel=1e-4
    )


def test_a_disturbed_kernel_does_not_spoil_the_fit() -> None:
    nets, times = made_up(0, 60)
    times[7] *= 9
    fit = fit_cost(nets, times, noise=0.0, cache_bytes=1e9)
    others, real = made_up(1, 30)
    assert float(np.mean([abs(fit.network_ms(n) / t - 1) for n, t in zip(others, real, strict=True)])) < 0.05


def test_weights_that_are_out_of_the_cache_again_cost_more() -> None:
    cache = 2e5
    nets, times = made_up(0, 80)
    for i, net in enumerate(nets):
        held = sum(op.weight_bytes for op in net)
        times[i] += min(max(held / cache - 1, 0), 1) * held / 1e6  # a byte takes a nanosecond from outside
    fit = fit_cost(nets[:60], times[:60], noise=0.0, cache_bytes=cache)
    errors = [abs(fit.network_ms(net) / ms - 1) for net, ms in zip(nets[60:], times[60:], strict=True)]
    assert float(np.mean(errors)) < 0.03


def test_onnxruntimes_slow_pooling_is_told_from_its_fast_one() -> None:
    shipped = dict(kernels("onnxruntime", "int8"))
    for name, work in (("pool-28-96-0-2", "plain pool"), ("convpool3by1-14-96-96-4", "pool")):
        works = {op.work for op in operators_of(shipped[name], name, "onnxruntime") if "POOL" in op.kind}
        assert works == {work}


def test_at_least_forty_published_latencies_each_with_its_source() -> None:
    points = published()
    assert len(points) >= 40
    assert all(point.source.startswith("https://") and point.ms > 0 for point in points)
    assert {point.network for point in points} <= set(networks())
    assert {point.engine for point in points} == {"ncnn", "tflite", "tflite-ruy"}
    assert all(point.processor.clock_mhz == point.mhz and point.processor.bandwidth_gbs > 0 for point in points)
    eight = [point for point in points if point.precision == "int8"]
    assert len([point for point in eight if point.engine != "ncnn"]) >= 50
    assert len({point.publisher for point in eight}) >= 6


def test_the_networks_consist_of_what_their_papers_say() -> None:
    for name, millions in (("mobilenet_v1", 569), ("mobilenet_v2", 300), ("resnet18", 1814), ("resnet50", 4089)):
        assert sum(networks()[name].macs) / 1e6 == pytest.approx(millions, rel=0.02)


def test_the_prior_holds_its_interval_for_boards_and_networks_left_out() -> None:
    fitted = prior().float32
    errors = left_out_errors(published())
    inside = np.mean([np.log(fitted.low) <= error <= np.log(fitted.high) for error in errors])
    assert inside >= 0.7
    assert fitted.high / fitted.low <= 2.5


def test_what_ships_is_what_the_published_figures_give() -> None:
    fitted, shipped = fit_prior(published()), prior()
    assert shipped.parameters == pytest.approx(fitted.parameters, abs=1e-3)
    assert (shipped.float32.low, shipped.int8.high) == pytest.approx((fitted.float32.low, fitted.int8.high), rel=1e-3)


def test_eight_bits_hold_their_interval_for_publishers_left_out() -> None:
    errors = [error for part in publishers_left_out(published()).values() for error in part]
    shipped = prior().int8
    assert len(errors) >= 30
    assert np.mean([np.log(shipped.low) <= error <= np.log(shipped.high) for error in errors]) >= 0.7
    assert shipped.high / shipped.low <= 2.4


@pytest.mark.parametrize(
    ("board", "network", "ms"),
    [("rpi4", "mobilenet_v2", 17), ("rpi4", "mobilenet_v1", 24), ("rpi5", "mobilenet_v2", 3.98)],
)
def test_eight_bits_on_a_board_come_out_as_they_were_published(board: str, network: str, ms: float) -> None:
    """XNNPACK's own table and Arm's course; estimates were 1.5 to 2 times as long."""
    estimate = prior().estimate(networks()[network], load_profile(board), "tflite", "int8", 4)
    assert prior().int8.low < ms / estimate < prior().int8.high
    assert estimate == pytest.approx(ms, rel=0.25)


def test_what_is_taken_for_granted_widens_the_interval() -> None:
    plain = prior().int8
    assert plain.wider(2).high / plain.high == pytest.approx(WIDER**2)
    assert plain.low / plain.wider(1).low == pytest.approx(WIDER)


def test_the_interval_was_not_tuned_on_what_it_is_tried_on() -> None:
    """A whole board away: its interval comes from the others alone."""
    points = published()
    inside = []
    for board in ("rpi3", "rpi4", "rpi-zero2w"):
        low, high = np.quantile(left_out_errors([point for point in points if point.board != board]), [0.1, 0.9])
        inside += [low <= error <= high for error in left_out_errors(points, board)]
    assert float(np.mean(inside)) >= 0.7


def test_the_shipped_kernels_run_and_are_small() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "devices/predict").glob("*.xz")) <= 1_000_000
    for engine, precision in (("tflite", "int8"), ("onnxruntime", "float32")):
        for i, (name, data) in enumerate(kernels(engine, precision)):
            if i % 40:
                continue
            with open_engine(engine, data) as loaded:
                assert loaded.inputs
            assert operators_of(data, name, engine)


def test_the_shipped_kernels_are_what_the_script_makes() -> None:
    pytest.importorskip("onnx", reason="the kernels are made on a workstation")
    folder = ROOT / "benchmarks/devices"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("tflite_kernels", folder / "tflite_kernels.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        from kernels import KERNELS

        shipped = dict(kernels("tflite", "int8"))
        assert set(shipped) == {kernel.name for kernel in KERNELS}
        assert module.build_tflite(KERNELS[3], "int8") == shipped[KERNELS[3].name]
    finally:
        sys.path.remove(str(folder))


@pytest.mark.parametrize("words", [["--html", "x.html"], ["--duration", "1"], ["--ops"], ["--on", "a-board"]])
def test_what_an_estimate_does_not_heed_is_refused(words: list[str]) -> None:
    done = CliRunner().invoke(cli, ["bench", "digits", "--predict", "rpi4", *words])
    assert isinstance(done.exception, UsageError) and words[0] in str(done.exception)
    quiet = CliRunner().invoke(cli, ["bench", "digits", "--predict", "rpi4", "--quiet"])
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_the_verb_predicts_with_interval_operators_and_honesty(shared: Path, tmp_path: Path) -> None:
    model = str(shared / "models/mlperf_tiny/vww_96_int8.tflite")
    done = CliRunner().invoke(cli, ["bench", model, "--predict", "rpi5", "--threads", "1", "--json", "-"])
    assert done.exit_code == 0, (done.output, done.exception)
    report = json.loads(done.stdout)
    (row,) = report["cases"]
    assert row["low_ms"] < row["ms"] < row["high_ms"]
    assert row["operators"][0]["share"] >= row["operators"][-1]["share"] > 0
    assert row["notes"] == []  # a published board, engine and precision
    slower = json.loads(
        CliRunner().invoke(cli, ["bench", model, "--predict", "rpi-zero2w", "--threads", "1", "--json", "-"]).stdout
    )
    assert slower["cases"][0]["ms"] > 2 * row["ms"]
    refused = CliRunner().invoke(cli, ["bench", model, "--predict", "rpi9"])
    assert isinstance(refused.exception, UsageError)
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(UsageError, match="is no calibration"):
        load_calibration(tmp_path / "no.json")


def test_a_calibration_file_is_of_the_board_that_it_names(shared: Path, tmp_path: Path) -> None:
    model, path = str(shared / "models/mlperf_tiny/vww_96_int8.tflite"), tmp_path / "board.json"
    fits = {"tflite/int8/1": fit_cost(*made_up(0, 60), noise=0.0, cache_bytes=1e9).as_dict()}

    def said(board: object) -> Result:
        plain = {"schema": SCHEMA, "kind": "calibration", "device": {"profile": board}, "fits": fits}
        path.write_text(json.dumps(plain))
        return CliRunner().invoke(cli, ["bench", model, "--predict", str(path), "--json", "-"])

    report = json.loads(said("rpi4").stdout)
    assert (report["device"], [row["threads"] for row in report["cases"]]) == ("rpi4", [1, 4])
    assert report["basis"] == f"calibration {path}"
    for odd in ("../../x", "rpi9", None, ["rpi4"]):
        refused = said(odd).exception
        assert isinstance(refused, UsageError) and "names no board that the kit knows" in str(refused)


def test_a_jetsons_prediction_says_that_it_is_its_processors_and_stands_wider(shared: Path) -> None:
    model = str(shared / "models/mlperf_tiny/vww_96_int8.tflite")
    words = ["bench", model, "--predict", "jetson-orin-nano", "--threads", "1"]
    assert (
        "for its CPU alone: what cuda and tensorrt would take is not predicted" in CliRunner().invoke(cli, words).output
    )
    (row,) = json.loads(CliRunner().invoke(cli, [*words, "--json", "-"]).stdout)["cases"]
    (known,) = json.loads(CliRunner().invoke(cli, [*words[:3], "rpi5", *words[4:], "--json", "-"]).stdout)["cases"]
    assert any("no published latency of jetson-orin-nano" in note for note in row["notes"])
    assert row["high_ms"] / row["low_ms"] > 1.4 * known["high_ms"] / known["low_ms"]


def test_a_tflite_file_of_a_free_size_is_counted_at_the_size_that_was_asked() -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromPackedBuf(bytearray(dict(kernels("tflite", "float32"))["conv3-28-32-32-4"]))
    for tensor in model.subgraphs[0].tensors:
        if len(tensor.shape) == 4 and tensor.shape[0] == 1 and tensor.shape[1] == 28:
            tensor.shapeSignature = [1, -1, -1, tensor.shape[3]]
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    free = bytes(builder.Output())
    small, large = (
        sum(op.macs for op in operators_of(free, "free", "tflite", (1, side, side, 32))) for side in (28, 56)
    )
    assert large == 4 * small > 28 * 28
