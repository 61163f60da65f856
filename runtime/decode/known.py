"""What a network knows, beside its classes: features of pictures that it learned, and how strange others are.

A network is sure of pictures that it has never seen the like of. So a picture is known where its best class's score
and its nearness to learned pictures, each held against what right answers had, together are usual.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError
from ..preprocess import Placement
from ..recognitions import UNKNOWN_ID, Recognitions
from .classify import FAMILIAR
from .protocol import Decoder

__all__ = [
    "FEATURES",
    "NEIGHBOURS",
    "Known",
    "as_unknown",
    "entry_of",
    "known_from",
    "known_to_bytes",
    "with_known",
]

FEATURES = "features"  # the network's output that is compared
NEIGHBOURS = 5
_MOST_BYTES = 64 * 1024 * 1024
_OPPOSITE = 2.0  # one less the least cosine


def entry_of(role: str) -> str:
    """Where a bundle keeps what one of its networks knows."""
    return f"ext/known/{role}.npz"


@dataclass(frozen=True)
class Known:
    """Learned pictures' features, and the signs of right answers to pictures that were not learned."""

    bank: NDArray[np.float32]  # (N, K) of length 1
    scores: NDArray[np.float32]  # (S,) of right answers, rising
    distances: NDArray[np.float32]  # (D,) of the same, falling: the strangest first
    limit: float  # on how unusual both together may be
    tail: float | None = None  # distance beyond the strangest over which the chance falls to 1/e; None: to no less

    def familiarity(self, features: NDArray[Any], score: float) -> float:
        """1 and more for a known picture, down to 0: the limit over how unusual its two signs are."""
        return float(self.limit / max(self.unusual(features, score), 1e-9))

    def unusual(self, features: NDArray[Any], score: float) -> float:
        """How seldom right answers have so low a score and so great a distance; both chances as one sum of logs."""
        return self.unusual_of(score, self.distance(features))

    def unusual_of(self, score: float, distance: float) -> float:
        """The same of a distance that is known."""
        return -_log_chance(self.scores, score) - _log_chance(-self.distances, -distance, self.tail)

    def distance(self, features: NDArray[Any]) -> float:
        """One less the mean cosine with the nearest learned pictures; of what is no number the greatest there is."""
        row = np.asarray(features, np.float32).reshape(-1)
        if not np.isfinite(row).all():
            return _OPPOSITE
        near = self.bank @ (row / max(float(np.linalg.norm(row)), 1e-9))
        count = min(NEIGHBOURS, len(near))
        return float(1 - np.partition(near, len(near) - count)[len(near) - count :].mean())


def with_known(decode: Decoder, known: Known, *, by_label: bool) -> Decoder:
    """A classifier's decoder whose answers are unknown where score and distance together are unusual.

    The model's own threshold is for older kits, which know scores alone; thresholds of labels hold (`by_label`). One
    that is asked for a picture decides alone.
    """
    own = None if by_label else 0.0

    def decoded(
        outputs: Mapping[str, NDArray[Any]], placement: Placement, threshold: float | None = None
    ) -> Recognitions:
        seen = decode(outputs, placement, own if threshold is None else threshold)
        if threshold is not None or not len(seen):
            return seen
        usual = known.familiarity(outputs[FEATURES], float(seen.scores[0]))
        seen = replace(seen, maps={**seen.maps, FAMILIAR: np.array([usual], np.float32)})
        return as_unknown(seen) if usual < 1 else seen

    return decoded


def as_unknown(seen: Recognitions) -> Recognitions:
    """One row's answer as unknown: its best class is then the first rival."""
    if int(seen.ids[0]) == UNKNOWN_ID or seen.rivals is None or seen.rival_scores is None:
        return seen
    return replace(
        seen,
        ids=np.array([UNKNOWN_ID], np.int32),
        rivals=np.concatenate([seen.ids[None], seen.rivals], axis=1)[:, : seen.rivals.shape[1] + 1],
        rival_scores=np.concatenate([seen.scores[None], seen.rival_scores], axis=1)[:, : seen.rivals.shape[1] + 1],
    )


def known_to_bytes(known: Known) -> bytes:
    """As a bundle keeps it: every row in 8 bits of its own largest number, which moves no distance by a thousandth."""
    largest = np.abs(known.bank).max(axis=1, keepdims=True)
    arrays: dict[str, Any] = {
        "bank": np.rint(known.bank / np.maximum(largest, 1e-9) * 127).astype(np.int8),
        "scores": known.scores,
        "distances": known.distances,
        "limit": np.float32(known.limit),
    }
    if known.tail is not None:
        arrays["tail"] = np.float32(known.tail)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def known_from(data: bytes, where: str, width: int | None = None) -> Known:
    """The same from a bundle's entry; what does not fit a network of `width` features is refused."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise BundleError(f"{where}: holds more than {_MOST_BYTES >> 20} MB")
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            bank, scores, distances = (np.asarray(stored[n], np.float32) for n in ("bank", "scores", "distances"))
            limit, tail = float(stored["limit"]), float(stored["tail"]) if "tail" in stored else None
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError,
            RuntimeError) as error:  # fmt: skip
        raise BundleError(f"{where}: is no set of known features or is damaged ({str(error)[:80]})") from None
    shaped = bank.ndim == 2 and len(bank) and width in (None, bank.shape[1]) and scores.ndim == distances.ndim == 1
    if not shaped or not len(scores) or not len(distances) or not np.isfinite(limit) or limit <= 0:
        raise BundleError(f"{where}: its known features do not fit the network's output of {width}")
    if tail is not None and not 0 < tail < np.inf:
        raise BundleError(f"{where}: the tail of its distances must be above 0, is {tail:g}")
    if not all(np.isfinite(values).all() for values in (bank, scores, distances)):
        raise BundleError(f"{where}: its known features hold NaN or infinity")
    lengths = np.linalg.norm(bank, axis=1, keepdims=True)
    return Known(bank / np.maximum(lengths, 1e-9), np.sort(scores), -np.sort(-distances), limit, tail)


def _log_chance(rising: NDArray[np.float32], value: float, tail: float | None = None) -> float:
    """The log of the share of values that are no greater, none certain or impossible: half a one is added.

    Below the least of few values that share alone could not tell a little from a lot: with a `tail` it falls on.
    """
    held = np.float32(value) if tail is None else max(np.float32(value), rising[0])
    share = (np.searchsorted(rising, held, side="right") + 0.5) / (len(rising) + 1)
    return float(np.log(share)) - (0.0 if tail is None else float(held - np.float32(value)) / tail)
