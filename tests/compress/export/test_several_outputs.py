"""Networks whose outputs are used inside, joined, given as a mapping: both formats keep every one under its name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import file_outputs
from edgelens.compress.files.model_files import make_files
from edgelens.compress.network.answers import torch_outputs
from edgelens.compress.network.graph import trace
from edgelens.compress.network.tail import last_layers_and_pooling
from edgelens.runtime.errors import ModelError
from edgelens.runtime.metrics.signal import snr_db
from edgelens.runtime.preprocess import PixelContract

PIXELS = PixelContract(16, 16)


def block(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())


class Features(nn.Module):
    """A map that the next layer computes on in 8 bits is an output too."""

    names = ("map", "scores")

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = block(3, 16), block(16, 32), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.first(x)
        return features, self.head(self.second(features).mean((2, 3)))


class Embeds(nn.Module):
    """What the last layer takes is an output too; given by name, in another order."""

    names = ("scores", "embedding")

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.head = nn.Sequential(block(3, 16), block(16, 32)), nn.Linear(32, 5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        embedding = self.trunk(x).mean((2, 3))
        return {"embedding": embedding, "scores": self.head(embedding)}


class Joined(nn.Module):
    """Boxes and scores of two strides, joined, the scores through a sigmoid."""

    names = ("scores", "boxes")

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = block(3, 16), block(16, 32)
        self.scores = nn.ModuleList([nn.Conv2d(16, 2, 1), nn.Conv2d(32, 2, 1)])
        self.boxes = nn.ModuleList([nn.Conv2d(16, 4, 1), nn.Conv2d(32, 4, 1)])

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        near = self.first(x)
        maps = (near, self.second(near))

        def joined(heads: nn.ModuleList) -> Tensor:
            return torch.cat([head(m).flatten(2) for head, m in zip(heads, maps, strict=True)], 2)

        return {"boxes": joined(self.boxes) * 8, "scores": torch.sigmoid(joined(self.scores))}


class Attends(nn.Module):
    """No convolutional network: each format is calibrated by itself; the tokens are an output and the head's input."""

    names = ("scores", "tokens")

    def __init__(self) -> None:
        super().__init__()
        self.first, self.query, self.head = block(3, 16), nn.Linear(16, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        rows = self.first(x).flatten(2).transpose(1, 2)
        tokens = torch.relu(torch.softmax(self.query(rows) @ rows.transpose(1, 2), -1) @ rows)
        return {"tokens": tokens, "scores": self.head(tokens.mean(1))}


@pytest.mark.parametrize("kind", [Features, Embeds, Joined, Attends])
def test_every_output_is_there_in_both_formats(kind: Any, make_pictures: Any) -> None:
    torch.manual_seed(0)
    network, pictures = kind().eval(), make_pictures(PIXELS)
    config = CompressConfig(precisions=("float32", "int8"))
    files = make_files(network, PIXELS, pictures, config, outputs=kind.names, tail=last_layers_and_pooling)
    reference = torch_outputs(network, pictures[:6], kind.names)
    assert len(files.artifacts) == 4
    for artifact in files.artifacts:
        answers = file_outputs(artifact, pictures[:6])
        assert tuple(answers) == kind.names
        for name, wanted in reference.items():
            assert answers[name].shape == wanted.shape, (artifact.title, name)
            least = 90 if artifact.precision == "float32" else 20
            assert snr_db(wanted, answers[name]) > least, (artifact.title, name)


def test_one_tensor_under_two_names_is_refused_where_it_enters() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            there = self.head(x)
            return there, there

    with pytest.raises(ModelError, match="gives one tensor as two outputs, near and far"):
        trace(Twice(), PIXELS, ("near", "far"))
