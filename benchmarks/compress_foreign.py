"""A ResNet-20 in plain PyTorch that the kit never saw, in 8 bits: against onnxruntime's and NNCF's own quantizers.

    python benchmarks/compress_foreign.py DATA --epochs 30

DATA is CIFAR-10 in its binary files. The network is trained and exported by torch alone; every quantizer gets the same
300 images. NNCF takes part where it is installed.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
import torch.nn.functional as F
from compress_pairs import paired
from torch import Tensor, nn

from edgelens.compress.foreign.onnx_model import prepared_onnx
from edgelens.compress.foreign.quantize_onnx import best_quantized
from edgelens.compress.quiet import quiet
from edgelens.runtime.datasets.catalog import load_images

MEAN, STD = np.array([0.4914, 0.4822, 0.4465], np.float32), np.array([0.247, 0.243, 0.262], np.float32)


class Block(nn.Module):
    """He et al., 2015: two convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.short = nn.Sequential()
        if stride > 1:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) through both ways."""
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.short(x))


def resnet20() -> nn.Module:
    widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    blocks = [Block(i, o, s) for i, o, s in widths]
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def normalised(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(((pixels.astype(np.float32) / 255 - MEAN) / STD).transpose(0, 3, 1, 2))


def train(network: nn.Module, pixels: Any, labels: Any, epochs: int) -> None:
    network = network.to(memory_format=torch.channels_last).train()
    steps = epochs * (len(labels) // 128)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, 0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, steps)
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(len(labels))
        for i in range(len(labels) // 128):
            rows = order[i * 128 : (i + 1) * 128]
            batch = np.pad(pixels[rows], ((0, 0), (4, 4), (4, 4), (0, 0)))
            y, x = np.random.default_rng((epoch, i)).integers(0, 9, 2)
            batch = batch[:, y : y + 32, x : x + 32][:, :, :: -1 if i % 2 else 1]
            inputs = torch.from_numpy(normalised(batch)).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(network(inputs), torch.from_numpy(labels[rows].astype(np.int64)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}/{epochs}  loss {float(loss.detach()):.3f}", flush=True)
    network.eval()


def defaults(model: Any, feeds: list[Any], **settings: Any) -> bytes:
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.feeds = iter([{model.graph.input[0].name: feed} for feed in feeds])

        def get_next(self) -> Any:
            return next(self.feeds, None)

    with tempfile.TemporaryDirectory() as folder, quiet():
        quantize_static(copy.deepcopy(model), Path(folder) / "q.onnx", Reader(), **settings)
        return (Path(folder) / "q.onnx").read_bytes()


def contenders(model: Any, prepared: Any, feeds: list[Any]) -> Iterator[tuple[str, bytes]]:
    from onnxruntime.quantization import CalibrationMethod, QuantType

    yield "float", model.SerializeToString()
    yield "onnxruntime, defaults", defaults(model, feeds)
    grid = itertools.product((True, False), ("QUInt8", "QInt8"), ("MinMax", "Percentile"))
    for channel, activation, method in grid:
        settings = {"per_channel": channel, "activation_type": getattr(QuantType, activation),
                    "weight_type": QuantType.QInt8, "calibrate_method": getattr(CalibrationMethod, method)}  # fmt: skip
        name = f"onnxruntime, {activation}, {'channel' if channel else 'tensor'}, {method}"
        yield name, defaults(prepared, feeds, **settings)
    if importlib.util.find_spec("nncf"):
        import nncf

        data = nncf.Dataset([{model.graph.input[0].name: feed} for feed in feeds])
        yield "NNCF, defaults", nncf.quantize(model, data).SerializeToString()
        better = nncf.quantize(prepared, data, fast_bias_correction=False, preset=nncf.QuantizationPreset.MIXED)
        yield "NNCF, mixed preset, full bias correction", better.SerializeToString()
    ours = best_quantized(prepared, lambda: iter(feeds), [model.graph.output[0].name])
    yield "edgelens", ours.model.SerializeToString()


def answers(data: bytes, inputs: Any) -> Any:
    session = opened(data)
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: row[None]})[0] for row in inputs]).argmax(1)


def opened(data: bytes) -> Any:
    settings = ort.SessionOptions()
    settings.intra_op_num_threads, settings.log_severity_level = 1, 4
    return ort.InferenceSession(data, settings, providers=["CPUExecutionProvider"])


def latencies(files: dict[str, bytes], feed: Any, rounds: int = 40) -> dict[str, float]:
    sessions = {name: opened(data) for name, data in files.items()}
    times: dict[str, list[float]] = {name: [] for name in files}
    for turn in range(rounds):
        for name, session in sessions.items() if turn % 2 else reversed(sessions.items()):
            entry, samples = session.get_inputs()[0].name, []
            for _ in range(20):
                start = time.perf_counter()
                session.run(None, {entry: feed})
                samples.append(time.perf_counter() - start)
            times[name].append(1e3 * statistics.median(samples))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--model", default="resnet20.onnx", help="kept between calls; trained where it is missing")
    parser.add_argument("--images", type=int, default=8000)
    parser.add_argument("--json", default=str(Path(__file__).parent / "results" / "compress_foreign.json"))
    options = parser.parse_args()
    images = load_images(options.data)
    learned, test = images.split("train"), images.split("test")
    assert learned.pixels is not None
    assert test.pixels is not None
    if not Path(options.model).exists():
        torch.manual_seed(0)
        network = resnet20()
        train(network, learned.pixels, learned.labels, options.epochs)
        with quiet():
            torch.onnx.export(
                network, (torch.zeros(1, 3, 32, 32),), options.model, dynamo=True, opset_version=18, external_data=False
            )
    model = onnx.load(options.model)
    prepared, _ = prepared_onnx(model, options.model)
    feeds = [row[None] for row in normalised(learned.pixels[:: len(learned) // 300][:300])]
    held, labels = normalised(test.pixels[: options.images]), test.labels[: options.images]
    files = dict(contenders(model, prepared, feeds))
    right = {name: answers(data, held) == labels for name, data in files.items()}
    speed = latencies(files, held[:1])
    rows = {
        name: {"bytes": len(files[name]), "ms": speed[name], **paired(right["float"], right[name])} for name in files
    }
    for name, row in rows.items():
        print(f"{name:44} {row['after']:6.2f} %  {row['ms']:.4f} ms  {row['bytes']:,} B")
    Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
