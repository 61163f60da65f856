"""A training step of lite0 in the layout that the kit picks by itself, against the best of all layouts by hand.

    python benchmarks/train_layout.py [--side 160] [--batch 32] [--rounds 3]

Every layout in turns, processor seconds of one step, the least of the rounds. Results go to results/train_layout.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.optimize.precision import autocast, fastest, laid_out

RESULTS = Path(__file__).resolve().parent / "results" / "train_layout.json"
LAYOUTS = {"NCHW": torch.contiguous_format, "channels last": torch.channels_last}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    network = build("lite0", ModelOptions(), channels=3, classes=10, size=(options.side, options.side))
    inputs, targets = torch.randn(options.batch, 3, options.side, options.side), torch.arange(options.batch) % 10
    picked, _ = fastest(network, inputs, lambda outputs: F.cross_entropy(outputs.float(), targets))
    seconds: dict[str, float] = {}
    for _ in range(options.rounds):
        seconds[f"picked: {picked}"] = min(
            seconds.get(f"picked: {picked}", 1e9),
            step(laid_out(network, picked), laid_out(inputs, picked), targets, picked),
        )
        for layout, memory in LAYOUTS.items():
            for half in (False, True):
                name = f"{layout}, {'bfloat16' if half else 'float32'}"
                own = network.to(memory_format=memory)  # type: ignore[call-overload]
                spent = step(own, inputs.contiguous(memory_format=memory), targets, "bfloat16" if half else "float32")
                seconds[name] = min(seconds.get(name, 1e9), spent)
    best = min(value for name, value in seconds.items() if not name.startswith("picked"))
    result = {
        "side": options.side,
        "batch": options.batch,
        "cpu_s": {name: round(value, 3) for name, value in seconds.items()},
        "picked_against_best": round(seconds[f"picked: {picked}"] / best, 3),
    }
    print(json.dumps(result, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def step(network: nn.Module, inputs: Tensor, targets: Tensor, mode: str) -> float:
    """Processor seconds of one step, without the optimizer."""
    network.train()
    began = time.process_time()
    with autocast(mode, inputs.device):
        outputs = network(inputs)
    torch.autograd.backward(F.cross_entropy(outputs.float(), targets))
    network.zero_grad(set_to_none=True)
    return time.process_time() - began


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
