"""Labels and the input contract inside the model files, where other programs look for them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgelens.runtime.preprocess import PixelContract, TensorContract

from .tflite import read_model, write_model

__all__ = ["About", "with_metadata_onnx", "with_metadata_tflite"]

LABEL_FILE = "labels.txt"
CONTRACT_FILE = "metadata.json"  # what TFLite metadata has no words for: how a frame meets the input's size
_RGB, _GRAY = 1, 2  # ColorSpaceType
_IMAGE_PROPERTIES, _FEATURE_PROPERTIES = 2, 1  # ContentProperties
_NORMALIZATION = 1  # ProcessUnitOptions
_AXIS_LABELS = 2  # AssociatedFileType


@dataclass(frozen=True)
class About:
    """What a model file says of itself."""

    name: str
    task: str
    labels: tuple[str, ...]
    pixels: PixelContract
    outputs: Mapping[str, str]  # in the file's order; those with a score a label and what that is, "" for others
    kit: str
    description: str = "Made by edgelens."


def with_metadata_onnx(data: bytes, about: About, tensor: TensorContract) -> bytes:
    """An ONNX file with `names` and `labels` (JSON), and `input` with the pixel contract, in its metadata_props."""
    import onnx

    model = onnx.load_from_string(data)
    model.producer_name, model.producer_version = "edgelens", about.kit
    model.graph.name = about.name
    contract = {"pixels": asdict(about.pixels), "tensor": asdict(tensor)}
    entries = {
        "names": json.dumps(dict(enumerate(about.labels)), ensure_ascii=False),
        "labels": json.dumps(list(about.labels), ensure_ascii=False),
        "task": about.task,
        "input": json.dumps(contract),
    }
    onnx.helper.set_model_props(model, entries)
    return bytes(model.SerializeToString())


def with_metadata_tflite(data: bytes, about: About, tensor: TensorContract) -> bytes:
    """A TFLite file with TFLite metadata, its label file in a zip behind the model as tflite-support lays it out."""
    from ai_edge_litert import schema_py_generated as schema

    model = read_model(data)
    model.description = about.description.encode()
    # readers of TFLite metadata quantize what they have normalised: an int8 input of (pixel - 128) / 128 is the pixel
    mean, std = (128.0, 128.0) if tensor.dtype == "int8" else (tensor.mean[0], tensor.std[0])
    blob = _metadata(about, [mean], [std])
    buffer = schema.BufferT()
    buffer.data = list(blob)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [m for m in (model.metadata or []) if m.name != b"TFLITE_METADATA"] + [entry]
    contract = {"pixels": asdict(about.pixels), "tensor": asdict(tensor)}
    files = {LABEL_FILE: "\n".join(about.labels) + "\n", CONTRACT_FILE: json.dumps({"input": json.dumps(contract)})}
    return write_model(model) + _zip(files)


def _zip(files: dict[str, str]) -> bytes:
    """A zip of files whose offsets count from its own start: readers find it from the end."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return stream.getvalue()


def _metadata(about: About, mean: Sequence[float], std: Sequence[float]) -> bytes:
    """The ModelMetadata table (file identifier M001): the image, every output, labels with those that score them."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    image = _input_table(builder, about, mean, std)
    tables = [_output_table(builder, name, scores) for name, scores in about.outputs.items()]
    inputs, outputs = _vector(builder, [image]), _vector(builder, tables)
    subgraph = _table(builder, 10, {2: inputs, 3: outputs})
    subgraphs = _vector(builder, [subgraph])
    name, text = builder.CreateString(about.name), builder.CreateString(about.description)
    version = builder.CreateString(about.kit)
    needs = builder.CreateString("1.0.0")
    root = _table(builder, 8, {0: name, 1: text, 2: version, 3: subgraphs, 7: needs})
    builder.Finish(root, file_identifier=b"M001")
    return bytes(builder.Output())


def _input_table(builder: Any, about: About, mean: Sequence[float], std: Sequence[float]) -> int:
    name = builder.CreateString("image")
    text = builder.CreateString(f"{about.pixels.width}x{about.pixels.height} {about.pixels.color} picture, NHWC pixels")
    size = _table(builder, 2, {}, {0: about.pixels.width, 1: about.pixels.height})
    color = _GRAY if about.pixels.color == "gray" else _RGB
    properties = _table(builder, 2, {1: size}, {}, {0: color})
    content = _table(builder, 3, {1: properties}, {}, {0: _IMAGE_PROPERTIES})
    options = _table(builder, 2, {0: _floats(builder, mean), 1: _floats(builder, std)})
    unit = _table(builder, 2, {1: options}, {}, {0: _NORMALIZATION})
    units = _vector(builder, [unit])
    low, high = ((value - mean[0]) / std[0] for value in (0.0, 255.0))
    stats = _table(builder, 2, {0: _floats(builder, [high]), 1: _floats(builder, [low])})
    return _table(builder, 7, {0: name, 1: text, 3: content, 4: units, 5: stats})


def _output_table(builder: Any, output: str, scores: str) -> int:
    name = builder.CreateString(output)
    if not scores:
        properties = _table(builder, 0, {})
        content = _table(builder, 3, {1: properties}, {}, {0: _FEATURE_PROPERTIES})
        return _table(builder, 7, {0: name, 3: content})
    text = builder.CreateString(scores)
    file_name = builder.CreateString(LABEL_FILE)
    file_text = builder.CreateString("class names, one a line")
    labels = _table(builder, 5, {0: file_name, 1: file_text}, {}, {2: _AXIS_LABELS})
    files = _vector(builder, [labels])
    properties = _table(builder, 0, {})
    content = _table(builder, 3, {1: properties}, {}, {0: _FEATURE_PROPERTIES})
    return _table(builder, 7, {0: name, 1: text, 3: content, 6: files})


def _table(
    builder: Any,
    fields: int,
    offsets: dict[int, int],
    words: dict[int, int] | None = None,
    small: dict[int, int] | None = None,
) -> int:
    """A table of offset fields, uint32 fields and byte fields, each by its index in the schema."""
    builder.StartObject(fields)
    for index, value in offsets.items():
        builder.PrependUOffsetTRelativeSlot(index, value, 0)
    for index, value in (words or {}).items():
        builder.PrependUint32Slot(index, value, 0)
    for index, value in (small or {}).items():
        builder.PrependInt8Slot(index, value, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
