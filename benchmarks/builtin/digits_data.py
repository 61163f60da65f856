"""Render the training set of the built-in `digits`: MNIST's handwriting as a webcam sees it, and what is no digit.

    python benchmarks/builtin/digits_data.py --mnist DIR --fashion DIR --cifar DIR --out digits.npz

Writes 64 x 64 gray pictures with labels 0-9 and `nothing`, split into train and val by writer's glyph (the last 5,000
of MNIST's 60,000 training images are val). MNIST's test images and the demo scene's strokes are never used.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.datasets.catalog import load_images

Gray = NDArray[np.float32]
SIDE = 64
BIG = 2 * SIDE  # pictures are drawn twice as large and halved by area, as the camera's frames are
NOTHING = "nothing"


def main() -> None:
    """Parse the command line and write the set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, type=Path)
    parser.add_argument("--fashion", required=True, type=Path, help="Fashion-MNIST: things that are no digits")
    parser.add_argument("--cifar", required=True, type=Path, help="CIFAR-10: scenes that hold no digits")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--variants", type=int, default=2, help="camera pictures a training glyph")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    mnist = load_images(options.mnist).split("train")
    fashion, cifar = load_images(options.fashion).split("train"), load_images(options.cifar).split("train")
    assert mnist.pixels is not None and fashion.pixels is not None and cifar.pixels is not None
    photos = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in cifar.pixels[:20000]])
    arrays: dict[str, NDArray] = {}
    for split, rows, variants in (("train", slice(0, 55000), options.variants), ("val", slice(55000, 60000), 1)):
        rng = np.random.default_rng([options.seed, len(split)])
        glyphs, labels = mnist.pixels[rows], mnist.labels[rows]
        things = _things(rng, glyphs, fashion.pixels, photos)
        pictures, answers = _digits(rng, glyphs, labels, variants)
        empty = np.stack([things() for _ in range(len(pictures) // 7)])
        order = rng.permutation(len(pictures) + len(empty))
        arrays[f"x_{split}"] = np.concatenate([pictures, empty])[order]
        arrays[f"y_{split}"] = np.concatenate([answers, np.full(len(empty), NOTHING)])[order]
        print(f"{split}: {len(order)} pictures, {len(empty)} of them show no digit", flush=True)
    np.savez(options.out, **arrays)


def _digits(rng: np.random.Generator, glyphs: NDArray, labels: NDArray, variants: int) -> tuple[NDArray, NDArray]:
    """Every glyph as it is in MNIST, and `variants` times on paper."""
    pictures = [cv2.resize(glyph, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for glyph in glyphs]
    answers = [str(label) for label in labels]
    for _ in range(variants):
        for glyph, label in zip(glyphs, labels, strict=True):
            ink = _written(rng, glyph)
            pictures.append(_camera(rng, _on_paper(rng, ink)))
            answers.append(str(label))
    return np.stack(pictures), np.array(answers)


def _written(rng: np.random.Generator, glyph: NDArray, *, cut: bool = False) -> Gray:
    """A glyph's ink, (BIG, BIG) in 0..1, turned within 30°, 22 to 95 % of the picture high; `cut` by its edge."""
    rows, columns = np.flatnonzero(glyph.max(axis=1) > 40), np.flatnonzero(glyph.max(axis=0) > 40)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = bottom - top, right - left
    scale = rng.uniform(0.22, 0.95) * BIG / max(height, 0.8 * width)
    angle, shear, widen = np.deg2rad(rng.uniform(-30, 30)), rng.normal(0, 0.08), rng.uniform(0.85, 1.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[scale * widen, scale * shear], [0, scale]])
    half = np.abs(matrix) @ np.array([width / 2, height / 2])
    free = np.maximum(BIG / 2 - half * 0.92, 0)
    centre = BIG / 2 + rng.uniform(-1, 1, 2) * free
    if cut:  # more than half of it lies outside
        side = rng.integers(4)
        centre[side % 2] = (-1 if side < 2 else 1) * half[side % 2] * rng.uniform(0.15, 0.6) + (0 if side < 2 else BIG)
    offset = centre - matrix @ np.array([(left + right - 1) / 2, (top + bottom - 1) / 2])
    drawn = cv2.warpAffine(
        glyph.astype(np.float32) / 255, np.c_[matrix, offset], (BIG, BIG), flags=cv2.INTER_CUBIC, borderValue=0.0
    )
    level, soft = rng.uniform(0.2, 0.6), rng.uniform(0.15, 0.5)
    return np.clip((drawn - level) / soft + 0.5, 0, 1)


def _on_paper(rng: np.random.Generator, ink: Gray) -> Gray:
    """Ink on paper, dark on light or light on dark, at least an eighth of the range apart."""
    paper = rng.uniform(90, 250)
    pen = rng.uniform(0, max(paper - rng.uniform(40, 120), 1))
    if rng.random() < 0.35:
        paper = rng.uniform(0, 150)
        pen = rng.uniform(min(paper + rng.uniform(40, 120), 250), 255)
    return (paper + (pen - paper) * ink) * _light(rng) + _dirt(rng)


def _light(rng: np.random.Generator) -> Gray:
    """Uneven light and the edge of a shadow, (BIG, BIG) around 1."""
    y, x = np.mgrid[0:BIG, 0:BIG].astype(np.float32) / BIG - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + (np.cos(angle) * x + np.sin(angle) * y) * rng.uniform(0, 0.6)
    for _ in range(rng.choice([0, 1, 2], p=[0.5, 0.4, 0.1])):
        angle, softness = rng.uniform(0, 2 * np.pi), rng.uniform(0.01, 0.15)
        edge = (np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-0.45, 0.45)) / softness
        light *= 1 - rng.uniform(0.1, 0.5) / (1 + np.exp(-np.clip(edge, -30, 30)))
    return light.astype(np.float32)


def _dirt(rng: np.random.Generator) -> Gray:
    """Fibre, faint ruled lines, a stain."""
    dirt = cv2.resize(
        rng.normal(0, rng.uniform(0, 6), (16, 16)).astype(np.float32), (BIG, BIG), interpolation=cv2.INTER_CUBIC
    )
    if rng.random() < 0.15:
        step, start, width = rng.integers(8, 40), rng.integers(8), rng.integers(1, 3)
        lines = (np.arange(BIG) + start) % step < width
        grid = lines[:, None] | (lines[None] if rng.random() < 0.4 else np.zeros((1, BIG), bool))
        dirt = dirt - grid * rng.uniform(4, 25)
    return dirt


def _camera(rng: np.random.Generator, scene: Gray) -> NDArray[np.uint8]:
    """What a small webcam makes of a scene: blur, noise, blocks, and the halving on the way to the network."""
    if rng.random() < 0.5:
        scene = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.3, 2.0))
    if rng.random() < 0.2:
        length, angle = rng.integers(3, 9), rng.uniform(0, 180)
        kernel = np.zeros((9, 9), np.float32)
        kernel[4, 4 - length // 2 : 5 + length // 2] = 1
        kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D((4, 4), angle, 1), (9, 9))
        scene = cv2.filter2D(scene, -1, kernel / max(float(kernel.sum()), 1e-3))
    noisy = scene * rng.uniform(0.8, 1.15) + rng.normal(0, rng.uniform(0, 10), scene.shape)
    picture = np.clip(noisy, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])[1]
        picture = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _things(
    rng: np.random.Generator, glyphs: NDArray, fashion: NDArray, photos: NDArray
) -> Callable[[], NDArray[np.uint8]]:
    """A source of pictures that show no digit."""
    blank = np.zeros((BIG, BIG), np.float32)

    def photo() -> NDArray[np.uint8]:
        whole = cv2.resize(photos[rng.integers(len(photos))], (208, 208), interpolation=cv2.INTER_CUBIC).astype(
            np.float32
        )
        y, x = rng.integers(0, 208 - BIG + 1, 2)
        return _camera(rng, whole[y : y + BIG, x : x + BIG])

    def thing() -> NDArray[np.uint8]:
        kind = rng.choice(["paper", "photo", "scribble", "cut digit", "clothing"], p=[0.28, 0.16, 0.2, 0.24, 0.12])
        if kind == "photo":
            return photo()
        if kind == "scribble":
            ink = _scribble(rng)
        elif kind == "cut digit":
            ink = _written(rng, glyphs[rng.integers(len(glyphs))], cut=True)
        elif kind == "clothing":
            ink = _written(rng, fashion[rng.integers(len(fashion))])
        else:
            ink = blank
        return _camera(rng, _on_paper(rng, ink))

    return thing


def _scribble(rng: np.random.Generator) -> Gray:
    """Marks that are no digit: tangles, rows of tiny writing, edges of things, blobs."""
    mask = np.zeros((BIG, BIG), np.uint8)
    kind = rng.integers(4)
    if kind == 0:  # a tangle of many strokes
        for _ in range(rng.integers(4, 9)):
            points = rng.uniform(-10, BIG + 10, (rng.integers(3, 6), 2)).astype(np.int32)
            cv2.polylines(
                mask, [points], isClosed=False, color=255, thickness=int(rng.integers(1, 5)), lineType=cv2.LINE_AA
            )
    elif kind == 1:  # small writing in rows
        for y in range(int(rng.integers(6, 16)), BIG, int(rng.integers(9, 16))):
            x = np.arange(4, BIG - 4, 2)
            points = np.stack([x, y + rng.normal(0, 2.2, len(x))], axis=1).astype(np.int32)
            cv2.polylines(mask, [points], isClosed=False, color=255, thickness=1, lineType=cv2.LINE_AA)
    elif kind == 2:  # the edge of a table, a window, a sheet
        corner = rng.uniform(0.1, 0.9, 2) * BIG
        far = rng.uniform(-2, 3, (3, 2)) * BIG
        cv2.fillPoly(mask, [np.vstack([corner, far]).astype(np.int32)], 255, lineType=cv2.LINE_AA)
    else:  # a finger or a blob from the side
        for _ in range(rng.integers(1, 4)):
            centre = rng.choice([-8, BIG + 8]), int(rng.uniform(0, BIG))
            axes = int(rng.uniform(20, 60)), int(rng.uniform(8, 24))
            cv2.ellipse(mask, centre, axes, float(rng.uniform(-40, 40)), 0, 360, 255, -1, cv2.LINE_AA)
        mask = mask.T if rng.random() < 0.5 else mask
    return np.ascontiguousarray(mask).astype(np.float32) / 255


if __name__ == "__main__":
    main()
