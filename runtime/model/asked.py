"""A network as it was asked for: other labels, threshold and decoder's options than it brings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..bundle.manifest import Network
from ..decode.catalog import options_of
from ..errors import UsageError
from ..labels import background_labels, read_labels
from ..tasks.catalog import task_of
from .arguments import ModelArguments, spelled

__all__ = ["idle_threshold", "known_labels", "passed_over", "with_answer", "with_names"]


def known_labels(said: ModelArguments) -> tuple[tuple[str, ...], str]:
    """The labels that were given, and what messages call them."""
    if isinstance(said.labels, str):
        return read_labels(said.labels), f"--labels {said.labels}"
    return said.labels or (), "labels"


def with_names(network: Network, labels: Sequence[str]) -> Network:
    """The network with other names for its classes: what is held to a threshold, or means nothing there, still is."""
    decode, called = network.decode, list(zip(network.labels, labels, strict=False))
    background = [new for old, new in called if old in decode.background]
    return dataclasses.replace(
        network,
        labels=tuple(labels),
        decode=dataclasses.replace(
            decode,
            background=tuple(dict.fromkeys((*background, *background_labels(labels)))),
            thresholds={new: decode.thresholds[old] for old, new in called if old in decode.thresholds},
        ),
    )


def with_answer(network: Network, said: ModelArguments, classes: int | None = None) -> Network:
    """The network with the asked threshold and the asked options of its decoder, as far as that has them.

    How many `classes` it has is known of one without labels too, if its outputs say so.
    """
    decode = network.decode.at(said.threshold)
    if said.threshold is not None:  # it decides alone
        decode = dataclasses.replace(decode, options={k: v for k, v in decode.options.items() if k != "known"})
    if given := said.said_to_decoder():
        has = _options(network)
        if "classes" in given:
            given["classes"] = _class_ids(given["classes"], network.labels, len(network.labels) or classes)
        known = {name: value for name, value in given.items() if name in has}
        decode = dataclasses.replace(decode, options={**decode.options, **known})
    return dataclasses.replace(network, decode=decode)


def passed_over(network: Network, said: ModelArguments) -> tuple[str, ...]:
    """What is to be said of options that were given and that the network's decoder does not have."""
    has = _options(network)
    others = tuple(
        f"{spelled()[name].flag} is passed over: a network that is read by {network.decode.decoder} has no such option"
        for name in said.said_to_decoder()
        if name not in has
    )
    return others if said.threshold is None else (*others, *idle_threshold(network))


def idle_threshold(network: Network) -> tuple[str, ...]:
    """What is to be said where a threshold was given and decides nothing."""
    if task_of(network.task).thresholded:
        return ()
    return ("--threshold is passed over: how near a name must be follows from --false-accepts",)


def _options(network: Network) -> set[str]:
    return {option.name for option in dataclasses.fields(options_of(network.decode.decoder))}


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
