"""Scores that mean something on the device: a temperature for the logits, and the score below which it is `unknown`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.classify import softmax
from edgelens.runtime.labels import background_labels

from ...task import Settled

__all__ = [
    "KEEP",
    "Threshold",
    "fitted_temperature",
    "most_that_keeps",
    "nearest_temperature",
    "settle_classes",
    "unknown_threshold",
]

_LOWEST, _HIGHEST = 0.05, 20.0
KEEP = 0.95  # of the right answers, whatever else a threshold is to do


@dataclass(frozen=True)
class Threshold:
    """A score and what it does: how often it lets something false through, and how many right answers it keeps."""

    score: float
    false_accepts: float
    kept: float
    basis: str  # what "false" was measured on


def settle_classes(
    logits: NDArray[Any], labels: NDArray[Any], classes: Sequence[str], false_accepts: float, keep: float = KEEP
) -> Settled:
    """Temperature, threshold and background labels from logits (N, C) and class ids (N,) of pictures never learned."""
    temperature, background = fitted_temperature(logits, labels), background_labels(classes)
    threshold = unknown_threshold(
        logits,
        labels,
        temperature=temperature,
        false_accept_rate=false_accepts,
        background=[i for i, name in enumerate(classes) if name in background],
        keep=keep,
    )
    unknown = (
        f"under {threshold.score:.2f} an answer is unknown, which keeps {threshold.kept:.1%} of the right ones"
        if threshold.score
        else f"no answer is called unknown, and {threshold.false_accepts:.1%} are false"
    )
    if background:
        unknown += f"; never announced: {', '.join(background)}"
    options = {"temperature": temperature, "top_k": min(5, len(classes))}
    decode = Decode("classify", threshold=threshold.score, background=background, options=options)
    return Settled(decode, f"temperature {temperature:.2f}; {unknown} ({threshold.basis})")


def fitted_temperature(logits: NDArray[Any], labels: NDArray[Any]) -> float:
    """The temperature with the smallest cross-entropy on a validation split.

    The targets are drawn in a little, as Platt did, or a split without a mistake would ask for temperature 0.
    """
    if not len(labels):
        return 1.0
    scaled = np.asarray(logits, np.float64)
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    count, classes = scaled.shape
    sure = (count + 1) / (count + 2)
    own = scaled[np.arange(count), labels]
    return nearest_temperature(scaled, sure * own + (1 - sure) * (scaled.sum(axis=1) - own) / max(classes - 1, 1))


def nearest_temperature(scaled: NDArray[np.float64], aimed: NDArray[np.float64]) -> float:
    """The temperature with the smallest cross-entropy of logits (N, C), each row's largest 0.

    `aimed` (N,) is each row's logits weighted by the probabilities that they should have.
    """

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        return float((np.log(np.exp(scaled * inverse).sum(axis=1)) - aimed * inverse).mean())

    return float(np.exp(_smallest(loss, np.log(_LOWEST), np.log(_HIGHEST))))


def unknown_threshold(
    logits: NDArray[Any],
    labels: NDArray[Any],
    *,
    temperature: float,
    false_accept_rate: float,
    background: Sequence[int] = (),
    keep: float = 0.0,
) -> Threshold:
    """The lowest score that keeps false accepts to a rate, and at least the share `keep` of the right answers.

    With pictures of other things (those whose class is in `background`) the rate is their share that is accepted as one
    of the classes. Without any it is the share of wrong answers among the accepted, and a network that is wrong too
    often at every score gets no threshold: a camera that says nothing helps nobody.
    Right answers to pictures of tomorrow are to be kept: the share is held with as many to spare as chance asks for.
    """
    labels = np.asarray(labels)
    scores, named = _accepted_scores(logits, temperature, background)
    is_other = np.isin(labels, list(background))
    right = (named == labels) & ~is_other
    strange = scores[is_other]
    if len(strange):
        found = _by_others(strange, scores[right], false_accept_rate)
    else:
        found = _by_mistakes(scores, right, false_accept_rate)
    most = most_that_keeps(scores[right], keep)
    if found.score <= most:
        return found
    accepted = strange >= most if len(strange) else ~right[scores >= most]
    kept = float((scores[right] >= most).mean()) if right.any() else 1.0
    return Threshold(most, float(accepted.mean()) if len(accepted) else 0.0, kept, found.basis)


def most_that_keeps(right: NDArray[np.float32], keep: float) -> float:
    """The highest score that the share `keep` of answers like these right ones reaches; 0 where they are too few.

    The k-th smallest of n scores is undercut by k in n + 1 answers to come, so few answers say little.
    """
    if keep <= 0:
        return 1.0
    rank = int((1 - keep) * (len(right) + 1) + 1e-9)
    return float(np.sort(right)[rank - 1]) if rank else 0.0


def _accepted_scores(
    logits: NDArray[Any], temperature: float, background: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """The best class and its score; 0 where that is a background class, which is never announced."""
    probabilities = softmax(logits, temperature)
    named = probabilities.argmax(axis=1)
    scores = probabilities.max(axis=1)  # float32, as the device compares them
    scores[np.isin(named, list(background))] = 0.0
    return scores, named


def _by_others(strange: NDArray[np.float32], right: NDArray[np.float32], rate: float) -> Threshold:
    allowed = int(rate * len(strange) + 1e-9)
    ordered = np.sort(strange)[::-1]
    limit = 0.0 if allowed >= len(ordered) else float(np.nextafter(ordered[allowed], np.float32(2)))
    score = min(limit, 1.0)
    kept = float((right >= score).mean()) if len(right) else 0.0
    return Threshold(score, float((strange >= score).mean()), kept, f"{len(strange)} images of other things")


def _by_mistakes(scores: NDArray[np.float32], right: NDArray[np.bool_], rate: float) -> Threshold:
    order = np.argsort(-scores, kind="stable")
    ordered, wrong = scores[order], np.cumsum(~right[order])
    share = wrong / np.arange(1, len(order) + 1)
    last = np.append(np.diff(ordered) != 0, True)  # equal scores are accepted together
    fine = np.flatnonzero((share <= rate) & last)
    mistakes = int((~right).sum())
    fitted = f"{mistakes} wrong answer{'s' if mistakes != 1 else ''} on the validation split"
    if not len(fine):
        return Threshold(0.0, float((~right).mean()), 1.0, f"{fitted}, at every score too many")
    end = int(fine[-1])
    score = 0.0 if end == len(order) - 1 else float((ordered[end] + ordered[end + 1]) / 2)
    kept = float(right[order][: end + 1].sum() / max(int(right.sum()), 1))
    return Threshold(score, float(share[end]), kept, fitted)


def _smallest(function: Any, low: float, high: float, steps: int = 60) -> float:
    """Where a function with one valley is smallest, by golden sections."""
    ratio = (5**0.5 - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(steps):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = function(right)
    return (low + high) / 2
