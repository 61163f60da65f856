"""A classifier's logits or probabilities as ranked labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError
from ..preprocess import Placement
from ..recognitions import UNKNOWN_ID, Recognitions
from .protocol import DecodeOptions, Decoder, counts, number, one_of, option, whole

__all__ = ["FAMILIAR", "FROM_VALUES", "ClassifyOptions", "class_probabilities", "classify", "ranked",
           "sigmoid", "softmax"]  # fmt: skip

FAMILIAR = "familiar"  # the map that says how usual a picture is, where that is known; below 1 it is unknown
FROM_VALUES = "from values"  # probabilities where they add up to one, else logits
_MOST_LOGIT = 80  # beyond it, float32 has no more to say


@dataclass(frozen=True)
class ClassifyOptions(DecodeOptions):
    """How a classifier's outputs become its answer."""

    temperature: float = option(1.0, number(1e-3, 1e3))  # logits are divided by it before the softmax
    top_k: int = option(5, whole(1, 100_000))  # so many classes in all, the best and its rivals
    probabilities: bool | str = option(False, one_of(True, False, FROM_VALUES))
    classes: tuple[int, ...] | None = option(None, counts)  # only these
    false_accepts: float | None = option(None, number(1e-6, 0.5))  # share of strangers taken for somebody taught


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores of logits, each by itself."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_MOST_LOGIT, _MOST_LOGIT))))


def softmax(logits: NDArray[Any], temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities along the last axis; computed in float64, since temperatures can make logits large."""
    scaled = np.asarray(logits, np.float64) / temperature
    with np.errstate(invalid="ignore"):  # of logits that are no numbers there is no probability
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def class_probabilities(values: NDArray[Any], options: ClassifyOptions) -> NDArray[np.float32]:
    """Probabilities (C,) from one picture's outputs; what is a probability already is not softmaxed again."""
    scores = np.asarray(values, np.float32).reshape(-1)
    done = options.probabilities is True or (options.probabilities == FROM_VALUES and _adds_to_one(scores))
    if len(scores) == 1:  # one output tells the second class from the first
        yes = scores[0] if done else np.float32(1 / (1 + np.exp(-np.float64(scores[0]) / options.temperature)))
        return np.array([1 - yes, yes], np.float32)
    return scores if done else softmax(scores, options.temperature).astype(np.float32)


def classify(network: Network, options: ClassifyOptions) -> Decoder:
    """The best class of one picture's outputs, and its rivals."""
    labels, settings = network.labels, network.decode

    def decode(
        outputs: Mapping[str, NDArray[Any]],
        placement: Placement,  # noqa: ARG001
        threshold: float | None = None,
    ) -> Recognitions:
        held = settings.at(threshold)
        values = next(iter(outputs.values()))
        if sum(side > 1 for side in values.shape) > 1:
            raise ModelError(f"classify: its output has the shape {'x'.join(map(str, values.shape))}, which is no row")
        probabilities = class_probabilities(values, options)
        if labels and len(labels) != len(probabilities):
            raise ModelError(
                f"classify: {len(labels)} labels for a model of {len(probabilities)}: each class needs one"
            )
        return ranked(probabilities, labels, options, held.threshold, held.thresholds, task=network.task)

    return decode


def ranked(
    probabilities: NDArray[np.float32],
    labels: tuple[str, ...],
    options: ClassifyOptions,
    threshold: float,
    thresholds: Mapping[str, float] | None = None,
    *,
    task: str = "classify",
) -> Recognitions:
    """One row: the best class that is asked for, the next best as its rivals; what a frame's average is ranked by too.

    Under the threshold, or its label's own in `thresholds`, the row is unknown with the best class's score, and that
    class is the first rival. The map "probabilities" (C,) comes along.

    What is no number is no probability: a network that broke down says that it knows nothing, and not its first class.
    """
    probabilities = np.where(np.isnan(probabilities), np.float32(0), probabilities)
    order = np.argsort(-probabilities, kind="stable")
    if options.classes is not None:
        order = order[np.isin(order, options.classes)]
    maps = {"probabilities": probabilities}
    if not len(order):
        return replace(Recognitions.nothing(labels, task), maps=maps)
    best = int(order[0])
    if thresholds and best < len(labels):
        threshold = thresholds.get(labels[best], threshold)
    unknown = bool(probabilities[best] < threshold) or not probabilities[best] > 0
    rivals = (order if unknown else order[1:])[: options.top_k - (not unknown)].astype(np.int32)[None]
    return Recognitions(
        labels,
        np.array([UNKNOWN_ID if unknown else best], np.int32),
        probabilities[[best]],
        rivals=rivals,
        rival_scores=probabilities[rivals],
        maps=maps,
        task=task,
    )


def _adds_to_one(scores: NDArray[np.float32]) -> bool:
    return bool(scores.min() >= 0 and abs(float(scores.sum(dtype=np.float64)) - 1) < 0.02)
