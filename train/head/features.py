"""What a frozen trunk makes of pictures: one row each, computed once and kept by content, weights and size."""

from __future__ import annotations

import hashlib
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.runtime.host.files import replacing

from ..augment import normalised
from ..data.prune import mark_used

__all__ = ["Embeds", "features_of", "trunk_key"]

_BATCH, _PIXELS = 32, 2**19  # pictures at once, of large ones fewer: what stays in the caches is twice as fast
_SAVED_EVERY_S = 20.0  # what a stopped run has looked at so far is not looked at again
_DIGEST = 16  # bytes
_ROWS = b"2"  # counted on when a network's `embedding` changes: what caches hold is then of another kind

Rows = NDArray[np.float32]  # (N, F)


class Embeds(Protocol):
    """A network that says what its classifier looks at."""

    def embedding(self, x: Tensor) -> Tensor:
        """One row of (B, F) a picture of (B, C, H, W)."""


class InParts(Protocol):
    """Pictures (N, H, W, C) uint8 that can be taken some at a time."""

    def __len__(self) -> int:
        """N."""

    def take(self, rows: Any) -> NDArray[np.uint8]:
        """Some of them."""


def features_of(
    network: nn.Module,
    pictures: InParts,
    cache: Path,
    *,
    key: str,
    seen: Callable[[int, int], None] = lambda _done, _of: None,
) -> Rows:
    """Each picture's row of `network.embedding`, (N, F) float32; `seen` hears how many of how many were looked at.

    `key` names the network's weights (`trunk_key`); what the cache holds of them is not computed again.
    """
    file = cache / f"features-{key}.npz"
    known = _recall(file)
    digests = [_digest(picture) for chunk in _chunks(pictures) for picture in chunk]
    if digests and digests[0] in known and not _is_of(network, pictures.take(slice(0, 1)), known[digests[0]]):
        known = {}
    missing = np.array([i for i, digest in enumerate(digests) if digest not in known], np.intp)
    saved = time.monotonic()
    batch = max(1, min(_BATCH, _PIXELS // max(1, pictures.take(slice(0, 1))[0, ..., 0].size))) if len(missing) else 1
    for start in range(0, len(missing), batch):
        rows = missing[start : start + batch]
        for i, row in zip(rows.tolist(), _embedded(network, pictures.take(rows)), strict=True):
            known[digests[i]] = row
        seen(start + len(rows), len(missing))
        if time.monotonic() - saved > _SAVED_EVERY_S:
            _remember(file, known)
            saved = time.monotonic()
    if len(missing):
        _remember(file, known)
    mark_used(file)
    return np.stack([known[digest] for digest in digests]) if digests else np.empty((0, 0), np.float32)


def trunk_key(network: nn.Module, heads: tuple[str, ...] = ("classifier",)) -> str:
    """A name for a network's weights without its heads, equal where they and the rows that heads look at are equal."""
    seen = hashlib.sha256(_ROWS)
    for name, tensor in network.state_dict().items():
        seen.update(f"{name} {tuple(tensor.shape[1:])}".encode())
        if name.split(".")[0] not in heads and not name.endswith("num_batches_tracked"):
            seen.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return seen.hexdigest()[:16]


@torch.inference_mode()
def _embedded(network: nn.Module, pictures: NDArray[np.uint8]) -> Rows:
    device = next(network.parameters()).device
    inputs = normalised(torch.from_numpy(pictures).permute(0, 3, 1, 2).to(device))
    inputs = inputs.contiguous(memory_format=torch.channels_last)  # a third faster, where nothing is learnt
    rows: Tensor = network.embedding(inputs)  # type: ignore[operator]
    return rows.float().cpu().numpy()


def _is_of(network: nn.Module, picture: NDArray[np.uint8], row: NDArray[np.float32]) -> bool:
    """Whether the network makes such a row of a picture: a cache is a file, and may be another's by that name."""
    own = _embedded(network, picture)[0]
    return own.shape == row.shape and bool(np.allclose(own, row, rtol=0.1, atol=0.05 * float(np.abs(own).max())))


def _chunks(pictures: InParts) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(pictures), 256):
        yield pictures.take(slice(start, start + 256))


def _digest(picture: NDArray[np.uint8]) -> bytes:
    shape = f"{picture.shape}".encode()
    return hashlib.blake2b(shape + picture.tobytes(), digest_size=_DIGEST).digest()


def _recall(file: Path) -> dict[bytes, NDArray[np.float32]]:
    """What was kept; a damaged file counts as empty, and so does what is no row of numbers a picture."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            digests, rows = kept["digests"], kept["rows"]
    except (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
        return {}
    shaped = rows.dtype == np.float32 and rows.ndim == 2 and digests.dtype == np.uint8
    if not shaped or digests.shape != (len(rows), _DIGEST) or not np.isfinite(rows).all():
        return {}
    return {digest.tobytes(): row for digest, row in zip(digests, rows, strict=True)}


def _remember(file: Path, known: Mapping[bytes, NDArray[np.float32]]) -> None:
    digests = np.frombuffer(b"".join(known), np.uint8).reshape(-1, _DIGEST)
    with replacing(file) as stream:
        np.savez(stream, digests=digests, rows=np.stack(list(known.values())))
