"""8-bit ONNX of the kit sums exactly, also on x86 without VNNI, whose fast kernels saturate."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import Artifact
from edgelens.compress.files.model_files import make_files
from edgelens.compress.network.answers import torch_outputs
from edgelens.runtime.engines.catalog import open_engine
from edgelens.runtime.metrics.signal import snr_db
from edgelens.runtime.preprocess import PixelContract

PIXELS = PixelContract(24, 24)


class Loud(nn.Module):
    """Two layers of one width whose weights are all of one sign and as large as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        self.last = nn.Linear(16, 5)
        for layer in (self.first, self.second):
            nn.init.uniform_(layer.weight, 0.03, 0.04)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu6(self.second(nn.functional.relu6(self.first(x))))
        return self.last(x.mean((2, 3)))


class Tied(Loud):
    """The second one is used twice, so two layers read the same weights: onnxruntime does not start exactly then."""

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu6(self.first(x))
        x = nn.functional.relu6(self.second(nn.functional.relu6(self.second(x) - 3)))
        return self.last(x.mean((2, 3)))


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(180, 256, (24, 24, 24, 3), np.uint8)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return Loud().eval()


@pytest.fixture(scope="module")
def int8(network: nn.Module, pictures: NDArray[np.uint8]) -> Artifact:
    return eight_bits(network, pictures)


def eight_bits(network: nn.Module, pictures: NDArray[np.uint8]) -> Artifact:
    config = CompressConfig(formats=("onnx",), precisions=("int8",))
    return make_files(network, PIXELS, pictures, config, outputs=("logits",)).artifacts[0]


def answers(data: bytes, pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    with open_engine("onnxruntime", data) as engine:
        return np.concatenate([engine.run([each[None]])[0] for each in pictures]), engine.notes


def with_shared_zeros(data: bytes) -> bytes:
    """The file as kits before wrote it: layers of one width share the zero points of their weights."""
    model: Any = onnx.load_from_string(data)
    zeros = {t.name: t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 1}
    first = {tuple(t.dims): name for name, t in reversed(zeros.items())}
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name in zeros:
                node.input[i] = first[tuple(zeros[name].dims)]
    return bytes(model.SerializeToString())


def test_what_is_written_sums_exactly_everywhere(
    int8: Artifact, network: nn.Module, pictures: NDArray[np.uint8]
) -> None:
    said, notes = answers(int8.data, pictures)
    assert snr_db(torch_outputs(network, pictures, ("logits",))["logits"], said) > 30
    assert notes == ()


def test_so_does_what_kits_before_wrote(int8: Artifact, network: nn.Module, pictures: NDArray[np.uint8]) -> None:
    said, notes = answers(with_shared_zeros(int8.data), pictures)
    assert snr_db(torch_outputs(network, pictures, ("logits",))["logits"], said) > 30
    assert notes == ()


def test_what_saturates_nevertheless_says_so(pictures: NDArray[np.uint8]) -> None:
    torch.manual_seed(0)
    network = Tied().eval()
    said, notes = answers(eight_bits(network, pictures).data, pictures)
    exact = snr_db(torch_outputs(network, pictures, ("logits",))["logits"], said) > 15
    assert exact != any("saturate" in note for note in notes)
