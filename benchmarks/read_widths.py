"""What a reader would save that runs at several widths: time by width, and how wide the words of a data set are.

    python benchmarks/read_widths.py --data DIR

DIR holds words/ with its labels.csv. The weights are random, which costs the same time. One ONNX file has a symbolic
width, in float and in 8 bits; one TFLite file is asked to resize its input. The least of many runs counts, of widths in
turn, one thread.
Writes results/read_widths.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import torch
from ai_edge_litert.interpreter import Interpreter
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from edgelens.compress.export.tflite import export_prepared
from edgelens.runtime.decode.classify import softmax
from edgelens.runtime.decode.spelling.alignment import likelihood, spoken
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions

RESULTS = Path(__file__).resolve().parent / "results" / "read_widths.json"
WIDTHS, HEIGHT, CLASSES = (64, 96, 128), 32, 37


class _Noise(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, width: int) -> None:
        draw = np.random.default_rng(0)
        pictures = [draw.uniform(-1, 1, (1, 3, HEIGHT, width)).astype(np.float32) for _ in range(4)]
        self._left: Iterator[dict[str, Any]] = iter([{"image": picture} for picture in pictures])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._left, None)


def least_ms(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The least time that each took, all of them in turn."""
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            for _ in range(3):
                begun = time.perf_counter()
                way()
                least[name] = min(least[name], time.perf_counter() - begun)
    return {name: round(seconds * 1e3, 3) for name, seconds in least.items()}


def onnx_times(network: torch.nn.Module, folder: Path, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds by width, of one file in float and one in 8 bits."""
    plain, ready, small = (str(folder / f"{name}.onnx") for name in ("float", "ready", "int8"))
    widths = ({3: 4 * torch.export.Dim("steps", min=4, max=64)},)
    torch.onnx.export(
        network, (torch.zeros(1, 3, HEIGHT, WIDTHS[-1]),), plain, dynamo=True, opset_version=18, external_data=False,
        input_names=["image"], dynamic_shapes=widths, verbose=False,
    )  # fmt: skip
    quant_pre_process(plain, ready, skip_symbolic_shape=True)
    quantize_static(
        ready, small, _Noise(WIDTHS[-1]), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    found = {}
    for name, file in (("float32", plain), ("int8", small)):
        session = ort.InferenceSession(file, options)
        feeds = {str(width): {"image": np.zeros((1, 3, HEIGHT, width), np.float32)} for width in WIDTHS}
        found[name] = least_ms({w: lambda s=session, f=f: s.run(None, f) for w, f in feeds.items()}, rounds)  # type: ignore[misc]
    return found


def tflite_times(network: torch.nn.Module, rounds: int) -> dict[str, float | str]:
    """Milliseconds by width of a file made for the widest, or why it does not run."""
    data = export_prepared(network, PixelContract(HEIGHT, WIDTHS[-1]), outputs=("scores",))
    found: dict[str, float | str] = {}
    for width in reversed(WIDTHS):
        interpreter = Interpreter(model_content=data, num_threads=1)
        index = interpreter.get_input_details()[0]["index"]
        try:
            interpreter.resize_tensor_input(index, [1, HEIGHT, width, 3])
            interpreter.allocate_tensors()
            interpreter.set_tensor(index, np.zeros((1, HEIGHT, width, 3), np.float32))
            found |= least_ms({str(width): interpreter.invoke}, rounds)
        except RuntimeError as error:
            found[str(width)] = str(error).partition("\n")[0][:120]
    return found


def around_ms(rounds: int) -> dict[str, float]:
    """Milliseconds of what surrounds the engine: fitting a crop, and reading the steps' scores."""
    draw = np.random.default_rng(0)
    crop = draw.integers(0, 255, (40, 70, 3)).astype(np.uint8)
    scores = draw.normal(0, 6, (WIDTHS[-1] // 4, CLASSES))
    contract = PixelContract(HEIGHT, WIDTHS[-1])

    def read() -> None:
        steps = softmax(scores)
        likelihood(steps, spoken(steps))

    return least_ms({"fit": lambda: fit_frame(crop, contract), "decode": read}, 5 * rounds)


def of_words(data: Path) -> dict[str, Any]:
    """How the words fall into the widths, and how many have four steps a character or fewer there and stretched."""
    widths, counts = [], []
    with (data / "words" / "labels.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            image = cv2.imread(str(data / "words" / row["file"]))
            assert image is not None
            widths.append(image.shape[1] * HEIGHT / image.shape[0])
            counts.append(max(len(row["text"]), 1))
    own, characters = np.array(widths), np.array(counts)
    bucket = np.select([own <= width for width in WIDTHS[:-1]], WIDTHS[:-1], WIDTHS[-1])
    return {
        "words": len(own),
        "share": {str(width): round(float((bucket == width).mean()), 3) for width in WIDTHS},
        "cramped_in_buckets": round(float((bucket / 4 / characters <= 4).mean()), 3),
        "cramped_stretched": round(float((WIDTHS[-1] / 4 / characters <= 4).mean()), 3),
    }


def main() -> None:
    """Measure and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = build("reader", ModelOptions(), channels=3, classes=CLASSES, size=(HEIGHT, WIDTHS[-1])).eval()
    found: dict[str, Any] = {"around": around_ms(given.rounds), "words": of_words(given.data)}
    with tempfile.TemporaryDirectory() as folder:
        found["onnx"] = onnx_times(network, Path(folder), given.rounds)
    found["tflite_float32"] = tflite_times(network, given.rounds)
    shares, times = found["words"]["share"], found["onnx"]["int8"]
    mean = sum(shares[str(width)] * times[str(width)] for width in WIDTHS)
    found["int8_saved"] = round(1 - mean / times[str(WIDTHS[-1])], 3)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
