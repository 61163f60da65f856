"""A MODEL of the command line as a bundle: a .edge, a bare .onnx or .tflite, or a built-in's name."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from .bundle import Bundle
from .errors import UsageError

__all__ = ["builtin_names", "open_model"]


def builtin_names() -> tuple[str, ...]:
    """The names of the bundles that come with the kit."""
    folder = resources.files("edgelens.runtime.builtin")
    return tuple(sorted(entry.name.removesuffix(".edge") for entry in folder.iterdir() if entry.name.endswith(".edge")))


def open_model(name: str) -> Bundle:
    """The bundle that a MODEL argument names."""
    path = Path(name)
    if name in builtin_names() and not path.exists():
        return Bundle.open(Path(str(resources.files("edgelens.runtime.builtin") / f"{name}.edge")))
    if not path.exists():
        raise UsageError(
            f"{name}: no such file, and no built-in of that name; built in: {', '.join(builtin_names()) or 'none'}"
        )
    return Bundle.open(path)
