"""A bare .onnx or .tflite as a bundle in memory: what the file says, its family wants, and the options ask."""

from __future__ import annotations

import dataclasses
import hashlib
import stat
from pathlib import Path

from ..bundle.bundle import Bundle
from ..bundle.manifest import Manifest, ModelFile, Network, Output
from ..decode.catalog import DECODERS, readers_for, words
from ..decode.picture import picture_is_nchw
from ..decode.reading import Reading
from ..errors import ModelError, UsageError
from ..formats.catalog import describe
from ..formats.description import ModelDescription
from ..formats.onnx_external import with_weights
from ..formats.onnx_target_size import with_target_size, without_target_size
from ..formats.tensor import TensorInfo, shape_of
from ..labels import background_labels, fit_labels, labels_from_metadata
from ..preprocess import PixelContract, TensorContract
from .arguments import ModelArguments
from .asked import known_labels, passed_over, with_answer
from .input_numbers import input_numbers

__all__ = ["open_bare", "read_file", "read_model"]

_MAX_BYTES = 2 * 1024**3
_CHANNELS = (1, 3)
_DTYPES = ("uint8", "int8", "int16", "int32", "float16", "float32", "float64")


def open_bare(path: Path, said: ModelArguments) -> Bundle:
    """A bundle of one network that runs a model file of other people."""
    data, told = read_model(path)
    file = _sized(without_target_size(told), said, path)
    wants_size = len(file.inputs) < len(told.inputs)
    labels, labels_from = _known_labels(file, said)
    reading = _reading(told if wants_size else file, labels, said, path)
    network, notes = _network(file, reading, labels, labels_from, said, path)
    if wants_size:
        data = with_target_size(data, network.pixels.width, network.pixels.height)
    entry = f"models/{path.name}"
    digest = hashlib.sha256(data).hexdigest()
    stored = dataclasses.replace(network.files[0], path=entry, sha256=digest, bytes=len(data))
    manifest = Manifest(path.stem, {"main": dataclasses.replace(network, files=(stored,))}, entries={entry: digest})
    return Bundle(manifest, memory={entry: data}, notes=notes)


def read_model(path: Path) -> tuple[bytes, ModelDescription]:
    """A model file's bytes, weights kept beside it included, and what it says of itself."""
    data = read_file(path)
    file = describe(data, str(path))
    if not file.external:
        return data, file
    whole = with_weights(data, path)
    return whole, dataclasses.replace(describe(whole, str(path)), external=file.external)


def read_file(path: Path) -> bytes:
    """The bytes of this file alone."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"{path}: is no regular file")
        if status.st_size > _MAX_BYTES:
            raise ModelError(f"{path}: is larger than {_MAX_BYTES >> 30} GB")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: could not be read ({error.strerror or error})") from None


def _known_labels(file: ModelDescription, said: ModelArguments) -> tuple[tuple[str, ...], str]:
    if said.labels is not None:
        return known_labels(said)
    return file.labels or labels_from_metadata(file.metadata), "the labels in its metadata"


def _reading(file: ModelDescription, labels: tuple[str, ...], said: ModelArguments, path: Path) -> Reading:
    """The asked family's contract, or the first family that the file's shapes and metadata belong to."""
    asked = said.decoder
    known = words()
    if asked is not None and asked not in known:
        raise UsageError(f"--decode {asked}: must be one of {', '.join(known)}")
    for names in (labels, ()):  # without them too, so that those which don't fit are what is said to be wrong
        for read in readers_for(file, asked):
            if (found := read(file, names, asked=asked is not None)) is not None:
                return found
        if said.labels is None:
            break
    if asked is not None:
        outputs = ", ".join(f"{output.name} {shape_of(output)}" for output in file.outputs)
        raise ModelError(f"{path}: --decode {asked} does not fit its outputs: {outputs}")
    from ..decode.unread import why_unread

    why, unsaid = why_unread(file)
    raise ModelError(f"{path}: {why}", unsaid=unsaid)


def _network(
    file: ModelDescription,
    reading: Reading,
    labels: tuple[str, ...],
    labels_from: str,
    said: ModelArguments,
    path: Path,
) -> tuple[Network, tuple[str, ...]]:
    notes = list(reading.notes)
    names = reading.labels or labels
    if not names and reading.unnamed:
        names = reading.unnamed
        notes.append(f"without labels its {len(names)} classes are taken for COCO's; --labels overrules")
    if names and reading.classes is not None:
        try:
            names, moved = fit_labels(names, reading.classes, labels_from, background=reading.may_count_nothing)
            notes += moved
        except UsageError as error:
            if said.labels is not None:
                raise
            names = ()
            notes.append(f"{error}; numbers are shown instead")
    pixels, tensor, assumed = _picture(file, reading, said, path)
    notes += assumed
    network = Network(
        task=DECODERS[reading.decode.decoder].task,
        labels=names,
        pixels=pixels,
        outputs=tuple(Output(name) for name in reading.outputs),
        decode=dataclasses.replace(reading.decode, background=background_labels(names)),
        files=(ModelFile("", file.engine, file.precision, tensor, outputs=reading.picked),),
    )
    return with_answer(network, said, reading.classes), (*notes, *passed_over(network, said))


def _picture(
    file: ModelDescription, reading: Reading, said: ModelArguments, path: Path
) -> tuple[PixelContract, TensorContract, list[str]]:
    """The picture and the tensor that the file's one input wants."""
    info, layout, channels, size = _input(file, path)
    height, width = _size(size, reading, path)
    color = said.color or ("gray" if channels == 1 else reading.color)
    if (color == "gray") != (channels == 1):
        raise UsageError(f"--color {color}: {path} takes {channels} channel{'s' if channels > 1 else ''}")
    for value, name in ((said.mean, "--mean"), (said.std, "--std")):
        if value is not None and len(value) > channels:
            raise UsageError(f"{name}: {len(value)} numbers for a model of {channels} channel")
    pixels = PixelContract(
        height,
        width,
        color,  # type: ignore[arg-type]
        said.resize or reading.resize,  # type: ignore[arg-type]
        reading.filter,
        reading.pad if said.pad is None else said.pad,
        reading.anchor,
        reading.widths if size[1] is None else (),
    )
    tensor, notes = input_numbers(info, layout, color, reading=reading, said=said)
    return pixels, tensor, notes


def _input(file: ModelDescription, path: Path) -> tuple[TensorInfo, str, int, tuple[int | None, int | None]]:
    """The picture among the inputs, its layout, channels, and height and width."""
    if len(file.inputs) != 1:
        names = ", ".join(f"{info.name} {shape_of(info)}" for info in file.inputs) or "none"
        raise ModelError(f"{path}: has the inputs {names}: models of one picture run here")
    info = file.inputs[0]
    shape = info.shape
    if info.dtype not in _DTYPES:
        raise ModelError(f"{path}: its input {info.name} holds {info.dtype}: pictures of {', '.join(_DTYPES)} run here")
    if len(shape) in (3, 4) and shape[0] not in (None, 1):
        raise ModelError(f"{path}: takes {shape[0]} pictures at once: export it with a batch of 1")
    if len(shape) == 3:
        return info, "NHWC", 1, (shape[1], shape[2])
    if picture_is_nchw(info, file.format):
        return info, "NCHW", shape[1] or 3, (shape[2], shape[3])
    if len(shape) == 4 and shape[3] in _CHANNELS:
        return info, "NHWC", shape[3] or 3, (shape[1], shape[2])
    raise ModelError(f"{path}: its input {info.name} {shape_of(info)} is no picture of 1 or 3 channels")


def _size(size: tuple[int | None, int | None], reading: Reading, path: Path) -> tuple[int, int]:
    known = reading.size or (None, None)
    height, width = (fixed or free for fixed, free in zip(size, known, strict=True))
    if height is None or width is None:
        raise UsageError(f"{path}: takes pictures of any size: say which with --input-size WxH", unsaid="--input-size")
    return height, width


def _sized(file: ModelDescription, said: ModelArguments, path: Path) -> ModelDescription:
    """The file, its input checked, with the asked size in place of the axes that it leaves free."""
    info, _, _, size = _input(file, path)
    if said.input_size is None:
        return file
    width, height = said.input_size
    if size[0] not in (None, height) or size[1] not in (None, width):
        raise UsageError(f"--input-size: {path} takes {size[1] or '?'}x{size[0] or '?'} and no other size")
    shape = list(info.shape)
    at = 2 if picture_is_nchw(info, file.format) else 1
    shape[at : at + 2] = height, width
    return dataclasses.replace(file, inputs=(dataclasses.replace(info, shape=tuple(shape)),))
