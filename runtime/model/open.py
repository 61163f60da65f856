"""A MODEL of the command line as a bundle: a .edge, a bare .onnx or .tflite, or a built-in's name."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from ..bundle.bundle import Bundle
from ..errors import ModelError, UsageError
from .arguments import ModelArguments

__all__ = ["builtin_names", "open_alone", "open_model"]

_BUILTIN = Path(__file__).parents[1] / "builtin"  # importlib.resources would cost a start 20 modules


def builtin_names() -> tuple[str, ...]:
    """The names of the bundles that come with the kit."""
    return tuple(sorted(entry.stem for entry in _BUILTIN.glob("*.edge")))


def open_model(name: str | os.PathLike[str] | Bundle, said: ModelArguments | None = None, **arguments: Any) -> Bundle:
    """The bundle that a MODEL argument names, or a bundle as asked.

    What is said of it are the fields of `ModelArguments`, together or each by its name, as the command line writes
    them or as Python does: `labels` is a file's path or the names themselves, `input_size` "WxH" or (width, height),
    `classes` are names or numbers. What had to be assumed of a bare model file stands in the bundle's `notes`.
    """
    said = dataclasses.replace(said or ModelArguments(), **arguments)
    if isinstance(name, Bundle):
        return _as_asked(name, said, str(name.path or name.manifest.name))
    if not isinstance(name, str | os.PathLike):
        raise UsageError(f"a {type(name).__name__} is no model: name a bundle, a model file or a built-in")
    name = os.fspath(name)
    path = Path(name)
    if name in builtin_names() and not path.is_file():  # a folder of pictures may well be called digits
        path = _BUILTIN / f"{name}.edge"
    elif not _exists(path):
        there = ", ".join(builtin_names()) or "none"
        raise UsageError(f"{name}: no such file, and no built-in of that name; built in: {there}")
    if path.suffix.lower() in (".onnx", ".tflite"):
        from .bare import open_bare

        return open_bare(path, said)
    return _as_asked(Bundle.open(path), said, name)


def open_alone(name: str | os.PathLike[str]) -> Bundle:
    """A MODEL where nothing can be said of it: what a bare file leaves open is said to `edgelens bundle`."""
    try:
        return open_model(name)
    except (ModelError, UsageError) as error:
        if not error.unsaid:
            raise
        where = "(to `edgelens bundle`; the bundle that it makes goes here)"
        raise type(error)(f"{error} {where}", unsaid=error.unsaid) from None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _as_asked(bundle: Bundle, said: ModelArguments, name: str) -> Bundle:
    """The bundle with its answer's settings changed as asked; its picture is its own."""
    if flags := said.said_of_picture():
        raise UsageError(f"{flags[0]}: {name} is a bundle and brings its own; it is for bare model files")
    if said == ModelArguments():
        return bundle
    from .asked import known_labels, passed_over, with_answer, with_names

    manifest = bundle.manifest
    role, network = manifest.steps[-1].network, manifest.main
    if said.labels is not None:
        labels, origin = known_labels(said)
        if network.labels and len(labels) != len(network.labels):
            raise UsageError(f"{origin}: {len(labels)} names for {len(network.labels)} classes")
        network = with_names(network, labels)
    first, asked = manifest.steps[0].network, {role: said}
    if said.tile is not None and first != role:  # frames are what has tiles
        asked = {role: dataclasses.replace(said, tile=None), first: ModelArguments(tile=said.tile)}
    networks = {**manifest.networks, role: network}
    notes = [note for each, words in asked.items() for note in passed_over(networks[each], words)]
    networks |= {each: with_answer(networks[each], words) for each, words in asked.items()}
    changed = dataclasses.replace(manifest, networks=networks)
    return dataclasses.replace(bundle, manifest=changed, notes=(*bundle.notes, *notes))
