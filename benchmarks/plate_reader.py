"""A reader of the plates in `moving_plates.py`: a network of one hidden layer, fitted in seconds by least squares."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from onnx import helper

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "fixtures"))
from moving_plates import DIGITS, LETTERS, plate_picture, plate_text
from small_models import build_onnx

from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Decode, Manifest, ModelFile, Network, Output
from edgelens.runtime.preprocess import PixelContract, TensorContract

__all__ = ["ALPHABET", "make_plate_reader"]

ALPHABET = LETTERS + DIGITS
HIGH, WIDE, SLOTS, WINDOW, HIDDEN = 32, 128, 6, 16, 900  # half the window's width at half size is 8
SHARPNESS = 9.0  # what least squares' answers are multiplied by before they are probabilities
PLACES = [round((20 + (i + 0.5) * (403 - 40) / SLOTS) / 403 * WIDE / 2) for i in range(SLOTS)]


def make_plate_reader(path: Path, count: int = 2500) -> Bundle:
    """A bundle that reads plates, as sure as its answers stand out; blanks stand between the six characters."""
    contract = PixelContract(HIGH, WIDE, resize="stretch")
    file = ModelFile("models/reader.onnx", "onnxruntime", "float32", TensorContract("image"))
    options = {"alphabet": list(ALPHABET), "blank": "first", "probabilities": True}
    decode = Decode("ctc", threshold=0.2, options=options)
    network = Network("read", ("text",), contract, (Output("scores", (2 * SLOTS, len(ALPHABET) + 1)),), decode, (file,))
    entries = {file.path: _model(*_fitted(count)), "card.json": b"{}\n"}
    return write_bundle(path, Manifest("plate-reader", {"main": network}), entries)


def _windows(images: np.ndarray) -> np.ndarray:
    """(N, 6, 16 x 16) of gray pictures (N, 32, 128) at half size: each character's window, its contrast made equal."""
    half = images.reshape(len(images), HIGH // 2, 2, WIDE // 2, 2).mean(axis=(2, 4)).reshape(len(images), -1)
    windows = half[:, _gathered()]
    windows = windows - windows.mean(axis=-1, keepdims=True)
    return windows / (np.sqrt((windows**2).mean(axis=-1, keepdims=True)) + 1)


def _gathered() -> np.ndarray:
    """(6, 256) where each window's pixels are among those of the picture at half size."""
    rows = np.arange(HIGH // 2)[:, None] * (WIDE // 2)
    columns = [np.clip(np.arange(WINDOW) + place - WINDOW // 2, 0, WIDE // 2 - 1) for place in PLACES]
    return np.stack([(rows + column).reshape(-1) for column in columns])


def _fitted(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The hidden layer's weights, at random, and those of the answers."""
    random = np.random.RandomState(77)
    images, wanted = [], []
    for _ in range(count):
        text = plate_text(random)
        picture = cv2.resize(plate_picture(text, random.uniform(7, 20), random), (WIDE, HIGH))
        images.append(picture.mean(axis=2))
        wanted.append([ALPHABET.index(character) for character in text])
    rows = _windows(np.array(images, np.float32)).reshape(count * SLOTS, -1)
    hidden = random.normal(0, 1 / np.sqrt(rows.shape[1]), (rows.shape[1] + 1, HIDDEN)).astype(np.float32)
    made = np.concatenate([np.maximum(rows @ hidden[1:] + hidden[0], 0), np.ones((len(rows), 1), np.float32)], axis=1)
    made, targets = made.reshape(count, SLOTS, -1), np.eye(len(ALPHABET), dtype=np.float32)[np.array(wanted)]
    letters, digits = (_least_squares(made[:, part], targets[:, part]) for part in (slice(0, 2), slice(2, None)))
    return hidden, np.stack([letters, letters, digits, digits, digits, digits])


def _least_squares(made: np.ndarray, targets: np.ndarray) -> np.ndarray:
    rows, wanted = made.reshape(-1, made.shape[-1]).astype(np.float64), targets.reshape(-1, targets.shape[-1])
    gram = rows.T @ rows
    weights = np.linalg.solve(gram + 1e-4 * np.trace(gram) / len(gram) * np.eye(len(gram)), rows.T @ wanted)
    weights[-1, ~wanted.any(axis=0)] = -10  # what never stands there
    return weights


def _model(hidden: np.ndarray, answers: np.ndarray) -> bytes:
    blank = np.zeros((1, SLOTS, 1, len(ALPHABET) + 1), np.float32)
    blank[..., 0] = 1
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=1),
        helper.make_node("ReduceMean", ["float"], ["gray"], axes=[3], keepdims=0),
        helper.make_node("Unsqueeze", ["gray", "one"], ["plane"]),
        helper.make_node("AveragePool", ["plane"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["half", "flat"], ["pixels"]),
        helper.make_node("Gather", ["pixels", "where"], ["windows"], axis=1),
        helper.make_node("ReduceMean", ["windows"], ["mean"], axes=[2], keepdims=1),
        helper.make_node("Sub", ["windows", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "centred"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["variance"], axes=[2], keepdims=1),
        helper.make_node("Sqrt", ["variance"], ["spread"]),
        helper.make_node("Add", ["spread", "unit"], ["scale"]),
        helper.make_node("Div", ["centred", "scale"], ["equal"]),
        helper.make_node("MatMul", ["equal", "w1"], ["p1"]),
        helper.make_node("Add", ["p1", "b1"], ["s1"]),
        helper.make_node("Relu", ["s1"], ["made"]),
        helper.make_node("Reshape", ["made", "apart"], ["each"]),
        helper.make_node("MatMul", ["each", "w2"], ["p2"]),
        helper.make_node("Add", ["p2", "b2"], ["s2"]),
        helper.make_node("Reshape", ["s2", "together"], ["answers"]),
        helper.make_node("Softmax", ["answers"], ["characters"], axis=-1),
        helper.make_node("Pad", ["characters", "before"], ["padded"]),
        helper.make_node("Unsqueeze", ["padded", "two"], ["rows"]),
        helper.make_node("Concat", ["rows", "blanks"], ["pairs"], axis=2),
        helper.make_node("Reshape", ["pairs", "steps"], ["scores"]),
    ]
    return build_onnx(
        nodes,
        {"image": ("uint8", [1, HIGH, WIDE, 3])},
        {"scores": ("float32", [1, 2 * SLOTS, len(ALPHABET) + 1])},
        {
            "one": np.array([1], np.int64), "two": np.array([2], np.int64), "flat": np.array([1, -1], np.int64),
            "where": _gathered().astype(np.int64), "unit": np.array([1], np.float32),
            "w1": hidden[1:].astype(np.float32), "b1": hidden[0].astype(np.float32),
            "w2": (SHARPNESS * answers[:, :-1]).astype(np.float32),
            "b2": (SHARPNESS * answers[:, -1:]).astype(np.float32),
            "apart": np.array([SLOTS, 1, -1], np.int64), "together": np.array([1, SLOTS, -1], np.int64),
            "before": np.array([0, 0, 1, 0, 0, 0], np.int64), "blanks": blank,
            "steps": np.array([1, 2 * SLOTS, len(ALPHABET) + 1], np.int64),
        },
    )  # fmt: skip
