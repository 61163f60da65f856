"""Signs that a proof proves little: a model that sees nothing, answers the same or otherwise, cut-off pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import ModelFile, Network
from ..frame import Frame
from ..preprocess import fit_frame, to_tensor
from ..tasks.task import Answer

__all__ = ["doubts_of"]

_HALF = 0.5  # agreement under which a limit is hardly one
_ALIKE = 1e-3  # of an output's largest number: what differs less hardly differs
_SATURATED = 0.3  # share of input numbers at an end of their range whose pixels are not at the pixel's


def doubts_of(network: Network, file: ModelFile, frames: Sequence[Frame], answers: Sequence[Answer]) -> tuple[str, ...]:
    """What people should know before they believe the proof, a line each."""
    doubts = []
    if not any(len(answer.seen) for answer in answers):
        doubts.append(f"nothing is recognized in any of the {len(answers)} golden frames: they prove little")
    if len(answers) > 1 and all(_alike([answer.outputs[name] for answer in answers]) for name in answers[0].outputs):
        doubts.append("its outputs hardly differ between the golden frames: is it blind, or the input wrong?")
    if file.limits.agreement < _HALF:
        doubts.append(
            f"it answered much of the golden frames otherwise when the bundle was made: {file.limits.agreement:.0%} of"
            " agreement is all that it needs, which proves little"
        )
    share = _saturated(network, file, frames)
    if share > _SATURATED:
        doubts.append(f"{share:.0%} of its input saturates: the mean and std, or the scale, do not fit its pictures")
    return tuple(doubts)


def _alike(values: list[NDArray[Any]]) -> bool:
    if any(value.shape != values[0].shape for value in values):
        return False
    stacked = np.stack(values).astype(np.float64)
    largest = float(np.abs(stacked[np.isfinite(stacked)]).max(initial=0))
    low, high = stacked.min(axis=0), stacked.max(axis=0)
    apart = np.subtract(high, low, out=np.zeros(low.shape), where=high != low)  # -∞ of every picture is alike
    return float(apart.max(initial=0)) <= _ALIKE * max(largest, 1e-12)


def _saturated(network: Network, file: ModelFile, frames: Sequence[Frame]) -> float:
    """The share of a quantized input's numbers that are cut off at an end of their range."""
    dtype = np.dtype(file.tensor.dtype)
    if dtype.kind not in "iu":
        return 0.0
    ends, cut = np.iinfo(dtype), []
    for frame in frames:
        pixels = fit_frame(frame.image, network.pixels)[0]
        numbers = to_tensor(pixels, file.tensor)
        numbers = numbers if file.tensor.layout == "NHWC" else numbers.transpose(0, 2, 3, 1)
        at_end = (numbers[0] == ends.min) | (numbers[0] == ends.max)
        cut.append(float((at_end & (pixels > 0) & (pixels < 255)).mean()))
    return float(np.mean(cut)) if cut else 0.0
