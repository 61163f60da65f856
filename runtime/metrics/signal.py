"""How far numbers stand above their error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["snr_db"]


def snr_db(wanted: NDArray[Any], found: NDArray[Any]) -> float:
    """Signal to noise of an output against its reference, in dB; infinite where they are equal."""
    signal = np.asarray(wanted, np.float64)
    noise = np.asarray(found, np.float64) - signal
    if not np.isfinite(noise).all():
        return -math.inf
    power, loss = float(np.square(signal).sum()), float(np.square(noise).sum())
    if loss == 0:
        return math.inf
    return 10 * math.log10(power / loss) if power else -math.inf
