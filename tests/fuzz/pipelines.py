"""Bundles of several steps that join in every odd way, and what is cropped of boxes that networks may say."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgelens.runtime.bundle.manifest import MOST_STEPS, Step
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.model.crops import MOST_CROPS, crops_of
from edgelens.runtime.model.open import _BUILTIN, open_model
from edgelens.runtime.preprocess import PixelContract
from edgelens.runtime.recognitions import Recognitions

from .bundles import MANIFEST, ODD, looked_at
from .fuzzer import Attempt, Fuzzer

__all__ = ["FUZZER"]

NUMBERS = (0.0, 1.0, -5.0, 30.0, 79.5, 1e4, 1e6, 1e30, -1e30, 3e38, float("nan"), float("inf"), -float("inf"))
KEYS = ("input", "network", "region", "align", "output", "margin", "classes", "every")


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """A built-in with steps behind its own."""
    with zipfile.ZipFile(_BUILTIN / "digits.edge") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    path = folder / "odd.edge"

    def attempt(chance: random.Random) -> None:
        if chance.random() < 0.5:
            _crop(chance)
            return
        path.write_bytes(_bundle(chance, entries))
        bundle = open_model(path, ModelArguments())
        manifest = bundle.manifest
        assert 1 <= len(manifest.steps) <= MOST_STEPS
        outputs = [step.output for step in manifest.steps]
        assert all(s.region is None or s.region in outputs[:i] for i, s in enumerate(manifest.steps)), "a circle"
        json.dumps([manifest.format, manifest.labels])
        looked_at(bundle)

    yield attempt


def _bundle(chance: random.Random, entries: dict[str, bytes]) -> bytes:
    manifest = json.loads(entries[MANIFEST])
    manifest["format"] = chance.choice(("2.0", "2.1", "2.9", "1.1", "3.0"))
    first = manifest["steps"][0] | {"output": "first"}
    count = chance.choice((1, 2, 2, 3, 16, 17, 3000))
    steps = [first] + [first | {"region": f"s{i - 1}" if i else "first", "output": f"s{i}"} for i in range(count - 1)]
    for _ in range(chance.choice((0, 1, 1, 2))):
        step = chance.choice(steps)
        step[chance.choice(KEYS)] = copy.deepcopy(chance.choice((*ODD, "first", "s0", "s1", "keypoints", "track")))
    if chance.random() < 0.2:
        chance.shuffle(steps)
    if chance.random() < 0.3:
        role = chance.choice(("../up", "second", "a" * 5000, "", "\x1b[2J"))
        manifest["networks"][role] = copy.deepcopy(next(iter(manifest["networks"].values())))
    if chance.random() < 0.3:
        next(iter(manifest["networks"].values()))["feature_space"] = chance.choice(ODD)
    manifest["steps"] = steps
    manifest["entries"] = {name: hashlib.sha256(data).hexdigest() for name, data in entries.items() if name != MANIFEST}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (entries | {MANIFEST: json.dumps(manifest).encode("utf-8", "surrogatepass")}).items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _crop(chance: random.Random) -> None:
    count = chance.choice((0, 1, 2, 5, 3000))
    odd = lambda *shape: np.array(chance.choices(NUMBERS, k=int(np.prod(shape))), np.float32).reshape(shape)  # noqa: E731
    points = odd(count, chance.choice((1, 2, 4)), 3) if chance.random() < 0.7 else None
    found = Recognitions(
        ("a", "b"), np.zeros(count, int), np.linspace(0, 1, count), boxes=odd(count, 4), keypoints=points
    )
    if count and np.isnan(found.places).all():
        return
    align = chance.choice((None, "keypoints", "corners"))
    step = Step(region="first", align=align, margin=chance.choice((0.0, 0.5, 4.0)), classes=chance.choice(((), ("a",))))
    crops = crops_of(np.zeros((60, 80, 3), np.uint8), found, step, PixelContract(16, 24))
    assert len(crops) <= MOST_CROPS
    assert all(crop.pixels.shape == (16, 24, 3) for crop in crops)
    for crop in crops[:20]:
        crop.in_frame(Recognitions(("c",), [0], [0.5], boxes=crop.placement.to_frame(np.array([[1, 1, 9, 9]]))))


FUZZER = Fuzzer(opened)
