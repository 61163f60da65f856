"""Classification: one label a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Decode, Network
from ..decode.classify import FAMILIAR, ClassifyOptions, ranked
from ..recognitions import UNKNOWN_ID, Recognitions
from .task import Answer, Closeness, Looked, Report, Task, Teachable

if TYPE_CHECKING:
    from ..datasets.imageset import ImageSet
    from .asking import Asked, Read
    from .canvas import Canvas

__all__ = ["TASK"]

_SAID = 3  # classes, the best one and its rivals


class _Average:
    """An exponential average of the probabilities, ranked again as the decoder does."""

    def __init__(self) -> None:
        self._average: NDArray[np.float32] | None = None
        self._usual: NDArray[np.float32] | None = None

    def __call__(self, seen: Recognitions, weight: float, decode: Decode) -> Recognitions:
        """The frame's answer with the newest frame weighing `weight`."""
        newest = seen.maps.get("probabilities")
        if weight >= 1 or newest is None:
            self._average = None
            return seen
        if self._average is None or self._average.shape != newest.shape:
            self._average, self._usual = np.array(newest, np.float32), seen.maps.get(FAMILIAR)
            return seen
        self._average = self._average + np.float32(weight) * (newest - self._average)
        options, usual = ClassifyOptions.of(decode), seen.maps.get(FAMILIAR)
        if usual is not None:
            return self._familiar(seen, usual, weight, options, decode)
        again = ranked(self._average, seen.labels, options, decode.threshold, decode.thresholds, task=seen.task)
        return _as_named(seen, again, {**seen.maps, "probabilities": self._average})

    def _familiar(
        self, seen: Recognitions, usual: NDArray[np.float32], weight: float, options: ClassifyOptions, decode: Decode
    ) -> Recognitions:
        """The same where nearness to learned pictures decides too: it is averaged as the probabilities are."""
        from ..decode.known import as_unknown

        before = usual if self._usual is None else self._usual
        self._usual = before + np.float32(weight) * (usual - before)
        assert self._average is not None
        own = decode.threshold if decode.thresholds else 0.0
        again = ranked(self._average, seen.labels, options, own, decode.thresholds, task=seen.task)
        maps = {**seen.maps, "probabilities": self._average, FAMILIAR: self._usual}
        again = _as_named(seen, again, maps)
        return as_unknown(again) if float(self._usual[0]) < 1 else again


def _as_named(seen: Recognitions, again: Recognitions, maps: Mapping[str, NDArray[np.float32]]) -> Recognitions:
    """A frame's answer after averaging, with the rest of what the frame showed."""
    if len(again) != len(seen):
        return replace(again, maps=maps)
    names, similarities = seen.identities, seen.similarities
    return replace(again, extra=seen.extra, maps=maps, identities=names, similarities=similarities)


def _load(path: str, format_name: str | None, split: str | None) -> tuple[ImageSet, str]:
    from ..datasets.catalog import load_images  # a camera needs no data set

    return load_images(path, format=format_name).for_evaluation(split)


def _evaluate(data: ImageSet, network: Network, answers: Iterable[Looked]) -> Report:
    from .classifier_report import evaluate_classifier

    return evaluate_classifier(data, network, answers)


def _agreement(wanted: Sequence[Answer], found: Sequence[Answer]) -> float:
    """How often the best class is the same, whatever a threshold says of it."""
    pairs = zip(wanted, found, strict=True)
    return float(np.mean([_best(ours) == _best(theirs) for ours, theirs in pairs]))


def _best(answer: Answer) -> int:
    return int(np.argmax(next(iter(answer.outputs.values()))))


def _said(seen: Recognitions) -> list[tuple[int, str]]:
    """Label id and words of the best classes."""
    if not len(seen):
        return []
    said = [(int(seen.ids[0]), f"{seen.label()} {seen.scores[0]:.2f}")]
    if (name := seen.identities[0] if seen.identities else "") and seen.similarities is not None:
        said.insert(0, (UNKNOWN_ID, f"{name} {seen.similarities[0]:.2f}"))
    ids = [] if seen.rivals is None else [int(i) for i in seen.rivals[0] if i != UNKNOWN_ID]
    return [*said, *((i, f"{label} {score:.2f}") for i, (label, score) in zip(ids, seen.rivals_of(), strict=True))][
        :_SAID
    ]


def _draw(canvas: Canvas, seen: Recognitions) -> None:
    """The best classes as lines at the top left."""
    from .canvas import color_of
    from .rows import draw_rows

    if len(seen) != 1:
        draw_rows(canvas, seen)
        return
    for line, (label_id, words) in enumerate(_said(seen)):
        canvas.headline(line, words, color_of(label_id))


def _describe(seen: Recognitions) -> str:
    return ", ".join(words for _, words in _said(seen)) or "nothing"


def _uncertain(seen: Recognitions, decode: Decode, close: Closeness) -> bool:
    """Rejected, near the threshold, or a narrow lead."""
    if not len(seen):
        return False
    least = decode.least(seen.label(0))
    if int(seen.ids[0]) == UNKNOWN_ID or (least and float(seen.scores[0]) < least + close.near):
        return True
    rivals = seen.rivals_of()
    return bool(rivals) and float(seen.scores[0]) - rivals[0][1] < close.lead


def _teachable(network: Network) -> Teachable | None:
    """By its features where it gives them, else by its answers."""
    from ..decode.known import FEATURES

    names = [output.name for output in network.outputs]
    features = FEATURES in names
    return Teachable(
        FEATURES if features else names[0],
        features=features,
        beside=True,
        false_accepts=ClassifyOptions.of(network.decode).false_accepts,
    )


def _ask(network: Network, answer: Answer, read: Read, label: str | None) -> Asked:  # noqa: ARG001
    """The class that the picture was taken for, also where it was not sure enough."""
    from .asking import Asked, Question, named_among

    seen = answer.seen
    names = [seen.name_of(number) for number in range(len(seen.maps["probabilities"]))]
    best = [number for number in (*seen.ids, *(() if seen.rivals is None else seen.rivals[0])) if number != UNKNOWN_ID]
    if label is None and not best:
        return Asked(())
    number = int(best[0]) if label is None else named_among(label, names)
    return Asked((Question(names[number], lambda outputs: float(read(outputs, 0.0).maps["probabilities"][number])),))


TASK = Task(
    "classify",
    load=_load,
    evaluate=_evaluate,
    agreement=_agreement,
    steady=_Average,
    draw=_draw,
    describe=_describe,
    uncertain=_uncertain,
    teachable=_teachable,
    ask=_ask,
)
