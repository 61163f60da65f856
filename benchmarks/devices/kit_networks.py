"""The kit's networks with random weights, in both formats, float and int8: what predictions are judged on.

`python benchmarks/devices/kit_networks.py FOLDER`; needs the kit's workstation parts.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.exported import export, float_artifacts
from edgelens.compress.files.int8 import int8_artifacts
from edgelens.compress.files.model_files import quantized_by
from edgelens.compress.network.graph import trace
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions

NETWORKS = (  # network, width, side
    ("mobilenet-v2", 0.5, 160),
    ("mobilenet-v2", 1.0, 96),
    ("resnet8", 1.0, 64),
    ("resnet", 1.0, 48),
    ("lens-s", 1.0, 96),
    ("lens-m", 1.0, 96),
    ("cnn-deep", 1.0, 64),
    ("vgg", 0.5, 64),
)


def files_of(network: str, width: float, side: int, folder: Path) -> list[Path]:
    """A network's files, named after it; those that are there already are kept."""
    stem = f"{network}-{width:g}-{side}"
    if found := sorted(folder.glob(f"{stem}.*")):
        return found
    torch.manual_seed(0)
    module = build(network, ModelOptions(width=width), channels=3, classes=10, size=(side, side)).eval()
    pixels = PixelContract(side, side)
    graph = trace(module, pixels)
    exported = export(module, graph, pixels, outputs=("logits",))
    pictures = np.random.default_rng(0).integers(0, 256, (32, side, side, 3), np.uint8)
    ranges = quantized_by(graph, pictures, CompressConfig(), ("logits",))
    for artifact in (*float_artifacts(exported), *int8_artifacts(exported, ranges)):
        (folder / f"{stem}.{Path(artifact.path).name.removeprefix('main.')}").write_bytes(artifact.data)
    return sorted(folder.glob(f"{stem}.*"))


def main() -> None:
    """Write them all."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for network, width, side in NETWORKS:
        print(*(path.name for path in files_of(network, width, side, folder)))


if __name__ == "__main__":
    main()
