"""The one pixel path: training, calibration, parity checks and the camera all make a network's input here.

Geometry first (`fit_frame`: region → resize → pad, uint8 all the way), numbers second (`to_tensor`: what one model file
wants). Nothing else in the kit resizes or colour-converts an image for a model.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import UsageError

__all__ = [
    "Color",
    "PixelContract",
    "Placement",
    "Region",
    "Resize",
    "TensorContract",
    "fit_frame",
    "placement_of",
    "pixel_values",
    "to_tensor",
    "view_of",
]

Color = Literal["rgb", "bgr", "gray"]
Resize = Literal["stretch", "letterbox", "crop"]
Filter = Literal["halves", "area", "linear", "cubic"]
Anchor = Literal["center", "topleft"]

COLORS: tuple[Color, ...] = ("rgb", "bgr", "gray")
RESIZES: tuple[Resize, ...] = ("stretch", "letterbox", "crop")
FILTERS: tuple[Filter, ...] = ("halves", "area", "linear", "cubic")
ANCHORS: tuple[Anchor, ...] = ("center", "topleft")

SLACK = 0.001  # by which fractions may reach beyond the frame: they are rounded when written
_LUT_DTYPES = ("uint8", "int8", "int16", "int32", "float16", "float32", "float64")  # of those cv2.LUT can make
_CV_FILTERS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


@dataclass(frozen=True)
class PixelContract:
    """The picture a network looks at: its size, its colours, and how a frame is brought to that size."""

    height: int
    width: int
    color: Color = "rgb"
    resize: Resize = "crop"
    filter: Filter = "halves"
    pad: int = 128  # the letterbox bars' pixel; 128 is zero for networks of the kit
    anchor: Anchor = "center"  # where the picture stands between the bars
    widths: tuple[int, ...] = ()  # all that the network takes where it takes several: the least that holds the picture

    @property
    def channels(self) -> int:
        """1 for gray, else 3."""
        return 1 if self.color == "gray" else 3


@dataclass(frozen=True)
class TensorContract:
    """What one model file takes: value = (pixel - mean) / std, then value / scale + zero_point where quantized."""

    name: str = "image"
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    dtype: str = "uint8"
    mean: tuple[float, ...] = (0.0,)  # one number or one a channel, in the order of the contract's colour
    std: tuple[float, ...] = (1.0,)
    scale: float | None = None  # the tensor's quantization, where mean and std speak of real values
    zero_point: int = 0


@dataclass(frozen=True)
class Region:
    """A part of the frame, in pixels or (when every number is at most 1) in fractions of it."""

    x: float
    y: float
    w: float
    h: float

    @classmethod
    def parse(cls, text: str) -> Region:
        """A region from `x,y,w,h`."""
        try:
            x, y, w, h = (float(part) for part in text.split(","))
        except ValueError:
            raise UsageError(
                f"--roi {text}: write x,y,w,h in pixels (100,50,320,240) or fractions (.25,.25,.5,.5)"
            ) from None
        return cls.of((x, y, w, h), f"--roi {text}")

    @classmethod
    def of(cls, numbers: Sequence[float], written: str) -> Region:
        """A region of four numbers; what is refused begins with how they were written."""
        try:
            x, y, w, h = map(float, numbers)
        except (TypeError, ValueError):
            raise UsageError(f"{written} {numbers}: give x, y, w, h in pixels or fractions") from None
        if not np.isfinite([x, y, w, h]).all() or min(x, y) < 0 or min(w, h) <= 0:
            raise UsageError(f"{written}: x and y must not be negative, w and h must be positive")
        region = cls(x, y, w, h)
        if region.in_fractions:
            if max(x + w, y + h) > 1 + SLACK:
                raise UsageError(f"{written}: reaches beyond the frame: x + w and y + h must be at most 1")
        elif any(value % 1 for value in (x, y, w, h)):
            raise UsageError(f"{written}: fractions lie between 0 and 1, pixels are whole numbers: is one of both")
        return region

    @property
    def in_fractions(self) -> bool:
        """Whether the numbers are fractions of the frame."""
        return max(self.x, self.y, self.w, self.h) <= 1

    def as_fractions(self, height: int, width: int) -> Region:
        """The same part of a frame of this size, as far as it lies in it, in fractions."""
        if self.in_fractions:
            return self
        x, y, w, h = self.pixels(height, width)
        return Region(x / width, y / height, w / width, h / height)

    def check(self, height: int, width: int, source: str) -> None:
        """UsageError where nothing of the region lies within a frame of this size."""
        if not self.in_fractions and (self.x >= width or self.y >= height):
            place = ",".join(f"{value:g}" for value in (self.x, self.y, self.w, self.h))
            raise UsageError(f"--roi {place}: lies outside the {width}×{height} pixels of {source}")

    def pixels(self, height: int, width: int) -> tuple[int, int, int, int]:
        """The region as x, y, w, h inside a frame of this size; at least one pixel, clipped to the frame."""
        sx, sy = (width, height) if self.in_fractions else (1, 1)
        x0, y0 = min(round(self.x * sx), width - 1), min(round(self.y * sy), height - 1)
        x1, y1 = min(round((self.x + self.w) * sx), width), min(round((self.y + self.h) * sy), height)
        return x0, y0, max(x1 - x0, 1), max(y1 - y0, 1)


@dataclass(frozen=True)
class Placement:
    """Where the network's pixels lie in the frame: frame = (input - offset) / scale + origin."""

    scale_x: float
    scale_y: float
    offset_x: float
    offset_y: float
    origin_x: float
    origin_y: float
    frame_width: int
    frame_height: int
    view: tuple[int, int, int, int]  # x, y, w, h of the frame that reaches the network

    def to_frame(self, boxes: NDArray[Any]) -> NDArray[np.float32]:
        """Corner boxes (N, 4) x1, y1, x2, y2 in input pixels as x, y, w, h in frame pixels, clipped to the frame."""
        scale = np.array([self.scale_x, self.scale_y] * 2, np.float32)
        offset = np.array([self.offset_x, self.offset_y] * 2, np.float32)
        origin = np.array([self.origin_x, self.origin_y] * 2, np.float32)
        corners = (np.asarray(boxes, np.float32).reshape(-1, 4) - offset) / scale + origin
        limit = np.array([self.frame_width, self.frame_height] * 2, np.float32)
        corners = np.asarray(np.clip(corners, 0, limit), np.float32)
        corners[:, 2:] -= corners[:, :2]
        return corners

    def points_to_frame(self, points: NDArray[Any]) -> NDArray[np.float32]:
        """Points (..., 2) x, y in input pixels in frame pixels; those outside the frame stay there."""
        scale = np.array([self.scale_x, self.scale_y], np.float32)
        offset, origin = (self.offset_x, self.offset_y), (self.origin_x, self.origin_y)
        return np.asarray((points - np.array(offset, np.float32)) / scale + np.array(origin, np.float32), np.float32)

    def to_input(self, boxes: NDArray[Any]) -> NDArray[np.float32]:
        """Boxes (N, 4) x, y, w, h in frame pixels as corners x1, y1, x2, y2 in input pixels, wherever they lie."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
        origin, offset = [self.origin_x, self.origin_y] * 2, [self.offset_x, self.offset_y] * 2
        return np.asarray((corners - origin) * ([self.scale_x, self.scale_y] * 2) + offset, np.float32)


def view_of(
    height: int, width: int, contract: PixelContract, region: Region | None = None
) -> tuple[int, int, int, int]:
    """The part of a frame, x, y, w, h in pixels, that reaches the network."""
    x, y, w, h = region.pixels(height, width) if region else (0, 0, width, height)
    return _center_crop(x, y, w, h, contract) if contract.resize == "crop" else (x, y, w, h)


def fit_frame(
    image: NDArray[np.uint8], contract: PixelContract, region: Region | None = None
) -> tuple[NDArray[np.uint8], Placement]:
    """A BGR frame as the network's picture, (H, W, C) uint8 in the contract's colour, and where it lies."""
    frame_h, frame_w = image.shape[:2]
    x, y, w, h = view = view_of(frame_h, frame_w, contract, region)
    contract = _wide_enough(contract, w, h)
    placement = _placed(frame_h, frame_w, contract, view)
    inner_w, inner_h = round(placement.scale_x * w), round(placement.scale_y * h)
    pixels = _colored(_resized(image[y : y + h, x : x + w], inner_w, inner_h, contract.filter), contract.color)
    if contract.resize == "letterbox":
        pixels = _padded(pixels, contract, int(placement.offset_x), int(placement.offset_y))
    return pixels, placement


def placement_of(height: int, width: int, contract: PixelContract) -> Placement:
    """Where the network's pixels lie in a frame of this size."""
    return _placed(height, width, contract, view_of(height, width, contract))


def _placed(height: int, width: int, contract: PixelContract, view: tuple[int, int, int, int]) -> Placement:
    x, y, w, h = view
    inner_w, inner_h = contract.width, contract.height
    left = top = 0
    if contract.resize == "letterbox":
        shrink = min(contract.width / w, contract.height / h)
        inner_w, inner_h = max(round(w * shrink), 1), max(round(h * shrink), 1)
        if contract.anchor == "center":
            left, top = (contract.width - inner_w) // 2, (contract.height - inner_h) // 2
    return Placement(inner_w / w, inner_h / h, left, top, x, y, width, height, view)


def to_tensor(pixels: NDArray[np.uint8], tensor: TensorContract) -> NDArray[Any]:
    """The network's picture (H, W, C) or pictures (B, H, W, C) as the array one model file takes, with a batch axis."""
    batch = np.ascontiguousarray(pixels if pixels.ndim == 4 else pixels[None])
    if tensor.layout == "NCHW":
        return _planes(batch, tensor)
    if _flips(tensor):
        return np.bitwise_xor(batch, 0x80).view(np.int8)
    values = pixel_values(tensor)
    if values is None:
        return batch
    if tensor.dtype not in _LUT_DTYPES:
        return np.stack([values[c % len(values)][batch[..., c]] for c in range(batch.shape[3])], axis=-1)
    table = values[0] if len(values) == 1 else np.ascontiguousarray(values.T)[None]
    rows = batch.reshape(-1, *batch.shape[2:])
    return np.asarray(cv2.LUT(rows, table)).reshape(batch.shape)


def _planes(batch: NDArray[np.uint8], tensor: TensorContract) -> NDArray[Any]:
    """Channels first: one look-up a plane, straight into its place."""
    count, height, width, channels = batch.shape
    values = pixel_values(tensor)
    out = np.empty((count, channels, height, width), np.dtype(tensor.dtype))
    for b in range(count):
        for c, plane in enumerate(cv2.split(batch[b])):
            if values is None:
                out[b, c] = plane
            elif tensor.dtype in _LUT_DTYPES:
                cv2.LUT(plane, values[c % len(values)], dst=out[b, c])
            else:
                np.take(values[c % len(values)], plane, out=out[b, c], mode="clip")
    return out


@functools.lru_cache(maxsize=64)
def _flips(tensor: TensorContract) -> bool:
    """Whether an int8 tensor is the pixel with its top bit flipped."""
    values = pixel_values(tensor)
    return tensor.dtype == "int8" and values is not None and bool((values == np.arange(-128, 128)).all())


@functools.lru_cache(maxsize=64)
def pixel_values(tensor: TensorContract) -> NDArray[Any] | None:
    """(1 or C, 256): the tensor's value for every pixel value, one look-up a pixel; None for the pixel itself."""
    channels = max(len(tensor.mean), len(tensor.std))
    mean = np.broadcast_to(np.array(tensor.mean, np.float64), (channels,))[:, None]
    std = np.broadcast_to(np.array(tensor.std, np.float64), (channels,))[:, None]
    values = (np.arange(256, dtype=np.float64)[None] - mean) / std
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "f":
        return np.asarray(values.astype(dtype))
    if tensor.scale is not None:
        values = values / tensor.scale + tensor.zero_point
    limits = np.iinfo(dtype)
    table = np.clip(np.rint(values), limits.min, limits.max).astype(dtype)
    return None if dtype == np.uint8 and (table == np.arange(256)).all() else table


def _wide_enough(contract: PixelContract, width: int, height: int) -> PixelContract:
    """The contract at the least of its widths in which a picture of these proportions is as high as it can be."""
    if not contract.widths:
        return contract
    wanted = contract.height * width / height
    return replace(contract, width=next((each for each in contract.widths if each >= wanted), contract.widths[-1]))


def _center_crop(x: int, y: int, w: int, h: int, contract: PixelContract) -> tuple[int, int, int, int]:
    """The largest centred part of a rectangle with the network's proportions."""
    crop_w = min(w, max(round(h * contract.width / contract.height), 1))
    crop_h = min(h, max(round(w * contract.height / contract.width), 1))
    return x + (w - crop_w) // 2, y + (h - crop_h) // 2, crop_w, crop_h


def _resized(image: NDArray[np.uint8], width: int, height: int, how: Filter) -> NDArray[np.uint8]:
    if how == "halves":
        image, how = _halved(image, width, height), "linear"
    if how == "area" and (image.shape[0] < height) != (image.shape[1] < width):
        # OpenCV's area filter falls back to linear on both axes when one grows
        smaller = (min(image.shape[1], width), min(image.shape[0], height))
        image, how = np.asarray(cv2.resize(image, smaller, interpolation=cv2.INTER_AREA), np.uint8), "linear"
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=_CV_FILTERS[how]), np.uint8)


def _halved(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Halved by area as long as an axis is at least twice too long; each axis for itself."""
    while image.shape[0] >= 2 * height or image.shape[1] >= 2 * width:
        tall, wide = image.shape[0] >= 2 * height, image.shape[1] >= 2 * width
        half_h, half_w = image.shape[0] >> tall, image.shape[1] >> wide
        even = image[: half_h << tall, : half_w << wide]  # an odd last row or column would leave exact halving
        image = np.asarray(cv2.resize(even, (half_w, half_h), interpolation=cv2.INTER_AREA), np.uint8)
    return image


def _colored(image: NDArray[np.uint8], color: Color) -> NDArray[np.uint8]:
    if color == "rgb":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    if color == "gray":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)[..., None]
    return image


def _padded(pixels: NDArray[np.uint8], contract: PixelContract, left: int, top: int) -> NDArray[np.uint8]:
    height, width, channels = pixels.shape
    canvas = np.full((contract.height, contract.width, channels), contract.pad, np.uint8)
    canvas[top : top + height, left : left + width] = pixels
    return canvas
