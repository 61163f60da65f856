"""What `run.json` says besides the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.labels import background_labels
from edgelens.runtime.preprocess import PixelContract

__all__ = ["RunFacts", "decode_as_json", "facts_from_json", "plain"]


@dataclass(frozen=True)
class RunFacts:
    """What a training found out about its data, its network and itself."""

    classes: tuple[str, ...]
    pixels: PixelContract
    data: dict[str, Any]  # path, format, fingerprint
    network: dict[str, Any]  # parameters, macs
    environment: dict[str, Any]  # versions, threads, chosen precision, command
    counts: tuple[int, ...] | None = None  # training images a class; None in runs of earlier kits
    recipe: dict[str, Any] | None = None  # the augmentation as it was, mirrored or not, with holes or without
    decode: dict[str, Any] = field(default_factory=dict)  # how outputs become recognitions, once it was settled
    metrics: dict[str, Any] | None = None  # of the best checkpoint on the validation split
    provisional: bool = False  # whether the run is whole, yet fine-tuning was still to come
    started: str | None = None  # whose weights were taken over, in words for people; None: none


def decode_as_json(decode: Decode) -> dict[str, Any]:
    """Decode settings as plain JSON values."""
    return {f.name: plain(getattr(decode, f.name)) for f in fields(decode)}


def facts_from_json(values: Mapping[str, Any]) -> RunFacts:
    """The facts that a run stored; earlier kits wrote one temperature and one threshold."""
    facts = dict(values)
    facts["classes"] = tuple(facts["classes"])
    facts["pixels"] = PixelContract(**{**facts["pixels"], "widths": tuple(facts["pixels"].get("widths", ()))})
    if facts.get("counts") is not None:
        facts["counts"] = tuple(facts["counts"])
    if "temperature" in facts:
        options = {"temperature": facts.pop("temperature"), "top_k": min(5, len(facts["classes"]))}
        background = background_labels(facts["classes"])
        decode = Decode(threshold=facts.pop("unknown_threshold"), background=background, options=options)
        facts["decode"] = decode_as_json(decode)
    return RunFacts(**facts)


def plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, tuple | list) else value
