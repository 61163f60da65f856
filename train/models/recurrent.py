"""Recurrent networks that read a picture row by row, top to bottom."""

from __future__ import annotations

from torch import Tensor, nn

from .options import ModelOptions, Shape, wider

__all__ = ["Gru", "Lstm", "Rnn"]


class _Recurrent(nn.Module):
    """`depth` recurrent layers (1 unless said) of `dense` units (128); the last row's state is classified."""

    cell: type[nn.RNN | nn.GRU | nn.LSTM]

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        units = wider(options.dense or 128, options.width)
        self.rows = self.cell(shape.channels * shape.width, units, options.depth or 1, batch_first=True)
        self.dropout = nn.Dropout(options.dropout or 0.0)
        self.classifier = nn.Linear(units, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The state after every row, (B, H, units)."""
        rows = x.permute(0, 2, 1, 3).flatten(2)  # (B, H, C · W)
        states: Tensor = self.rows(rows)[0]
        return states

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of pictures (B, C, H, W)."""
        logits: Tensor = self.classifier(self.dropout(self.forward_features(x)[:, -1]))
        return logits


class Rnn(_Recurrent):
    """Elman's network: one tanh a step; forgets early."""

    cell = nn.RNN


class Gru(_Recurrent):
    """Gated recurrent units (Cho et al., 2014)."""

    cell = nn.GRU


class Lstm(_Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber, 1997)."""

    cell = nn.LSTM
