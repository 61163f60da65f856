"""A small vision transformer: patches, self-attention, and additive attention pooling over the patches."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import activation
from .options import Activation, ModelOptions, Shape, wider

__all__ = ["AttentionPooling", "SelfAttention", "VitTiny"]

_HEAD = 16  # numbers a head


class SelfAttention(nn.Module):
    """Every patch asks every patch; heads of a fixed width, so that whole heads can be pruned."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.head_dim = _HEAD
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        q, k, v = (self._heads(project(x)) for project in (self.query, self.key, self.value))
        mixed = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def weights(self, x: Tensor) -> Tensor:
        """How much every patch looks at every other, (B, heads, N, N); rows sum to one."""
        q, k = self._heads(self.query(x)), self._heads(self.key(x))
        return torch.softmax(q @ k.transpose(-2, -1) / self.head_dim**0.5, -1)

    def _heads(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, heads, N, head_dim)."""
        return x.reshape(x.shape[0], x.shape[1], -1, self.head_dim).transpose(1, 2)


class Block(nn.Module):
    """Self-attention and a two-layer network for every patch, each normalised before and added to what came in."""

    def __init__(self, dim: int, act: Activation | None, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = SelfAttention(dim)
        self.expand, self.act, self.shrink = nn.Linear(dim, 2 * dim), activation(act, "gelu"), nn.Linear(2 * dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, N, dim)."""
        x = x + self.dropout(self.attention(self.norm1(x)))
        out: Tensor = x + self.dropout(self.shrink(self.act(self.expand(self.norm2(x)))))
        return out


class AttentionPooling(nn.Module):
    """The patches' weighted mean with weights a = softmax(vᵀ tanh(W x + b)) (Bahdanau et al., 2014)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(dim, dim)
        self.score = nn.Linear(dim, 1, bias=False)

    def weights(self, x: Tensor) -> Tensor:
        """(B, N, 1), which sum to one over the patches."""
        return torch.softmax(self.score(torch.tanh(self.hidden(x))), 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, dim) → (B, dim)."""
        return (self.weights(x) * x).sum(1)


class VitTiny(nn.Module):
    """`depth` blocks (4 unless said) on 64 numbers a patch; about 49 patches cover the picture."""

    def __init__(self, options: ModelOptions, shape: Shape) -> None:
        super().__init__()
        dim = wider(64, options.width, _HEAD)
        patch = _patch_side(min(shape.height, shape.width))
        patches = (shape.height // patch) * (shape.width // patch)
        self.patches = nn.Conv2d(shape.channels, dim, patch, patch)
        self.position = nn.Parameter(torch.randn(1, patches, dim) * 0.02)
        depth, dropout = options.depth or 4, options.dropout or 0.0
        self.blocks = nn.Sequential(*[Block(dim, options.activation, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.pool = AttentionPooling(dim)
        self.classifier = nn.Linear(dim, shape.classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """The patches after the last block, (B, N, dim)."""
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.position
        features: Tensor = self.norm(self.blocks(tokens))
        return features

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of pictures (B, C, H, W)."""
        logits: Tensor = self.classifier(self.pool(self.forward_features(x)))
        return logits


def _patch_side(side: int) -> int:
    """A patch that covers about a seventh of a side, without a rest where that is near."""
    near = side / 7
    without_rest = [p for p in range(1, side + 1) if side % p == 0 and near / 1.5 <= p <= near * 1.5]
    return min(without_rest, key=lambda p: abs(p - near)) if without_rest else max(1, round(near))
