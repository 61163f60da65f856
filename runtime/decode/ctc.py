"""Text from the scores of every step of a picture's width: connectionist temporal classification (CTC)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..errors import ModelError, UsageError
from ..preprocess import Placement
from ..recognitions import UNKNOWN_ID, Recognitions
from .classify import FROM_VALUES, softmax
from .protocol import DecodeOptions, Decoder, one_of, option, text, texts, whole
from .spelling.alignment import confidences, likelihood, spoken
from .spelling.automaton import Automaton, accepts, columns_of, places_in

__all__ = ["CHARACTER_SCORES", "TEXT", "CtcOptions", "ctc", "steps_of"]

TEXT = "text"  # what a row is called whose text is what matters
CHARACTER_SCORES = "character_scores"  # the column of how sure each character is
_LEAST = 1e-12
_STEERED = 0.01  # a text to which words or a pattern brought the reading: they say that it is one, its score is low


@dataclass(frozen=True)
class CtcOptions(DecodeOptions):
    """How the scores of steps become a text."""

    alphabet: tuple[str, ...] | None = option(None, texts)  # the characters in the order of the scores, no blank
    blank: str = option("first", one_of("first", "last"))  # where "no character here" stands among the scores
    steps: str = option("rows", one_of("rows", "columns"))  # (T, C) or (C, T)
    probabilities: bool | str = option(FROM_VALUES, one_of(True, False, FROM_VALUES))
    lexicon: tuple[str, ...] | None = option(None, texts)  # only these words
    pattern: str | None = option(None, lambda value: None if value is None else text(value))  # only what fits
    beam: int = option(16, whole(1, 1000))  # beginnings that a search among words or by a pattern follows


def ctc(network: Network, options: CtcOptions) -> Decoder:
    """The text of one picture's outputs, (1, T, C) or (T, 1, C): one row, or none where nothing is written.

    A row's score is the probability of its whole text. A text that the threshold, the words or the pattern do not
    allow is an unknown row that still says what was read. The model's own threshold is one of plain readings: what
    words or a pattern brought the reading to needs less.
    """
    alphabet = _checked_alphabet(options)
    allowed = _allowed(options, alphabet)
    labels = network.labels or (TEXT,)

    def decode(
        outputs: Mapping[str, NDArray[Any]],
        placement: Placement,  # noqa: ARG001
        threshold: float | None = None,
    ) -> Recognitions:
        steps = steps_of(next(iter(outputs.values())), options)
        if steps.shape[1] != len(alphabet) + 1:
            raise ModelError(
                f"it gives {steps.shape[1]} scores a step, its alphabet has {len(alphabet)} characters: --labels is to "
                f"name {steps.shape[1] - 1} of them, or {steps.shape[1]} with <blank> first or last"
            )
        read, fits, steered = _read(steps, allowed, options.beam) if np.isfinite(steps).all() else ((), False, False)
        if not read:
            return Recognitions.nothing(labels, network.task)
        score = likelihood(steps, read)
        least = network.decode.held_to(threshold)
        known = fits and score >= (min(least, _STEERED) if steered and threshold is None else least)
        return Recognitions(
            labels,
            np.array([0 if known else UNKNOWN_ID], np.int32),
            np.array([score], np.float32),
            texts=("".join(alphabet[column - 1] for column in read),),
            extra={CHARACTER_SCORES: confidences(steps, read)[None]},
            task=network.task,
        )

    return decode


def steps_of(values: NDArray[Any], options: CtcOptions) -> NDArray[np.float64]:
    """(T, C): the probability of every character at every step, the blank's first."""
    scores = np.asarray(values, np.float64)
    scores = scores.reshape(-1, scores.shape[-1])
    scores = scores.T if options.steps == "columns" else scores
    if options.blank == "last":
        scores = np.roll(scores, 1, axis=1)
    given = options.probabilities
    if given is True or (given == FROM_VALUES and bool(scores.min() >= 0 and np.allclose(scores.sum(1), 1, atol=0.02))):
        return np.maximum(scores, _LEAST)
    return np.maximum(softmax(scores), _LEAST)


def _read(steps: NDArray[np.float64], allowed: Automaton | None, width: int) -> tuple[tuple[int, ...], bool, bool]:
    """The columns of what is read, whether it is allowed, and whether that took another reading than the plain one."""
    plain = spoken(steps)
    if allowed is None or not plain or accepts(allowed, plain):
        return plain, True, False
    from .spelling.beam import likeliest

    found = likeliest(steps, allowed, width)
    return (plain, False, False) if found is None else (found, True, True)


def _checked_alphabet(options: CtcOptions) -> tuple[str, ...]:
    if not options.alphabet:
        raise ModelError("its alphabet is not known: name it with --labels FILE, one character a line")
    return options.alphabet


def _allowed(options: CtcOptions, alphabet: tuple[str, ...]) -> Automaton | None:
    """What the words and the pattern allow, where one of them was given."""
    if options.pattern is None and options.lexicon is None:
        return None
    pattern = None
    if options.pattern is not None:
        from .spelling.pattern import Pattern

        pattern = Pattern(options.pattern, alphabet)
    if options.lexicon is None:
        return pattern
    from .spelling.lexicon import Lexicon

    place = places_in(alphabet)
    words = [word for each in options.lexicon if (word := columns_of(each, place))]
    if pattern is not None:
        words = [word for word in words if accepts(pattern, word)]
    if not words:
        raise UsageError(
            f"--lexicon: none of its {len(options.lexicon)} words can be read with this model's alphabet"
            + ("" if pattern is None else f" and fits {options.pattern}")
        )
    return Lexicon(tuple(words))
