"""What a head gains from more of lite0 than the mean of its last maps: halves of them, and maps further in front.

    python benchmarks/train_views.py --data DIR [--sets clothing10 grocery61]

DIR holds clothing10/ and grocery61/, as far as they are there. Each variant is what regression makes of five folds, in
per cent, with the cross-entropy of the same answers. Results are merged into results/train_views.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.train.augment import normalised
from edgelens.train.config import BACKBONE
from edgelens.train.data.splits import folds
from edgelens.train.head.regression import regress
from edgelens.train.models.catalog import build
from edgelens.train.models.lite0 import Lite0
from edgelens.train.models.options import ModelOptions
from edgelens.train.start.transfer import start_from

RESULTS = Path(__file__).resolve().parent / "results" / "train_views.json"
SETS = {"clothing10": ("clothing10/train", 224), "grocery61": ("grocery61", 160)}
VARIANTS: dict[str, tuple[str, ...]] = {
    "the mean of the last maps": ("last",),
    "upper and lower half of them": ("last halves",),
    "their mean, and halves of strides 32 and 16": ("last", "32 halves", "16 halves"),
    "halves of all three, as lite0's classifier has it": ("last halves", "32 halves", "16 halves"),
}
Rows = NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    options = parser.parse_args()
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in options.sets:
        path, side = SETS[name]
        images = load_images(options.data / path)
        labels = images.labels.astype(np.int64)
        fold_of = folds(images.labels, images.names, 5, 0)
        views = looked_at([images.image(i) for i in range(len(images))], side)
        found[name] = {"side": side, "photos": len(images)}
        for variant, parts in VARIANTS.items():
            rows = np.concatenate([views[part] for part in parts], axis=1)
            answers = regress(rows, labels, len(images.classes), fold_of=fold_of).out_of_fold
            right = 100 * float((answers.argmax(1) == labels).mean())
            loss = float(F.cross_entropy(torch.from_numpy(answers), torch.from_numpy(labels)))
            found[name][variant] = {"right": round(right, 2), "loss": round(loss, 4), "features": rows.shape[1]}
            print(name, variant, found[name][variant], flush=True)
            RESULTS.write_text(json.dumps(found, indent=1) + "\n")


@torch.inference_mode()
def looked_at(photos: list[NDArray[np.uint8]], side: int) -> dict[str, Rows]:
    """Means and halves of the frozen trunk's maps, (N, features) by name."""
    network = build("lite0", ModelOptions(), channels=3, classes=1000, size=(side, side)).eval()
    start_from(network, BACKBONE, model="lite0")
    assert isinstance(network, Lite0)
    parts: dict[str, list[Tensor]] = {}
    for start in range(0, len(photos), 10):
        pictures = np.stack([fit_frame(photo, PixelContract(side, side))[0] for photo in photos[start : start + 10]])
        inputs = normalised(torch.from_numpy(pictures).permute(0, 3, 1, 2))
        seen = network.forward_features(inputs.contiguous(memory_format=torch.channels_last))
        for name, values in zip(("last", "32", "16"), seen.values(), strict=True):
            parts.setdefault(name, []).append(values.mean((2, 3)))
            parts.setdefault(f"{name} halves", []).append(F.adaptive_avg_pool2d(values, (2, 1)).flatten(1))
    return {name: torch.cat(rows).numpy() for name, rows in parts.items()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
