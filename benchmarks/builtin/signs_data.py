"""Render the training set of the built-in `sign-digits`: hand signs before any wall, and what is no sign.

    python benchmarks/builtin/signs_data.py --signs DIR --cifar DIR --out signs.npz

Writes 64 x 64 RGB pictures with labels 0-9 and `nothing`. Signers are kept apart: of every five, three are train, one
is val and one is test (`signers.py` tells them apart). Val and test hold the photos as they were taken, and scenes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from signers import signers

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.images.read import read_image
from edgelens.runtime.preprocess import PixelContract, fit_frame

Image = NDArray[np.uint8]
SIDE = 64
NOTHING = "nothing"
CONTRACT = PixelContract(SIDE, SIDE, "rgb", "crop")
LARGE = PixelContract(2 * SIDE, 2 * SIDE, "rgb", "crop")


def main() -> None:
    """Parse the command line and write the set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signs", required=True, type=Path)
    parser.add_argument("--cifar", required=True, type=Path, help="CIFAR-10: scenes that hold no hand")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--variants", type=int, default=6, help="composed pictures a training photo")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    cifar = load_images(options.cifar).split("train").pixels
    assert cifar is not None
    arrays: dict[str, list[Image]] = {f"x_{split}": [] for split in ("train", "val", "test")}
    labels: dict[str, list[str]] = {split: [] for split in ("train", "val", "test")}
    rng = np.random.default_rng(options.seed)
    for name, signer in sorted(signers(options.signs).items()):
        split = {3: "val", 4: "test"}.get(signer % 5, "train")
        photo = read_image(options.signs / name)
        arrays[f"x_{split}"].append(fit_frame(photo, CONTRACT)[0])
        labels[split].append(name[0])
        if split == "train":
            hand = _cut_out(fit_frame(photo, LARGE)[0])
            for _ in range(options.variants):
                gone = rng.random() < 0.06
                arrays["x_train"].append(_small(_composed(rng, hand, _wall(rng, cifar), gone=gone)))
                labels["train"].append(NOTHING if gone else name[0])
    for split, answers in labels.items():
        for _ in range(len(answers) // 8):
            arrays[f"x_{split}"].append(_small(_wall(rng, cifar)))
            answers.append(NOTHING)
        print(f"{split}: {len(answers)} pictures", flush=True)
    truth = {f"y_{split}": np.array(names) for split, names in labels.items()}
    np.savez(options.out, **{name: np.stack(images) for name, images in arrays.items()}, **truth)


def _cut_out(photo: Image) -> NDArray[np.float32]:
    """The photo with the hand's mask as a fourth channel, (H, W, 4) in 0..255; these photos have plain backgrounds."""
    mask = np.full(photo.shape[:2], cv2.GC_PR_BGD, np.uint8)
    mask[:, :3] = mask[:, -3:] = mask[:3] = cv2.GC_BGD
    lab = cv2.cvtColor(photo, cv2.COLOR_RGB2LAB).astype(np.float32)
    warm = lab[..., 1] + 0.7 * lab[..., 2]
    mask[warm > np.percentile(warm, 30) + 12] = cv2.GC_PR_FGD
    if (mask == cv2.GC_PR_FGD).any():
        cv2.grabCut(photo, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    hand = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    hand = cv2.GaussianBlur(cv2.morphologyEx(hand, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), (3, 3), 0)
    return np.dstack([photo, hand]).astype(np.float32)


def _wall(rng: np.random.Generator, cifar: Image) -> Image:
    """A background twice the network's size: a plain wall in uneven light, or an out-of-focus scene."""
    side = 2 * SIDE
    if rng.random() < 0.45:
        scene = cv2.resize(cifar[rng.integers(len(cifar))], (side, side), interpolation=cv2.INTER_CUBIC)
        return np.asarray(cv2.GaussianBlur(scene, (0, 0), rng.uniform(1, 5)), np.uint8)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + (np.cos(angle) * x + np.sin(angle) * y) * rng.uniform(0, 0.7) - (x * x + y * y) * rng.uniform(0, 0.8)
    colour = np.clip(rng.uniform(40, 240) + rng.normal(0, 14, 3), 0, 255)
    return np.clip(light[..., None] * colour + rng.normal(0, 3, (side, side, 1)), 0, 255).astype(np.uint8)


def _composed(rng: np.random.Generator, hand: NDArray[np.float32], wall: Image, *, gone: bool) -> Image:
    """The hand moved, turned and sized, before another wall; `gone`: most of it lies outside the picture."""
    side = wall.shape[0]
    scale, angle = rng.uniform(0.6, 1.25), rng.uniform(-20, 20)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-0.12, 0.12, 2) * side
    if gone:
        matrix[rng.integers(2), 2] += rng.choice([-1, 1]) * rng.uniform(0.75, 0.95) * side
    moved = cv2.warpAffine(hand, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
    alpha = moved[..., 3:] / 255
    tone = moved[..., :3] * rng.uniform(0.65, 1.25) + rng.normal(0, 8, 3)
    return np.clip(tone * alpha + wall * (1 - alpha), 0, 255).astype(np.uint8)


def _small(picture: Image) -> Image:
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
