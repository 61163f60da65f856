"""Logistic regression on standardised features, its strength chosen by cross-validation: a head in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["STRENGTHS", "Regression", "regress"]

# what a unit of squared weight costs against a picture's cross-entropy, from strong to weak (1 / scikit-learn's C)
STRENGTHS = (3000.0, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0)
_CHOOSING = 4000  # rows that choose the strength; more choose the same
_SMALL = 2**24  # numbers up to which two threads wait for each other longer than they compute
_BLOCK = 4096  # rows that are turned at once
_ITERATIONS = 100
_LEAST_SPREAD = 1e-6  # of a feature that says nothing
_LEAST_SHARE = 1e-10  # of the largest direction's square: what is below is rounding

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Regression:
    """A linear layer for plain features, and what it answers to rows that it has not seen."""

    weight: Floats  # (C, F)
    bias: Floats  # (C,)
    strength: float
    out_of_fold: Floats  # (N, C) logits, each row's of a layer that was fitted without the row's fold
    losses: dict[float, float]  # mean cross-entropy out of fold, by strength, of the rows that chose it


def regress(
    features: Floats,
    labels: NDArray[np.int64],
    classes: int,
    *,
    fold_of: NDArray[np.intp],
    weights: NDArray[np.float32] | None = None,
) -> Regression:
    """Fit a layer to features (N, F) and class ids (N,); rows of one `fold_of` (N,) are kept on one side.

    `weights` (C,) say how much a picture of each class counts.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if features.size <= _SMALL else threads)
    try:
        return _regressed(features, labels, classes, fold_of, weights)
    finally:
        torch.set_num_threads(threads)


def _regressed(
    features: Floats,
    labels: NDArray[np.int64],
    classes: int,
    fold_of: NDArray[np.intp],
    weights: NDArray[np.float32] | None,
) -> Regression:
    plain, y = torch.from_numpy(features).double(), torch.from_numpy(labels)
    mean, spread = plain.mean(0), plain.std(0, correction=0).clamp(min=_LEAST_SPREAD)
    x, back = _turned(plain.sub_(mean).div_(spread))
    each = torch.ones(len(y)) if weights is None else torch.from_numpy(weights)[y].float()
    rows = _Rows(x, y, each, torch.from_numpy(fold_of), classes)
    few = rows.some(_CHOOSING)
    answers = few.out_of_fold(STRENGTHS)
    losses = {strength: few.loss_of(logits) for strength, logits in answers.items()}
    best = min(STRENGTHS, key=losses.__getitem__)
    out_of_fold = answers[best] if few is rows else rows.out_of_fold([best])[best]
    layer = None
    for strength in STRENGTHS[: STRENGTHS.index(best) + 1] if few is rows else [best]:
        layer = rows.layer(strength, layer)
    assert layer is not None
    weight = (back @ layer[:-1].double()).T / spread
    bias = layer[-1].double() - weight @ mean
    return Regression(weight.float().numpy(), bias.float().numpy(), best, out_of_fold.numpy(), losses)


@dataclass(frozen=True)
class _Rows:
    """What a layer is fitted to."""

    x: Tensor  # (N, R + 1)
    y: Tensor  # (N,)
    each: Tensor  # (N,) how much a row counts
    fold: Tensor  # (N,)
    classes: int

    def some(self, most: int) -> _Rows:
        """So many of them, drawn evenly; all where there are no more."""
        if len(self.y) <= most:
            return self
        drawn = torch.randperm(len(self.y), generator=torch.Generator().manual_seed(0))[:most]
        return self.of(drawn)

    def of(self, which: Tensor) -> _Rows:
        """Those."""
        return _Rows(self.x[which], self.y[which], self.each[which], self.fold[which], self.classes)

    def out_of_fold(self, strengths: Sequence[float]) -> dict[float, Tensor]:
        """Every row's logits by a layer that was fitted without its fold, for each strength."""
        answers = {strength: torch.zeros(len(self.y), self.classes) for strength in strengths}
        for fold in sorted(set(self.fold.tolist())):
            held = self.fold == fold
            others, layer = self.of(~held), None
            for strength in strengths:  # each from where the stronger one ended
                layer = others.layer(strength, layer)
                answers[strength][held] = self.x[held] @ layer
        return answers

    def loss_of(self, logits: Tensor) -> float:
        """The mean cross-entropy, each row as much as it counts."""
        return float((F.cross_entropy(logits, self.y, reduction="none") * self.each).mean())

    def layer(self, strength: float, start: Tensor | None) -> Tensor:
        """The layer of a strength, sought from another."""
        return _fit(self.x, self.y, self.each, self.classes, strength, start)


def _turned(x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (N, F) along their principal directions and a one for the bias, (N, R + 1), and the way back, (F, R).

    Squared weights cost the same there, 100 photos need 100 columns in place of 1,280, and no column leans on another.
    """
    wide = len(x) < x.shape[1]
    squares, directions = torch.linalg.eigh(x @ x.T if wide else x.T @ x)
    kept = squares > squares.max() * _LEAST_SHARE
    squares, directions = squares[kept], directions[:, kept]
    back = (x.T @ directions) / squares.sqrt() if wide else directions
    turned = torch.ones(len(x), back.shape[1] + 1)
    for start in range(0, len(x), _BLOCK):  # double rows of all take gigabytes
        rows = slice(start, start + _BLOCK)
        turned[rows, :-1] = (x[rows] @ back).float()
    return turned, back


def _fit(x: Tensor, y: Tensor, each: Tensor, classes: int, strength: float, start: Tensor | None) -> Tensor:
    """Weights and, as the last row, the bias, (R + 1, C), of the smallest summed cross-entropy with L2.

    Columns are scaled so that the loss bends alike along all of them: a tenth of the steps.
    """
    cost = torch.full((x.shape[1], 1), strength)
    cost[-1] = 0
    bends = (x.square() * each[:, None]).sum(0)[:, None] * (classes - 1) / classes**2
    scale = (cost + bends).clamp(min=_LEAST_SPREAD).rsqrt()
    scaled = torch.zeros(x.shape[1], classes) if start is None else start / scale
    scaled.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [scaled], max_iter=_ITERATIONS, history_size=10, tolerance_grad=1e-3, tolerance_change=1e-5,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Tensor:
        optimizer.zero_grad()
        layer = scaled * scale
        loss = (F.cross_entropy(x @ layer, y, reduction="none") * each).sum() + (cost * layer.square()).sum() / 2
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return (scaled * scale).detach()
