"""Somebody's model file opened to be bundled: what runs but has no place in a bundle is refused before the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.manifest_json import DTYPES
from edgelens.runtime.errors import ModelError
from edgelens.runtime.model.open import open_model

__all__ = ["open_to_bundle"]


def open_to_bundle(model: str, said: Mapping[str, Any]) -> Bundle:
    """The model as `open_model` gives it, `said` being its options."""
    opened = open_model(model, **said)
    for file in opened.manifest.main.files:
        if file.tensor.dtype not in DTYPES:
            raise ModelError(
                f"{model}: its input {file.tensor.name} holds {file.tensor.dtype}, which no bundle knows:"
                " export it with a float32 input"
            )
    return opened
