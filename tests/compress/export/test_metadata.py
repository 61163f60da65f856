"""What a TFLite file says of its outputs: all of them, by name, labels only with those that have a score a label."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.tflite import read_model
from edgelens.compress.files.model_files import make_files, with_metadata
from edgelens.compress.tasks.catalog import task_of
from edgelens.compress.tasks.task import Task
from edgelens.runtime.formats.flatbuffer import root
from edgelens.runtime.preprocess import PixelContract

PIXELS = PixelContract(8, 8)


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.first(x), self.second(x)


def said(task: Task, labels: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """Each output's name and the files that ride along for it."""
    torch.manual_seed(0)
    config = CompressConfig(formats=("tflite",), precisions=("float32",))
    files = make_files(Two().eval(), PIXELS, torch.zeros(1, 8, 8, 3).byte().numpy(), config, outputs=task.outputs)
    (made,) = with_metadata(files.artifacts, "two", task, labels, PIXELS)
    model = read_model(made.data)
    entry = next(m for m in model.metadata if m.name == b"TFLITE_METADATA")
    (graph,) = root(bytes(bytearray(model.buffers[entry.buffer].data))).tables(3)
    return [(tensor.text(0), [file.text(0) for file in tensor.tables(6)]) for tensor in graph.tables(3)]


@pytest.mark.parametrize("labelled", [{}, {"scores": "one score a class"}])
def test_every_output_is_described(labelled: dict[str, str]) -> None:
    task = dataclasses.replace(task_of("classify"), name="two", outputs=("boxes", "scores"), labelled=labelled)
    assert said(task, ("cat", "dog")) == [("boxes", []), ("scores", ["labels.txt"] if labelled else [])]
