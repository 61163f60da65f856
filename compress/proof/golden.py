"""Golden frames: real pictures as they came from the camera, and what the float network answers to them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Golden
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import ImageError, WorkError
from edgelens.runtime.images.write import encode_png, made_smaller
from edgelens.runtime.preprocess import PixelContract, fit_frame

__all__ = ["GoldenFrames", "alike_wide", "frames_of", "golden_frames", "png_frames"]

COUNT = 12
_ROLE = "main"  # of the network that a run makes


@dataclass(frozen=True)
class GoldenFrames:
    """Frames, the pictures the network sees of them, and the reference's answers."""

    frames: tuple[bytes, ...] = field(repr=False)  # PNG
    pictures: NDArray[np.uint8] = field(repr=False)  # (N, H, W, C)
    reference: dict[str, NDArray[np.float32]] = field(repr=False)  # output name → (N, ...)

    def entries(self) -> tuple[Golden, dict[str, bytes]]:
        """The manifest's line and the bundle's entries."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **self.reference)  # type: ignore[arg-type]
        names = tuple(f"golden/{i:03d}.png" for i in range(len(self.frames)))
        reference = f"golden/{_ROLE}.npz"
        return Golden(_ROLE, names, reference), {
            **dict(zip(names, self.frames, strict=True)),
            reference: buffer.getvalue(),
        }


def golden_frames(
    images: ImageSet,
    contract: PixelContract,
    reference: Callable[[NDArray[np.uint8]], Mapping[str, NDArray[np.float32]]],
    picked: Callable[[Mapping[str, NDArray[np.float32]], int], list[int]],
    *,
    count: int = COUNT,
) -> GoldenFrames:
    """Some frames of a set, picked by what the reference answers to them as the task picks."""
    frames, pictures = _candidates(images, contract, count * 6)
    if not frames:
        raise WorkError(f"{images.root}: no image can be read to prove the bundle with")
    answers = reference(np.stack(pictures))
    rows = picked(answers, count)
    return GoldenFrames(
        tuple(encode_png(frames[i]) for i in rows),
        np.stack([pictures[i] for i in rows]),
        {name: np.ascontiguousarray(values[rows], np.float32) for name, values in answers.items()},
    )


def _candidates(
    images: ImageSet, contract: PixelContract, most: int
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    rows = np.random.default_rng(0).permutation(len(images))[:most]
    frames, pictures = [], []
    for row in rows:
        try:
            frame = made_smaller(images.image(int(row)))
        except ImageError:
            continue
        frames.append(frame)
        pictures.append(fit_frame(frame, contract)[0])
    return frames, pictures


def frames_of(images: ImageSet, count: int) -> list[NDArray[np.uint8]]:
    """A few frames of a set, as they will be stored."""
    rows = np.random.default_rng(0).permutation(len(images))
    frames: list[NDArray[np.uint8]] = []
    for row in rows:
        try:
            frames.append(made_smaller(images.image(int(row))))
        except ImageError:
            continue
        if len(frames) == count:
            break
    if not frames:
        raise WorkError(f"{images.root}: no image can be read to prove the bundle with")
    return frames


def alike_wide(
    frames: Sequence[NDArray[np.uint8]], contract: PixelContract
) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """The frames whose pictures are as wide as most are, and these (N, H, W, C): a network may take several widths."""
    pictures = [fit_frame(frame, contract)[0] for frame in frames]
    usual = Counter(picture.shape for picture in pictures).most_common(1)[0][0]
    rows = [row for row, picture in enumerate(pictures) if picture.shape == usual]
    return [frames[row] for row in rows], np.stack([pictures[row] for row in rows])


def png_frames(frames: Sequence[NDArray[np.uint8]]) -> tuple[bytes, ...]:
    """Frames as PNG files."""
    return tuple(encode_png(frame) for frame in frames)
