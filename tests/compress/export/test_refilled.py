"""Repaired weights go into files that were exported before: byte for byte what exporting anew gives."""

import copy

import pytest
import torch
from torch import nn

from edgelens.compress.export.exported import export
from edgelens.compress.export.refilled import refilled
from edgelens.compress.network.fold import constant, set_parameter
from edgelens.compress.network.graph import trace
from edgelens.runtime.preprocess import PixelContract

PIXELS = PixelContract(8, 8)
LAYERS = ("layers.0", "layers.2", "layers.4")  # dense, depthwise, and one that TFLite takes in another order


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Flatten(),
            nn.Linear(128, 5),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


def exported_of(graph):
    return export(graph, graph, PIXELS, outputs=("logits",))


@pytest.fixture(scope="module")
def graph():
    return trace(Small().eval(), PIXELS, ("logits",))


@pytest.fixture(scope="module")
def exported(graph):
    return exported_of(graph)


def changed(graph, names, change):
    """A copy of the graph in which `change` made the named parameters others."""
    other = copy.deepcopy(graph)
    for node in list(other.graph.nodes):
        if node.op == "get_attr" and str(node.target).startswith(names):
            set_parameter(other, str(node.target), change(constant(other, node)))
    return other


def test_the_files_are_those_of_exporting_anew(graph, exported):
    other = changed(graph, LAYERS, lambda held: held * (1 + torch.rand_like(held)))
    found, anew = refilled(exported, other), exported_of(other)
    assert found.graph is other
    assert found.tflite == anew.tflite != exported.tflite
    assert found.onnx.SerializeToString() == anew.onnx.SerializeToString() != exported.onnx.SerializeToString()
    assert (found.onnx_names, found.unmatched) == (anew.onnx_names, anew.unmatched)


def test_weights_that_are_equal_are_not_told_apart(graph):
    alike = changed(graph, tuple(f"{layer}.bias" for layer in LAYERS[:2]), torch.ones_like)
    exported = exported_of(alike)
    assert refilled(exported, changed(alike, (f"{LAYERS[0]}.bias",), lambda held: held * 2)) is None
    assert refilled(exported, changed(alike, (f"{LAYERS[0]}.weight",), lambda held: held * 2)) is not None


def test_another_network_is_exported_anew(exported):
    deeper = Small()
    deeper.layers.insert(1, nn.ReLU6())
    assert refilled(exported, trace(deeper.eval(), PIXELS, ("logits",))) is None
