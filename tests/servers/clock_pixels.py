"""A clock that can be read from pixels, also after JPEG and H.264: monotonic microseconds as squares."""

import time

import numpy as np

SQUARE = 16  # pixels a side; two rows of 32 bits make a 512 x 32 strip at the top left
BITS = 64


def draw(image: np.ndarray, moment: float | None = None) -> None:
    """Draw monotonic seconds (now unless said) into the top left of an image."""
    microseconds = int((time.monotonic() if moment is None else moment) * 1e6)
    bits = np.array([(microseconds >> i) & 1 for i in range(BITS)], np.uint8).reshape(2, -1)
    strip = np.kron(bits * np.uint8(255), np.ones((SQUARE, SQUARE), np.uint8))
    image[: strip.shape[0], : strip.shape[1]] = strip if image.ndim == 2 else strip[..., None]


def read(image: np.ndarray) -> float:
    """The monotonic seconds drawn into an image (gray or BGR)."""
    gray = image if image.ndim == 2 else image[..., 1]
    half = SQUARE // 2
    samples = gray[half : 2 * SQUARE : SQUARE, half : BITS // 2 * SQUARE : SQUARE]
    bits = (samples > 127).reshape(-1)
    return sum(1 << i for i, bit in enumerate(bits) if bit) / 1e6
