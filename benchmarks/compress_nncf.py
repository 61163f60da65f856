"""NNCF's quantizer on an .onnx file, for the Python that has it: NNCF wants other versions than the kit.

python benchmarks/compress_nncf.py MODEL.onnx FEEDS.npy OUT.onnx [--mixed] [--full-bias]
"""

from __future__ import annotations

import argparse

import nncf
import numpy as np
import onnx


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("feeds", help="the calibration tensors, (N, 1, …)")
    parser.add_argument("out")
    parser.add_argument("--mixed", action="store_true", help="the mixed preset: activations need not be symmetric")
    parser.add_argument("--full-bias", action="store_true", help="bias correction layer by layer, not the fast one")
    options = parser.parse_args()
    model = onnx.load(options.model)
    entry = model.graph.input[0].name
    data = nncf.Dataset([{entry: feed} for feed in np.load(options.feeds)])
    preset = nncf.QuantizationPreset.MIXED if options.mixed else None
    made = nncf.quantize(model, data, preset=preset, subset_size=300, fast_bias_correction=not options.full_bias)
    onnx.save(made, options.out)


if __name__ == "__main__":
    main()
