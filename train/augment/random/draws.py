"""Random numbers that belong to a sample, not to a generator's state: a hash of (seed, epoch, sample, stream, counter).

A sample is augmented the same way whatever batch, process or resumed run it appears in.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Draws"]

_GOLDEN = -7046029254386353131  # splitmix64's constants, as the signed integers that torch multiplies modulo 2^64
_MIX_A = -4658895280553007687
_MIX_B = -7723592293110705685


@dataclass(frozen=True)
class Draws:
    """The random numbers of a batch's samples; a stream is a name, so that techniques never share numbers."""

    keys: Tensor  # (B,) int64, one hash a sample

    @classmethod
    def of(cls, seed: int, epoch: int, samples: Tensor) -> Draws:
        """The draws of these samples (B,), by their index in the data set, in one epoch of one seed."""
        run = _mixed(_mixed(_constant(seed, samples)) ^ _mixed(_constant(epoch, samples) + _GOLDEN))
        return cls(_mixed(run + samples.to(torch.int64) * _GOLDEN))

    def __len__(self) -> int:
        return len(self.keys)

    def rows(self, rows: Tensor) -> Draws:
        """The draws of some of the samples."""
        return Draws(self.keys[rows])

    def uniform(self, stream: str, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(B,) float32 in [low, high)."""
        return self._fractions(stream, 1)[:, 0] * (high - low) + low

    def uniforms(self, stream: str, count: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(B, count) float32 in [low, high)."""
        return self._fractions(stream, count) * (high - low) + low

    def integers(self, stream: str, count: int, below: int) -> Tensor:
        """(B, count) int64 in 0 … below - 1."""
        return (self._fractions(stream, count) * below).to(torch.int64).clamp_(max=below - 1)

    def chosen(self, stream: str, probability: float) -> Tensor:
        """(B,) bool: True for this share of the samples."""
        return self.uniform(stream) < probability

    def normals(self, stream: str, count: int) -> Tensor:
        """(B, count) standard normal float32, four numbers a hash: 16 bits are plenty for noise."""
        bits = self._hashes(stream, (count + 3) // 4).view(torch.int16)[:, :count]
        return torch.erfinv((bits.to(torch.float32) + 0.5) / 32768.0) * math.sqrt(2.0)

    def _fractions(self, stream: str, count: int) -> Tensor:
        top_bits = (self._hashes(stream, count) >> 40) & 0xFFFFFF  # a float32 holds 24 bits
        return top_bits.to(torch.float32) * 2.0**-24

    def _hashes(self, stream: str, count: int) -> Tensor:
        start = _mixed(self.keys ^ (zlib.crc32(stream.encode()) * 0x9E3779B1))
        steps = torch.arange(1, count + 1, device=self.keys.device) * _GOLDEN
        return _mixed(start[:, None] + steps)


def _constant(value: int, like: Tensor) -> Tensor:
    wrapped = (value + 2**63) % 2**64 - 2**63
    return torch.tensor(wrapped, dtype=torch.int64, device=like.device)


def _mixed(z: Tensor) -> Tensor:
    """splitmix64's finalizer; the masks make torch's arithmetic shifts logical ones."""
    z = (z ^ ((z >> 30) & (2**34 - 1))) * _MIX_A
    z = (z ^ ((z >> 27) & (2**37 - 1))) * _MIX_B
    return z ^ ((z >> 31) & (2**33 - 1))
