"""The numbers of a network's input: look-ups that are fast, and exactly what the formula says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgelens.runtime.preprocess import TensorContract, to_tensor

CASES = [
    {"dtype": "uint8"},
    {"dtype": "int8", "mean": (128.0,)},
    {"dtype": "int8", "std": (255.0,), "scale": 0.003921568859368563, "zero_point": -128},
    {"dtype": "uint8", "mean": (127.5,), "std": (127.5,), "scale": 0.0078125, "zero_point": 128},
    {"dtype": "float32"},
    {"dtype": "float32", "mean": (128.0,), "std": (128.0,)},
    {"dtype": "float32", "mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)},
    {"dtype": "float16", "std": (255.0,)},
    {"dtype": "float64", "std": (255.0,)},
    {"dtype": "int16", "std": (255.0,), "scale": 1 / 32768},
    {"dtype": "int32"},
    {"dtype": "int64"},
]


def formula(pixels, tensor):
    """Slow and plain: (pixel - mean) / std, quantized where the tensor is."""
    values = (pixels.astype(np.float64) - np.array(tensor.mean)) / np.array(tensor.std)
    dtype = np.dtype(tensor.dtype)
    if dtype.kind != "f":
        if tensor.scale is not None:
            values = values / tensor.scale + tensor.zero_point
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    values = values.astype(dtype)
    return values.transpose(0, 3, 1, 2) if tensor.layout == "NCHW" else values


@pytest.mark.parametrize(("case", "layout"), list(itertools.product(CASES, ["NHWC", "NCHW"])))
def test_every_type_and_layout_is_the_formula(case, layout):
    channels = (3,) if len(case.get("mean", (0,))) == 3 else (1, 3)
    for count, depth in itertools.product((1, 2), channels):
        tensor = TensorContract(layout=layout, **case)
        pixels = np.random.default_rng(0).integers(0, 256, (count, 13, 16, depth), np.uint8)
        pixels[0, 0, :, 0], pixels[0, 1, :, 0] = 0, 255
        wanted = formula(pixels, tensor)
        made = to_tensor(pixels, tensor)
        assert made.dtype == np.dtype(tensor.dtype)
        assert made.flags.c_contiguous
        assert np.array_equal(made, wanted)
        assert np.array_equal(to_tensor(pixels[0], tensor), wanted[:1])
        view = pixels[:, ::2, ::-1]
        assert np.array_equal(to_tensor(view, tensor), formula(view, tensor))


def test_the_pixel_itself_is_not_copied():
    pixels = np.zeros((8, 8, 3), np.uint8)
    assert np.shares_memory(to_tensor(pixels, TensorContract()), pixels)
