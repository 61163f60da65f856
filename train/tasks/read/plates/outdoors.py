"""A plate where it hangs: pressed, dirty, in sun, shadow or a headlight, on a car, looked at from somewhere."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .flat import Flat
from .layout import Box

__all__ = ["hung"]

_HIGH = 56  # pixels of the picture before it is far away
_FAR = (14.0, 44.0)  # pixels that it has there
_AROUND = 0.3  # of the plate's height: what is seen of the car on each side

_YAW, _PITCH = 28.0, 16.0  # degrees to each side at most
_ROLL, _SHEAR = 3.5, 0.05  # spreads: degrees, and a share of the height
_LOOSE = (-0.04, 0.1)  # of the plate's height: how far from it the cut is on each side


def hung(flat: Flat, size: tuple[int, int], chance: np.random.Generator) -> NDArray[np.uint8]:
    """The picture (H, W, 3) RGB of a plate as it is cut out of a photo and brought to this height and width."""
    plate = flat.image + _relief(flat.raised, chance)
    if chance.random() < 0.45:
        plate = _dirty(plate, chance)
    is_night = chance.random() < 0.12
    scene, around = _on_a_car(plate, flat.shape, chance, dark=is_night)
    if is_night:
        scene = _headlight(scene, chance)
    else:
        scene *= _slope(scene.shape[:2], chance)
        if chance.random() < 0.3:
            scene *= _shadow(scene.shape[:2], chance)
    if chance.random() < 0.25:
        scene += _glare(scene.shape[:2], chance)
    x, y, w, h = flat.part
    seen = _from_somewhere(scene.clip(0, 255), (x + around, y + around, w, h), chance)
    far = float(np.exp(chance.uniform(*np.log(_FAR))))
    wide = max(round(seen.shape[1] * far / seen.shape[0]), 16)
    small = cv2.resize(seen, (wide, round(far)), interpolation=cv2.INTER_AREA)
    is_smaller = size[0] < small.shape[0]
    brought = cv2.resize(small, size[::-1], interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
    return np.asarray(brought.clip(0, 255), np.uint8)


def _relief(raised: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 1): edges of what is pressed, one side in the light and the other in the dark."""
    slope = cv2.filter2D(raised, -1, np.array(((0, 1, 0), (1, 0, -1), (0, -1, 0)), np.float32))
    lit: NDArray[np.float32] = np.float32(chance.uniform(-18, 18)) * slope[..., None]
    return lit


def _cloud(size: tuple[int, int], cells: tuple[int, int], chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W): something uneven, 0 to 1, with as many hills as cells."""
    grid = chance.random(cells, np.float32)
    return np.asarray(cv2.resize(grid, size[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1), np.float32)


def _dirty(plate: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """Dust and mud, more of it below, and some splashes."""
    high, wide = plate.shape[:2]
    hills = 0.6 * _cloud((high, wide), (4, 9), chance) + 0.4 * _cloud((high, wide), (12, 40), chance)
    hills += np.linspace(-0.15, 0.15, high, dtype=np.float32)[:, None]
    covered = (hills - chance.uniform(0.45, 0.75)).clip(0, 0.5) * chance.uniform(0.6, 1.8)
    for _ in range(int(chance.integers(0, 5))):
        place = int(chance.integers(wide)), int(chance.integers(high))
        spot = np.zeros((high, wide), np.uint8)
        cv2.circle(spot, place, int(chance.integers(1, max(high // 16, 2) + 1)), 255, -1, cv2.LINE_AA)
        covered = np.maximum(covered, spot / np.float32(255) * np.float32(chance.uniform(0.3, 0.9)))
    mud = np.array(((94, 82, 66), (128, 116, 98), (60, 56, 52))[int(chance.integers(3))], np.float32)
    dirty: NDArray[np.float32] = plate + covered[..., None].clip(0, 0.85).astype(np.float32) * (mud - plate)
    return dirty


def _on_a_car(
    plate: NDArray[np.float32], shape: NDArray[np.float32], chance: np.random.Generator, *, dark: bool
) -> tuple[NDArray[np.float32], int]:
    """The plate with what is around it, and how many pixels that are."""
    high, wide = plate.shape[:2]
    around = round(_AROUND * high)
    size = high + 2 * around, wide + 2 * around
    paint = chance.uniform(15, 235) + chance.normal(0, 22, 3)
    scene = paint.astype(np.float32) + 50 * (_cloud(size, (5, 4), chance)[..., None] - 0.5)
    for _ in range(int(chance.integers(1, 5))):  # edges of a bumper, a grille, a lamp
        top = int(chance.integers(size[0]))
        scene[top : top + int(chance.integers(1, max(size[0] // 4, 2)))] *= np.float32(chance.uniform(0.3, 1.5))
    if chance.random() < 0.5:
        rim = round(high * chance.uniform(0.02, 0.1))
        frame = slice(around - rim, around + high + rim), slice(around - rim, around + wide + rim)
        scene[frame] = chance.uniform(8, 60) if chance.random() < 0.8 else chance.uniform(140, 210)
    shade = slice(around + round(0.04 * high), around + high + round(0.08 * high))
    scene[shade, around : around + wide] *= np.float32(chance.uniform(0.4, 0.9))  # what the plate throws behind it
    if dark:
        scene *= np.float32(chance.uniform(0.03, 0.3))
    there = scene[around : around + high, around : around + wide]
    there += shape[..., None] * (plate - there)
    return scene, around


def _slope(size: tuple[int, int], chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 1): light that is not the same everywhere."""
    across = np.linspace(-1, 1, size[1], dtype=np.float32)[None] * np.float32(chance.normal(0, 0.1))
    down = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None] * np.float32(chance.normal(0, 0.08))
    return np.asarray((1 + across + down)[..., None].clip(0.3, 1.5))


def _side(size: tuple[int, int], soft: float, chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W): 1 on one side of a line that goes through the picture somewhere, 0 on the other."""
    angle = chance.uniform(0, 2 * np.pi)
    x = np.arange(size[1], dtype=np.float32)[None] - np.float32(chance.uniform(0.15, 0.85) * size[1])
    y = np.arange(size[0], dtype=np.float32)[:, None] - np.float32(chance.uniform(0.25, 0.75) * size[0])
    away = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    return np.asarray((away / max(soft * size[0], 1) + 0.5).clip(0, 1), np.float32)


def _shadow(size: tuple[int, int], chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 1): what is left of the light where something stands before the sun."""
    covered = _side(size, chance.uniform(0.02, 0.3), chance)
    if chance.random() < 0.4:  # a bar of it
        covered = covered * _side(size, chance.uniform(0.02, 0.3), chance)
    left: NDArray[np.float32] = 1 - np.float32(chance.uniform(0.25, 0.7)) * covered[..., None]
    return left


def _spot(size: tuple[int, int], reach: tuple[float, float], chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W): a soft ellipse of light, 1 in its middle."""
    x = (np.arange(size[1], dtype=np.float32)[None] / size[1] - chance.uniform(0.1, 0.9)) / chance.uniform(*reach)
    y = (np.arange(size[0], dtype=np.float32)[:, None] / size[0] - chance.uniform(0.2, 0.8)) / chance.uniform(0.2, 0.9)
    return np.asarray(np.exp(-(x**2 + y**2)), np.float32)


def _glare(size: tuple[int, int], chance: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 1): the sun, or a lamp, in the metal."""
    lit: NDArray[np.float32] = np.float32(chance.uniform(40, 190)) * _spot(size, (0.08, 0.4), chance)[..., None]
    return lit


def _headlight(scene: NDArray[np.float32], chance: np.random.Generator) -> NDArray[np.float32]:
    """Night: light comes from where one looks, much of it back from the plate, little of it coloured."""
    gray = scene.mean(2, keepdims=True)
    pale = gray + np.float32(chance.uniform(0.2, 1)) * (scene - gray)
    lit = np.float32(chance.uniform(0.35, 0.8)) + np.float32(chance.uniform(0.3, 0.9)) * _spot(
        (scene.shape[0], scene.shape[1]), (0.3, 1), chance
    )
    seen: NDArray[np.float32] = pale * lit[..., None]
    return seen


def _from_somewhere(scene: NDArray[np.float32], part: Box, chance: np.random.Generator) -> NDArray[np.float32]:
    """The part of the scene, looked at from a little aside and above, in an upright cut that is not quite even."""
    x, y, w, h = part
    corners = np.array(((x, y), (x + w, y), (x + w, y + h), (x, y + h)), np.float32)
    flat = np.array(((-w, -h), (w, -h), (w, h), (-w, h))) / 2
    yaw, pitch = np.radians([chance.uniform(-_YAW, _YAW), chance.uniform(-_PITCH, _PITCH)])
    roll = np.radians(chance.normal(0, _ROLL))
    away = w * chance.uniform(2, 8)
    sideways = flat[:, 0] * np.cos(yaw)
    upwards = flat[:, 1] * np.cos(pitch)
    depth = away + flat[:, 0] * np.sin(yaw) + flat[:, 1] * np.sin(pitch)
    near = np.stack([sideways + chance.normal(0, _SHEAR) * upwards, upwards], 1) * (away / depth)[:, None]
    turn = np.array(((np.cos(roll), np.sin(roll)), (-np.sin(roll), np.cos(roll))))
    seen = near @ turn
    loose = chance.uniform(*_LOOSE, 4) * np.ptp(seen[:, 1])
    left, top = seen.min(0) - loose[:2]
    right, foot = seen.max(0) + loose[2:]
    scale = _HIGH / (foot - top)
    wide = max(round((right - left) * scale), 8)
    target = ((seen - (left, top)) * scale).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(
        cv2.warpPerspective(scene, matrix, (wide, _HIGH), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    )
