"""A teacher sees the student's very pictures, in its own size and colour."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from edgelens.runtime.preprocess import Color, PixelContract
from edgelens.train.start.distill import Distillation


class Seen(nn.Module):
    """Remembers what it was shown."""

    def forward(self, x: Tensor) -> Tensor:
        self.inputs = x
        return x.mean((1, 2, 3))


@pytest.mark.parametrize(("channels", "color", "side"), [(3, "rgb", 64), (1, "rgb", 16), (3, "gray", 32)])
def test_other_sizes_and_colours(channels: int, color: Color, side: int) -> None:
    teacher = Seen()
    pictures = torch.rand(2, channels, 32, 32)
    wanted = PixelContract(side, side, color, "crop")
    shown = Distillation(teacher, wanted)._as_it_sees(pictures)
    assert shown.shape == (2, wanted.channels, side, side)
    assert torch.allclose(shown.mean(), pictures.mean(), atol=0.02)


def test_the_same_picture_goes_through_as_it_is() -> None:
    pictures = torch.rand(2, 3, 32, 32)
    assert Distillation(Seen(), PixelContract(32, 32, "rgb", "crop"))._as_it_sees(pictures) is pictures
