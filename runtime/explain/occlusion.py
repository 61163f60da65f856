"""A bundle's answer explained without gradients, on any engine: cover one part after the other, see what it loses."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import DataError, UsageError
from ..model.network import LoadedNetwork
from ..model.recognizer import BundleRecognizer
from ..model.taught import Taught
from ..recognitions import Recognitions
from ..tasks.asking import Asked, Outputs, Question
from ..tasks.catalog import task_of
from ..tasks.task import Answer
from .covers import covered, covers, heat_of
from .explanation import Explanation, Heat, Part, Similar
from .likeness import ask_gallery, names_in, similar_in
from .look import Look

__all__ = ["METHOD", "explain_look"]

METHOD = "occlusion"
_SAID = 7  # things that are named, the surest


def explain_look(recognizer: BundleRecognizer, look: Look, label: str | None = None) -> Explanation:
    """Explain an answer, the model's own unless said; a recognizer opened with `taught` is asked by likeness too."""
    network = recognizer.main
    (outputs,) = network.outputs_of_many([look.pixels])
    seen = network.decode(outputs, look.placement)
    taught, similar = network.taught, tuple[Similar, ...]()
    if taught is not None and _is_taught(network, taught, seen, label):
        asked, similar = ask_gallery(taught, outputs, label), similar_in(taught, outputs)
    else:
        asked = _ask_task(recognizer, look, Answer(outputs, seen), label)
    if not asked.questions:
        name = recognizer.bundle.manifest.name
        raise DataError(f"{name} says nothing of this picture; --class NAME asks for an answer that it could give")
    return Explanation(
        _parts(network, look, asked, outputs),
        asked.between.join(seen.names[:_SAID]),
        float(seen.scores[:_SAID].min(initial=1.0)),
        METHOD,
        similar,
        asked.between,
    )


def _is_taught(network: LoadedNetwork, taught: Taught, seen: Recognitions, label: str | None) -> bool:
    """Whether the answer is one of those that were taught, not one that the network learned."""
    if task_of(network.network.task).ask is None:
        return True
    return bool(seen.identities) if label is None else label in names_in(taught)


def _ask_task(recognizer: BundleRecognizer, look: Look, answer: Answer, label: str | None) -> Asked:
    network, name = recognizer.main, recognizer.bundle.manifest.name
    ask = task_of(network.network.task).ask
    if ask is None:
        raise UsageError(f"{name}: its task, {network.network.task}, has no answer whose pixels could be told apart")

    def read(outputs: Outputs, threshold: float | None = None) -> Recognitions:
        return network.decode(outputs, look.placement, threshold, named=False)

    return ask(network.network, answer, read, label)


def _parts(network: LoadedNetwork, look: Look, asked: Asked, outputs: Outputs) -> tuple[Part, ...]:
    scores = [question.sure(outputs) for question in asked.questions]
    heats = _heats(network, look, asked.questions, scores)
    return tuple(
        Part(question.label, score, look.heat(heat), look.box(question.box))
        for question, score, heat in zip(asked.questions, scores, heats, strict=True)
    )


def _heats(network: LoadedNetwork, look: Look, questions: Sequence[Question], scores: Sequence[float]) -> list[Heat]:
    """(h, w) for each question: how much less sure the network is of it with a place covered."""
    height, width = look.pixels.shape[:2]
    places = covers(height, width)
    lost: list[list[float]] = [[] for _ in questions]
    for place in places:
        less = network.outputs(covered(look.pixels, place))
        for question, score, losses in zip(questions, scores, lost, strict=True):
            losses.append(score - question.sure(less))
    return [heat_of(losses, places, height, width) for losses in lost]
