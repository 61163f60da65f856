"""Networks that the kit did not make, in 8 bits: against onnxruntime's and NNCF's quantizers, and the best of each.

    python benchmarks/compress_foreign.py --shared SHARED/data --data DIR --resnet20 resnet20.onnx --nncf PYTHON

DIR holds cifar10/, mnist/ and coco_small_a_yolo/; `compress_resnet20.py` makes the ResNet-20. Every quantizer gets the
same 300 images. PYTHON is an interpreter with NNCF; without one its rows are left out.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from compress_pairs import paired
from compress_resnet20 import normalised

from edgelens.compress.bundle.assemble import processor
from edgelens.compress.foreign.onnx_model import prepared_onnx
from edgelens.compress.foreign.quantize_onnx import best_quantized
from edgelens.compress.host.quiet import quiet
from edgelens.runtime.datasets.catalog import load_boxes, load_images
from edgelens.runtime.model.evaluate import evaluate
from edgelens.runtime.model.open import open_model
from edgelens.runtime.preprocess import fit_frame, to_tensor

HERE = Path(__file__).resolve().parent
CALIBRATION = 300


@dataclass(frozen=True)
class Case:
    """A network, its calibration tensors, and how well one of its files does against the float one."""

    path: Path
    feeds: list[Any]  # (1, …) each, as the file takes them
    judge: Callable[[Mapping[str, bytes]], dict[str, dict[str, Any]]]
    calibrators: tuple[str, ...] = ("MinMax", "Percentile")  # of onnxruntime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="resnet20, mnist, yolox; all unless said")
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--resnet20", type=Path, default=Path("resnet20.onnx"))
    parser.add_argument("--nncf", help="an interpreter that has NNCF")
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--json", type=Path, default=HERE / "results" / "compress_foreign.json")
    options = parser.parse_args()
    kept = json.loads(options.json.read_text()) if options.json.exists() else {}
    for name in options.networks or CASES:
        case = CASES[name](options)
        kept |= {"processor": processor(), name: compared(case, options.nncf)}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
        print(name)
        for title, row in kept[name].items():
            print(f"  {title:44} {line(row)}", flush=True)


def line(row: Mapping[str, Any]) -> str:
    """A row of the table for people."""
    if "failed" in row:
        return f"failed: {row['failed']}"
    return f"{row['after']:6.2f} %  {row['ms']:.4f} ms  {row['bytes']:,} B"


def resnet20(options: Any) -> Case:
    images = load_images(options.data / "cifar10")
    learned, test = images.split("train"), images.split("test")
    rows = learned.pixels[:: len(learned) // CALIBRATION][:CALIBRATION]
    held, labels = normalised(test.pixels[: options.images]), test.labels[: options.images]
    return Case(options.resnet20, [row[None] for row in normalised(rows)], classifier(held, labels))


def mnist(options: Any) -> Case:
    images = load_images(options.data / "mnist")
    learned, test = images.split("train"), images.split("test")
    pixels = [part.pixels.reshape(-1, 1, 28, 28).astype(np.float32) for part in (learned, test)]
    feeds = [row[None] for row in pixels[0][:: len(learned) // CALIBRATION][:CALIBRATION]]
    judge = classifier(pixels[1][: options.images], test.labels[: options.images])
    return Case(options.shared / "models" / "mnist_onnx" / "mnist.onnx", feeds, judge)


def yolox(options: Any) -> Case:
    """128 photos calibrate and judge: there are no more with boxes. Their histograms would take 17 GB."""
    path = options.shared / "models" / "yolox" / "yolox_nano.onnx"
    boxes = load_boxes(options.data / "coco_small_a_yolo")
    network = open_model(path).manifest.main
    feeds = [
        to_tensor(fit_frame(boxes.image(i), network.pixels)[0], network.files[0].tensor) for i in range(len(boxes))
    ]

    def judge(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        scores = {name: 100 * average_precision(data, boxes) for name, data in files.items()}
        return {
            name: {"images": len(boxes), "before": scores["float"], "after": value, "change": value - scores["float"]}
            for name, value in scores.items()
        }

    return Case(path, feeds[:CALIBRATION], judge, ("MinMax",))


CASES: dict[str, Callable[[Any], Case]] = {"resnet20": resnet20, "mnist": mnist, "yolox": yolox}


def classifier(inputs: Any, labels: Any) -> Callable[[Mapping[str, bytes]], dict[str, dict[str, Any]]]:
    """Top-1 of every file on the same images, paired with the float file's."""

    def judge(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
        right = {name: answers(data, inputs) == labels for name, data in files.items()}
        return {name: dict(paired(right["float"], found)) for name, found in right.items()}

    return judge


def average_precision(data: bytes, boxes: Any) -> float:
    """mAP50-95 through the camera's code path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "yolox_nano.onnx"
        path.write_bytes(data)
        bundle = open_model(path)
        return float(evaluate(bundle, boxes, file=bundle.manifest.main.files[0]).to_json()["accuracy"])


def compared(case: Case, nncf: str | None) -> dict[str, dict[str, Any]]:
    model = onnx.load(case.path)
    prepared, _ = prepared_onnx(copy.deepcopy(model), str(case.path))
    files = dict(contenders(model, prepared, case.feeds, case.calibrators))
    failed: dict[str, dict[str, Any]] = {}
    if nncf:
        plain = model if model.opset_import[0].version >= 13 else prepared  # NNCF refuses old opsets
        made = {"NNCF, defaults": by_nncf(nncf, plain, case.feeds)}
        made |= {"NNCF, mixed preset": by_nncf(nncf, prepared, case.feeds, "--mixed")}
        made |= {"NNCF, full bias correction": by_nncf(nncf, prepared, case.feeds, "--mixed", "--full-bias")}
        failed = {name: {"failed": data} for name, data in made.items() if isinstance(data, str)}
        files |= {name: data for name, data in made.items() if isinstance(data, bytes)}
    speed = latencies(files, case.feeds[0])
    rows = {name: {"bytes": len(files[name]), "ms": speed[name], **row} for name, row in case.judge(files).items()}
    return rows | failed


def contenders(
    model: Any, prepared: Any, feeds: list[Any], calibrators: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    from onnxruntime.quantization import CalibrationMethod, QuantType

    yield "float", model.SerializeToString()
    yield "onnxruntime, defaults", by_onnxruntime(model, feeds)
    for channel, activation, method in itertools.product((True, False), ("QUInt8", "QInt8"), calibrators):
        settings = {"per_channel": channel, "activation_type": getattr(QuantType, activation),
                    "weight_type": QuantType.QInt8, "calibrate_method": getattr(CalibrationMethod, method)}  # fmt: skip
        name = f"onnxruntime, {activation}, {'channel' if channel else 'tensor'}, {method}"
        yield name, by_onnxruntime(prepared, feeds, **settings)
    outputs = [value.name for value in prepared.graph.output]
    yield "edgelens", best_quantized(prepared, lambda: iter(feeds), outputs).model.SerializeToString()


def by_onnxruntime(model: Any, feeds: list[Any], **settings: Any) -> bytes:
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    weights = {value.name for value in model.graph.initializer}
    entry = next(value.name for value in model.graph.input if value.name not in weights)

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.feeds = iter([{entry: feed} for feed in feeds])

        def get_next(self) -> Any:
            return next(self.feeds, None)

    with tempfile.TemporaryDirectory() as folder, quiet():
        quantize_static(copy.deepcopy(model), Path(folder) / "q.onnx", Reader(), **settings)
        return (Path(folder) / "q.onnx").read_bytes()


def by_nncf(python: str, model: Any, feeds: list[Any], *settings: str) -> bytes | str:
    """The file, or what NNCF failed with."""
    with tempfile.TemporaryDirectory() as folder:
        source, tensors, out = (Path(folder) / name for name in ("m.onnx", "feeds.npy", "q.onnx"))
        onnx.save(model, source)
        np.save(tensors, np.stack(feeds))
        command = [python, str(HERE / "compress_nncf.py"), str(source), str(tensors), str(out), *settings]
        done = subprocess.run(command, capture_output=True, text=True)
        return out.read_bytes() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def answers(data: bytes, inputs: Any) -> Any:
    session = opened(data)
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: row[None]})[0] for row in inputs]).argmax(1)


def opened(data: bytes) -> Any:
    settings = ort.SessionOptions()
    settings.intra_op_num_threads, settings.log_severity_level = 1, 4
    return ort.InferenceSession(data, settings, providers=["CPUExecutionProvider"])


def latencies(files: Mapping[str, bytes], feed: Any, loads: int = 8, turns: int = 6) -> dict[str, float]:
    """Milliseconds a picture on one thread, the files taking turns.

    Each is loaded several times: where its memory happens to lie makes a tenth of a difference.
    """
    times: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(loads):
        sessions = {name: opened(data) for name, data in files.items()}
        found: dict[str, list[float]] = {name: [] for name in files}
        for turn in range(turns):
            for name, session in sessions.items() if turn % 2 else reversed(sessions.items()):
                found[name].append(timed(session, feed))
        for name, values in found.items():
            times[name].append(statistics.median(values))
    return {name: statistics.median(values) for name, values in times.items()}


def timed(session: Any, feed: Any) -> float:
    """The median of a few runs, in milliseconds."""
    entry, samples = session.get_inputs()[0].name, []
    for _ in range(10):
        start = time.perf_counter()
        session.run(None, {entry: feed})
        samples.append(1e3 * (time.perf_counter() - start))
    return statistics.median(samples)


if __name__ == "__main__":
    main()
