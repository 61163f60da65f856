"""The numbers that a bare file's input takes: what options say, then the family or the file, then the pixel itself.

A quantized input states a scale and a zero point, and with them which real numbers it was made for. A mean and
deviation that would not fit into it are not those it was trained with, whoever states them.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from ..decode.picture import IMAGENET_MEAN, IMAGENET_STD
from ..decode.reading import Reading
from ..formats.tensor import TensorInfo
from ..preprocess import TensorContract, pixel_values
from .arguments import ModelArguments

__all__ = ["input_numbers"]

_INTEGERS = ("uint8", "int8")
_CUT = 0.1  # of the pixel's 256 values: a calibrated input cuts off a few at most
_FEWEST = 32  # different numbers that 256 pixel values must become
_NEAR = 0.05  # of a range: how far a calibrated one may be from the range it stands for
_IMAGENET = (-123.675 / 58.395, (255 - 103.53) / 57.375)  # black in the darkest channel, white in the brightest
_ONE_RANGE = ((0.0, 1.0), (-1.0, 1.0), (-0.5, 0.5), (0.0, 255.0), (-128.0, 127.0))  # one mean, one deviation


def input_numbers(
    info: TensorInfo, layout: str, color: str, *, reading: Reading, said: ModelArguments
) -> tuple[TensorContract, list[str]]:
    """The contract of the file's input, its channels in this order, and what had to be assumed of it."""
    filling = TensorContract(info.name, layout, info.dtype, (128.0,) if info.dtype == "int8" else (0.0,))  # type: ignore[arg-type]
    asked = said.mean is not None or said.std is not None
    if reading.tensor is not None and not asked:
        return dataclasses.replace(reading.tensor, name=info.name, layout=layout), []  # type: ignore[arg-type]
    mean, std = said.mean or reading.mean, said.std or reading.std
    stated = dataclasses.replace(
        filling, mean=mean or (0.0,), std=std or (1.0,), scale=info.scale, zero_point=info.zero_point
    )
    if asked:
        return stated, _doubts(stated, said)
    if info.dtype in _INTEGERS and stated.scale is not None:
        return _stated_or_pixel(stated, filling) if mean or std else _by_range(stated, filling, color)
    if info.dtype in _INTEGERS:
        return filling, []
    if mean is None and std is None:
        return stated, ["pixels go in as they are, 0 to 255: give --mean and --std if it was trained otherwise"]
    return stated, []


def _stated_or_pixel(stated: TensorContract, filling: TensorContract) -> tuple[TensorContract, list[str]]:
    """What the file or its family states of a quantized input, where it fits; else the pixel filling its range."""
    if _almost_pixels(stated):
        return filling, []
    problem = _misfit(stated)
    return (filling, [f"{problem}: the pixel fills that range instead"]) if problem else (stated, [])


def _by_range(stated: TensorContract, filling: TensorContract, color: str) -> tuple[TensorContract, list[str]]:
    """What the range of a quantized input tells of the numbers that nobody states."""
    low, high = _range(stated)
    if any(_near((low, high), usual) for usual in _ONE_RANGE):
        return filling, []
    made_for = f"its input is quantized for {low:.3g} to {high:.3g}"
    if color != "gray" and any(_near((low, high), (start, _IMAGENET[1])) for start in (_IMAGENET[0], -_IMAGENET[1])):
        order = -1 if color == "bgr" else 1
        imagenet = dataclasses.replace(stated, mean=IMAGENET_MEAN[::order], std=IMAGENET_STD[::order])
        so_theirs = "that of pictures normalized by ImageNet's mean and deviation, so theirs are taken"
        return imagenet, [f"{made_for}, {so_theirs}; --mean and --std overrule it"]
    right = "right where one mean and deviation held for all channels; else give --mean and --std"
    return filling, [f"{made_for}: the pixel fills that range, {right}"]


def _doubts(stated: TensorContract, said: ModelArguments) -> list[str]:
    """Notes about asked figures: meant for pixels of 0 to 1, such as ImageNet's .485 and .229, or for another range."""
    notes = []
    if said.std is not None and max(said.std) < 1:
        figures = {"--mean": said.mean, "--std": said.std}
        meant = " ".join(f"{k} {','.join(f'{255 * v:g}' for v in values)}" for k, values in figures.items() if values)
        notes.append(f"pixels go from 0 to 255 here: figures for 0 to 1 would be {meant}")
    if stated.dtype in _INTEGERS and (problem := _misfit(stated)):
        notes.append(f"{problem}: are these its --mean and --std?")
    return notes


def _misfit(tensor: TensorContract) -> str:
    """Why a mean and deviation cannot be a quantized input's; empty where they can."""
    values = pixel_values(tensor)
    if values is None:
        return ""
    figures = f"mean {_figures(tensor.mean)} and deviation {_figures(tensor.std)}"
    fewest = min(len(np.unique(channel)) for channel in values)
    if fewest < _FEWEST:
        return f"{figures} leave {fewest} different values of the pixel's 256 in its {tensor.dtype} input"
    ends = np.iinfo(np.dtype(tensor.dtype))
    cut = float(((values == ends.min) | (values == ends.max)).mean() - 2 / values.shape[1])
    if cut > _CUT:
        return f"{figures} put {cut:.0%} of the pixel's values beyond the range of its {tensor.dtype} input"
    return ""


def _almost_pixels(tensor: TensorContract) -> bool:
    """Whether a quantized input is the pixel filling its range, but for rounding."""
    pixel = np.arange(256, dtype=np.float64)
    offset = 128 if tensor.dtype == "int8" else 0
    return all(
        np.abs((pixel - mean) / std / (tensor.scale or 1.0) + tensor.zero_point + offset - pixel).max() <= 1.5
        for mean, std in zip(*np.broadcast_arrays(tensor.mean, tensor.std), strict=True)
    )


def _range(tensor: TensorContract) -> tuple[float, float]:
    """The real numbers that the ends of a quantized input stand for."""
    ends, scale = np.iinfo(np.dtype(tensor.dtype)), tensor.scale or 1.0
    return (ends.min - tensor.zero_point) * scale, (ends.max - tensor.zero_point) * scale


def _near(found: tuple[float, float], wanted: tuple[float, float]) -> bool:
    room = _NEAR * (wanted[1] - wanted[0])
    return all(abs(a - b) <= room for a, b in zip(found, wanted, strict=True))


def _figures(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values)
