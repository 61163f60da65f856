"""Features are computed once: found again by content, and not by a network whose weights are others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from edgelens.train.augment import normalised
from edgelens.train.data.pictures import StoredPictures
from edgelens.train.head.features import features_of, trunk_key
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions


@pytest.fixture
def pictures() -> StoredPictures:
    stored = np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), np.uint8)
    return StoredPictures(stored, np.arange(9))


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build("lens-s", ModelOptions(), channels=3, classes=2, size=(32, 32)).eval()


def test_they_are_what_the_classifier_looks_at(pictures: StoredPictures, tmp_path: Path) -> None:
    own = network()
    rows = features_of(own, pictures, tmp_path, key=trunk_key(own))
    inputs = normalised(torch.from_numpy(pictures.take(slice(None))).permute(0, 3, 1, 2))
    with torch.no_grad():
        assert np.allclose(own(inputs).numpy(), own.classifier(torch.from_numpy(rows)).numpy(), atol=1e-5)  # type: ignore[operator]


def test_a_picture_is_looked_at_once(pictures: StoredPictures, tmp_path: Path) -> None:
    own, seen = network(), list[int]()
    key = trunk_key(own)

    def hear(done: int, _of: int) -> None:
        seen.append(done)

    first = features_of(own, pictures, tmp_path, key=key, seen=hear)
    again = features_of(own, pictures.select(np.array([7, 2])), tmp_path, key=key, seen=hear)
    assert seen == [9]
    assert np.array_equal(again, first[[7, 2]])
    more = StoredPictures(
        np.concatenate([pictures.take(slice(None)), np.zeros((1, 32, 32, 3), np.uint8)]), np.arange(10)
    )
    features_of(own, more, tmp_path, key=key, seen=hear)
    assert seen == [9, 1]


def test_the_key_is_the_trunk_alone(tmp_path: Path) -> None:
    one, other = network(), network()
    torch.nn.init.zeros_(other.classifier.weight)  # type: ignore[union-attr, arg-type]
    assert trunk_key(one) == trunk_key(other)
    with torch.no_grad():
        next(other.parameters()).mul_(1.001)
    assert trunk_key(one) != trunk_key(other)


def test_a_spoilt_cache_is_made_again(pictures: StoredPictures, tmp_path: Path) -> None:
    own = network()
    key = trunk_key(own)
    first = features_of(own, pictures, tmp_path, key=key)
    file = next(tmp_path.glob("features-*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    assert np.array_equal(features_of(own, pictures, tmp_path, key=key), first)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda digests, rows: (digests, rows[:, :3]),
        lambda digests, rows: (digests, np.full_like(rows, np.nan)),
        lambda digests, rows: (digests, rows.astype("S8")),
        lambda digests, rows: (digests, rows * 100 + 7),
        lambda digests, rows: (digests[:, :4], rows),
        lambda digests, rows: (digests[0], rows[0]),
        lambda digests, rows: (digests, rows[:2]),
    ],
)
def test_a_cache_of_something_else_is_made_again(
    pictures: StoredPictures, tmp_path: Path, spoil: Callable[..., tuple[np.ndarray, np.ndarray]]
) -> None:
    own = network()
    key = trunk_key(own)
    first = features_of(own, pictures, tmp_path, key=key)
    file = next(tmp_path.glob("features-*.npz"))
    with np.load(file) as kept:
        digests, rows = spoil(kept["digests"], kept["rows"])
    np.savez(file, digests=digests, rows=rows)
    assert np.allclose(features_of(own, pictures, tmp_path, key=key), first)


def test_a_cache_that_could_execute_is_not_loaded(pictures: StoredPictures, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "executed",))

    own = network()
    key = trunk_key(own)
    np.savez(
        tmp_path / f"features-{key}.npz", digests=np.array([Payload()], object), rows=np.array([Payload()], object)
    )
    assert len(features_of(own, pictures, tmp_path, key=key)) == 9
    assert not (tmp_path / "executed").exists()
