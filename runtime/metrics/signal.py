"""How far numbers stand above their error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["distance_of", "snr_db"]


def snr_db(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    """Signal to noise of an output against its reference, in dB; infinite where they are equal."""
    signal, noise = np.asarray(wanted, np.float64), _apart(wanted, found)
    if not np.isfinite(noise).all():
        return -math.inf
    power, loss = float(np.square(signal[np.isfinite(signal)]).sum()), float(np.square(noise).sum())
    if loss == 0:
        return math.inf
    return 10 * math.log10(power / loss) if power else -math.inf


def distance_of(wanted: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]) -> tuple[float, float]:
    """Of outputs by name: the worst one's SNR in dB, and the largest difference of two numbers."""
    return (
        min(snr_db(wanted[name], found[name]) for name in wanted),
        max(float(np.abs(_apart(wanted[name], found[name])).max(initial=0)) for name in wanted),
    )


def _apart(wanted: NDArray[Any], found: NDArray[Any]) -> NDArray[np.float64]:
    """What numbers differ by; two equal ones by nothing, be they infinite: a class ruled out has the logarithm -∞."""
    signal, given = np.asarray(wanted, np.float64), np.asarray(found, np.float64)
    return np.subtract(
        given, signal, out=np.zeros(np.broadcast_shapes(given.shape, signal.shape)), where=given != signal
    )
