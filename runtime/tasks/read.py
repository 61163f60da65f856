"""Reading: what is written there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..decode.ctc import CHARACTER_SCORES
from ..errors import UsageError
from ..recognitions import UNKNOWN_ID, Recognitions
from .rows import describe_rows, draw_rows
from .task import Answer, Closeness, Looked, Report, Task
from .text_votes import Votes

if TYPE_CHECKING:
    from ..datasets.imageset import ImageSet
    from .asking import Asked, Read

__all__ = ["TASK"]

_SURE = 0.5  # the least of a text whose model has no threshold
_NAMED = 60  # characters in a message
_GONE = 3  # frames without a text after which the next one is another thing's


class _Vote:
    """The texts of the frames so far vote, the newest weighing most; of a source that shows one text at a time."""

    def __init__(self) -> None:
        self._votes, self._silent = Votes(), 0
        self._refused: set[str] = set()  # likely enough, and yet unknown: what may not be read
        self._steered: set[str] = set()  # less likely, and yet known: what words or a pattern made of it

    def __call__(self, seen: Recognitions, weight: float, decode: Decode) -> Recognitions:
        """The frame's answer with the newest frame weighing `weight`."""
        if weight >= 1 or len(seen) != 1 or seen.texts is None:
            self._silent += 1
            if weight >= 1 or self._silent >= _GONE:
                self._votes, self._refused, self._steered = Votes(), set(), set()
            return seen
        self._silent = 0
        likely, known = float(seen.scores[0]) >= decode.threshold, int(seen.ids[0]) != UNKNOWN_ID
        if likely != known:
            (self._steered if known else self._refused).add(seen.texts[0])
        self._votes.fade(1 - weight)
        self._votes.hear(seen.texts[0], _confidences(seen), weight)
        text, confidences = self._votes.text, self._votes.confidences
        score = float(np.prod(confidences))
        known = (score >= decode.threshold or text in self._steered) and text not in self._refused
        return replace(
            seen,
            ids=np.array([0 if known else UNKNOWN_ID], np.int32),
            scores=np.array([score], np.float32),
            texts=(text,),
            extra={**seen.extra, CHARACTER_SCORES: np.array([confidences], np.float32)},
        )


def _confidences(seen: Recognitions) -> list[float]:
    """How sure each character of the one text is; an alphabet's character may be written with several."""
    assert seen.texts is not None
    text, sure = seen.texts[0], seen.extra[CHARACTER_SCORES][0]
    own: list[float] = sure[: len(text)].tolist()
    if len(own) == len(text) and not np.isnan(own).any():
        return own
    return [float(np.nanmean(sure))] * len(text)


def _holds(path: Path, format_name: str | None) -> bool:
    from ..datasets.texts import holds_texts

    return format_name is None and holds_texts(path)


def _load(path: str, format_name: str | None, split: str | None) -> tuple[ImageSet, str]:
    from ..datasets.texts import load_texts  # a camera needs no data set

    return load_texts(path, format=format_name).for_evaluation(split)


def _evaluate(data: ImageSet, network: Network, answers: Iterable[Looked]) -> Report:
    from .reading_report import evaluate_reading

    return evaluate_reading(data, answers, network.decode.options.get("alphabet") or ())


def _agreement(wanted: Sequence[Answer], found: Sequence[Answer]) -> float:
    """How often the very same text is read, whatever a threshold says of it."""
    pairs = zip(wanted, found, strict=True)
    return float(np.mean([(ours.seen.texts or ()) == (theirs.seen.texts or ()) for ours, theirs in pairs]))


def _uncertain(seen: Recognitions, decode: Decode, close: Closeness) -> bool:
    """Not allowed, or only just likely enough."""
    if not len(seen):
        return False
    return int(seen.ids[0]) == UNKNOWN_ID or float(seen.scores[0]) < (decode.threshold or _SURE) + close.near


def _ask(network: Network, answer: Answer, read: Read, label: str | None) -> Asked:  # noqa: ARG001
    """Every character, in the step of the picture that says it surest."""
    from ..decode.ctc import CtcOptions, steps_of
    from ..decode.spelling.alignment import spoken, surest_steps
    from ..decode.spelling.automaton import columns_of, places_in
    from .asking import Asked, Outputs, Question

    options = CtcOptions.of(network.decode)
    alphabet, texts = options.alphabet or (), answer.seen.texts or ()

    def steps(outputs: Outputs) -> NDArray[np.float64]:
        return steps_of(next(iter(outputs.values())), options)

    def question(step: int, column: int) -> Question:
        return Question(alphabet[column - 1], lambda outputs: float(steps(outputs)[step, column]))

    if label is None and not texts:
        return Asked(())
    columns = columns_of(texts[0] if label is None else label, places_in(alphabet))
    if columns is None and label is None:  # a character of it is written with several
        columns = spoken(steps(answer.outputs))
    if columns is None:
        there = "".join(alphabet[:_NAMED]) + ("…" if len(alphabet) > _NAMED else "")
        raise UsageError(f"--class {label}: has characters that this model does not read; it has {there}")
    surest = surest_steps(steps(answer.outputs), columns)
    if len(surest) < len(columns):
        raise UsageError(
            f"--class {label}: is too long for this model, which reads in {len(steps(answer.outputs))} steps"
        )
    return Asked(tuple(map(question, surest, columns)))


TASK = Task(
    "read",
    load=_load,
    holds=_holds,
    evaluate=_evaluate,
    agreement=_agreement,
    steady=_Vote,
    draw=draw_rows,
    describe=describe_rows,
    uncertain=_uncertain,
    ask=_ask,
)
