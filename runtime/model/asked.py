"""A network as it was asked for: other labels, threshold and decoder's options than it brings."""

from __future__ import annotations

import dataclasses

from ..bundle.manifest import Network
from ..decode.catalog import options_of
from ..errors import UsageError
from ..labels import read_labels
from .arguments import ModelArguments

__all__ = ["known_labels", "with_answer"]


def known_labels(said: ModelArguments) -> tuple[tuple[str, ...], str]:
    """The labels that were given, and what messages call them."""
    if isinstance(said.labels, str):
        return read_labels(said.labels), f"--labels {said.labels}"
    return said.labels or (), "labels"


def with_answer(network: Network, said: ModelArguments, classes: int | None = None) -> Network:
    """The network with the asked threshold and the asked options of its decoder, as far as that has them.

    How many `classes` it has is known of one without labels too, if its outputs say so.
    """
    decode = network.decode.at(said.threshold)
    if said.threshold is not None:  # it decides alone
        decode = dataclasses.replace(decode, options={k: v for k, v in decode.options.items() if k != "known"})
    if given := said.said_to_decoder():
        has = {option.name for option in dataclasses.fields(options_of(decode.decoder))}
        if "classes" in given:
            given["classes"] = _class_ids(given["classes"], network.labels, len(network.labels) or classes)
        known = {name: value for name, value in given.items() if name in has}
        decode = dataclasses.replace(decode, options={**decode.options, **known})
    return dataclasses.replace(network, decode=decode)


def _class_ids(classes: tuple[str, ...], labels: tuple[str, ...], known: int | None) -> list[int]:
    ids = []
    for name in classes:
        if name in labels:
            ids += [i for i, label in enumerate(labels) if label == name]
        elif name.isdecimal() and (known is None or int(name) < known):
            ids.append(int(name))
        else:
            raise UsageError(f"--classes {name}: is no label of this model, nor a class number")
    return ids
