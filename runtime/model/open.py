"""A MODEL of the command line as a bundle: a .edge, a bare .onnx or .tflite, or a built-in's name."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from ..bundle.bundle import Bundle
from ..errors import UsageError
from ..labels import read_labels
from .options import ModelOptions, numbers

__all__ = ["builtin_names", "open_model"]

_BUILTIN = Path(__file__).parents[1] / "builtin"  # importlib.resources would cost a start 20 modules


def builtin_names() -> tuple[str, ...]:
    """The names of the bundles that come with the kit."""
    return tuple(sorted(entry.stem for entry in _BUILTIN.glob("*.edge")))


def open_model(
    name: str | os.PathLike[str] | Bundle,
    *,
    labels: str | Sequence[str] | None = None,
    mean: str | float | Sequence[float] | None = None,
    std: str | float | Sequence[float] | None = None,
    color: str | None = None,
    resize: str | None = None,
    pad: int | None = None,
    input_size: str | tuple[int, int] | None = None,
    decoder: str | None = None,
    threshold: float | None = None,
    iou: float | None = None,
    max_det: int | None = None,
    classes: str | Sequence[str | int] | None = None,
) -> Bundle:
    """The bundle that a MODEL argument names, or a bundle as asked; options may be given as the command line writes it.

    `labels` is a file's path or the names themselves, `input_size` is "WxH" or (width, height), `classes` are names or
    numbers. What had to be assumed of a bare model file stands in the bundle's `notes`.
    """
    options = ModelOptions(
        labels=read_labels(labels) if isinstance(labels, str) else None if labels is None else tuple(labels),
        labels_from=f"--labels {labels}" if isinstance(labels, str) else "labels",
        mean=numbers(mean, "--mean"),
        std=numbers(std, "--std"),
        color=color,
        resize=resize,
        pad=pad,
        size=_size(input_size),
        decoder=decoder,
        threshold=threshold,
        iou=iou,
        max_det=max_det,
        classes=_classes(classes),
    )
    if isinstance(name, Bundle):
        return _with_options(name, options, str(name.path or name.manifest.name))
    name = os.fspath(name)
    path = Path(name)
    if name in builtin_names() and not path.is_file():  # a folder of pictures may well be called digits
        path = _BUILTIN / f"{name}.edge"
    elif not path.exists():
        there = ", ".join(builtin_names()) or "none"
        raise UsageError(f"{name}: no such file, and no built-in of that name; built in: {there}")
    if path.suffix.lower() in (".onnx", ".tflite"):
        from .bare import open_bare

        return open_bare(path, options)
    return _with_options(Bundle.open(path), options, name)


def _with_options(bundle: Bundle, options: ModelOptions, name: str) -> Bundle:
    """The bundle with its answer's settings changed as asked; its picture is its own."""
    if said := options.said_of_pixels():
        raise UsageError(f"--{said[0]}: {name} is a bundle and brings its own; it is for bare model files")
    if options == ModelOptions():
        return bundle
    from .bare import with_decode_options

    manifest = bundle.manifest
    role, network = manifest.steps[-1].network, manifest.main
    if options.labels is not None:
        if network.labels and len(options.labels) != len(network.labels):
            raise UsageError(f"{options.labels_from}: {len(options.labels)} names for {len(network.labels)} classes")
        network = dataclasses.replace(network, labels=options.labels)
    networks = {**manifest.networks, role: with_decode_options(network, options)}
    return dataclasses.replace(bundle, manifest=dataclasses.replace(manifest, networks=networks))


def _size(text: str | tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width from "WxH", one side of a square, or (width, height)."""
    if text is None:
        return None
    try:
        sides = [int(side) for side in text.lower().split("x")] if isinstance(text, str) else list(text)
    except ValueError:
        sides = []
    if len(sides) not in (1, 2) or not all(1 <= side <= 8192 for side in sides):
        raise UsageError(f"--input-size {text}: write WIDTHxHEIGHT, such as 640x480")
    return sides[-1], sides[0]


def _classes(classes: str | Sequence[str | int] | None) -> tuple[str, ...] | None:
    if classes is None:
        return None
    parts = classes.split(",") if isinstance(classes, str) else classes
    return tuple(str(part).strip() for part in parts if str(part).strip())
