"""A ResNet-20 in plain PyTorch that the kit has no part in, trained on CIFAR-10 and exported by torch alone.

    python benchmarks/compress_resnet20.py DATA --epochs 30 --out resnet20.onnx

DATA is CIFAR-10 in its binary files. `compress_foreign.py` quantizes the file.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--out", default="resnet20.onnx")
    options = parser.parse_args()
    learned = load_images(options.data).split("train")
    torch.manual_seed(0)
    network = resnet20()
    train(network, learned.pixels, learned.labels, options.epochs)
    sample = (torch.zeros(1, 3, 32, 32),)
    torch.onnx.export(network, sample, options.out, dynamo=True, opset_version=18, external_data=False)


if __name__ == "__main__":
    main()
