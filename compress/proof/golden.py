"""Golden frames: real pictures as they came from the camera, and what the float network answers to them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Golden
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import ImageError, WorkError
from edgelens.runtime.preprocess import PixelContract, fit

__all__ = ["GoldenFrames", "frames_of", "golden_frames", "png_frames"]

COUNT = 12
LONGEST_SIDE = 480  # larger photos are made smaller before they become golden: the file travels to small devices


@dataclass(frozen=True)
class GoldenFrames:
    """Frames, the pictures the network sees of them, and the reference's answers."""

    frames: tuple[bytes, ...] = field(repr=False)  # PNG
    pictures: NDArray[np.uint8] = field(repr=False)  # (N, H, W, C)
    reference: dict[str, NDArray[np.float32]] = field(repr=False)  # output name → (N, ...)

    def entries(self, role: str = "main") -> tuple[Golden, dict[str, bytes]]:
        """The manifest's line and the bundle's entries."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **self.reference)  # type: ignore[arg-type]
        names = tuple(f"golden/{i:03d}.png" for i in range(len(self.frames)))
        reference = f"golden/{role}.npz"
        return Golden(role, names, reference), {
            **dict(zip(names, self.frames, strict=True)),
            reference: buffer.getvalue(),
        }


def golden_frames(
    images: ImageSet,
    contract: PixelContract,
    reference: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    *,
    output: str = "logits",
    count: int = COUNT,
) -> GoldenFrames:
    """Frames of as many classes as there are, among those whose answer is not a close call.

    An answer on the brink tells processors apart, not right from wrong: of each class the clearer half is taken from.
    """
    frames, pictures = _candidates(images, contract, count * 6)
    if not frames:
        raise WorkError(f"{images.root}: no image can be read to prove the bundle with")
    answers = reference(np.stack(pictures))
    picked = _clear_ones(answers, count)
    return GoldenFrames(
        tuple(_png(frames[i]) for i in picked),
        np.stack([pictures[i] for i in picked]),
        {output: np.ascontiguousarray(answers[picked], np.float32)},
    )


def _candidates(
    images: ImageSet, contract: PixelContract, most: int
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    rows = np.random.default_rng(0).permutation(len(images))[:most]
    frames, pictures = [], []
    for row in rows:
        try:
            frame = _stored(images.image(int(row)))
        except ImageError:
            continue
        frames.append(frame)
        pictures.append(fit(frame, contract)[0])
    return frames, pictures


def _clear_ones(answers: NDArray[np.float32], count: int) -> list[int]:
    """Rows with the largest gap between best and second best, the answered classes taking turns."""
    if answers.ndim != 2 or answers.shape[1] < 2:
        return list(range(min(count, len(answers))))
    ordered = np.sort(answers, axis=1)
    gap = ordered[:, -1] - ordered[:, -2]
    turns: list[tuple[int, float, int]] = []
    for label in np.unique(answers.argmax(axis=1)):
        mine = np.flatnonzero(answers.argmax(axis=1) == label)
        clear = mine[np.argsort(-gap[mine])][: max(len(mine) // 2, 1)]
        turns += [(turn, -float(gap[row]), int(row)) for turn, row in enumerate(clear)]
    return [row for _, _, row in sorted(turns)[:count]]


def _stored(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    longest = max(frame.shape[:2])
    if longest <= LONGEST_SIDE:
        return frame
    share = LONGEST_SIDE / longest
    size = (max(round(frame.shape[1] * share), 1), max(round(frame.shape[0] * share), 1))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _png(frame: NDArray[np.uint8]) -> bytes:
    gray = frame.ndim == 3 and (frame[..., 0] == frame[..., 1]).all() and (frame[..., 1] == frame[..., 2]).all()
    done, data = cv2.imencode(".png", frame[..., 0] if gray else frame, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise WorkError("a golden frame could not be encoded as PNG")
    return bytes(data.tobytes())


def frames_of(images: ImageSet, count: int) -> list[NDArray[np.uint8]]:
    """A few frames of a set, as they will be stored."""
    rows = np.random.default_rng(0).permutation(len(images))
    found: list[NDArray[np.uint8]] = []
    for row in rows:
        try:
            found.append(_stored(images.image(int(row))))
        except ImageError:
            continue
        if len(found) == count:
            break
    if not found:
        raise WorkError(f"{images.root}: no image can be read to prove the bundle with")
    return found


def png_frames(frames: Sequence[NDArray[np.uint8]]) -> tuple[bytes, ...]:
    """Frames as PNG files."""
    return tuple(_png(frame) for frame in frames)
