"""How fast and large the kit's detectors are in 8 bits, beside YOLOX-nano in 8 bits by onnxruntime's own quantizer.

    python benchmarks/train_detect_speed.py yolox_nano.onnx [--out benchmarks/results/train_detect_speed.json]

All take turns in one process, one thread, that thread's own processor time: what else runs here does not count. The
small one sees 320 × 320 pixels, and YOLOX's time at 416 counts as (320 / 416)² of itself there; the medium one sees
416. Weights are random: they cost the same. The bars: at most .5 and 1.0 times YOLOX's time, 1.0 and 2.2 MB.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.compress.config import CompressConfig
from edgelens.compress.files.model_files import make_files
from edgelens.runtime.host.files import write_text
from edgelens.runtime.preprocess import PixelContract
from edgelens.train import TrainConfig
from edgelens.train.tasks.catalog import make_network, make_task

OURS = {"lens-det-s": (320, 0.5, 1.0), "lens-det-m": (416, 1.0, 2.2)}  # pixels a side, bar of time, bar of MB
CLASSES = ("a", "b", "c")
TURNS, FIRST = 80, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("yolox", type=Path)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    files: dict[str, bytes] = {"yolox-nano": quantized(arguments.yolox)}
    sizes: dict[str, dict[str, int]] = {}
    for model, (side, _, _) in OURS.items():
        made = eight_bit(model, side)
        files[model] = made["onnxruntime"]
        sizes[model] = {engine: len(data) for engine, data in made.items()}
    times = timed(files)
    rows = {}
    for model, (side, bar, most) in OURS.items():
        beside = times["yolox-nano"] * (side / 416) ** 2
        rows[model] = {
            "side": side, "ms": round(times[model], 3), "yolox_ms": round(beside, 3),
            "ratio": round(times[model] / beside, 3), "bar": bar, "bytes": sizes[model], "bar_mb": most,
        }  # fmt: skip
    print(json.dumps(rows, indent=1))
    if arguments.out:
        made_by = "python benchmarks/train_detect_speed.py yolox_nano.onnx"
        write_text(arguments.out, json.dumps({"command": made_by, "rows": rows}, indent=1) + "\n", named=True)


def eight_bit(model: str, side: int) -> dict[str, bytes]:
    """A detector with random weights as int8 ONNX and TFLite."""
    pixels = PixelContract(side, side, "rgb", "letterbox")
    config = TrainConfig("", "", task="detect", model=model)
    task, network = make_task(config, CLASSES), make_network(config, CLASSES, pixels).eval()
    noise = np.random.default_rng(0).integers(0, 256, (8, side, side, 3), np.uint8)
    made = make_files(network, pixels, noise, CompressConfig(precisions=("int8",)), outputs=task.outputs)
    return {artifact.engine: artifact.data for artifact in made.artifacts}


def quantized(file: Path) -> bytes:
    """YOLOX-nano in 8 bits, calibrated on noise: its time does not depend on it."""
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quant_pre_process,
        quantize_static,
    )

    class Noise(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = [np.random.default_rng(k).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32) for k in (0, 1)]

        def get_next(self) -> dict[str, Any] | None:
            return {"images": self.left.pop()} if self.left else None

    with tempfile.TemporaryDirectory() as folder:
        newer, ready, done = (str(Path(folder, name)) for name in ("newer.onnx", "ready.onnx", "done.onnx"))
        onnx.save(onnx.version_converter.convert_version(onnx.load(file), 17), newer)
        quant_pre_process(newer, ready)
        quantize_static(
            ready, done, Noise(), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        return Path(done).read_bytes()


def timed(files: dict[str, bytes]) -> dict[str, float]:
    """Median milliseconds of each, taking turns."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    runs = {}
    for name, data in files.items():
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0]
        kind = np.uint8 if "uint8" in entry.type else np.float32
        shape = [axis if isinstance(axis, int) else 1 for axis in entry.shape]
        runs[name] = (session, {entry.name: np.full(shape, 90, kind)})
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TURNS):
        for name, (session, feed) in runs.items():
            start = time.thread_time()
            session.run(None, feed)
            spent[name].append(1000 * (time.thread_time() - start))
    return {name: float(np.median(values[FIRST:])) for name, values in spent.items()}


if __name__ == "__main__":
    main()
