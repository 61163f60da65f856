"""What a network that ships knows: what the training found, as long as it is that network; else fitted once more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.decode.known import FEATURES, Known
from edgelens.train.known.fit import MOST_OF_CLASS, fit_known, right_answers
from edgelens.train.runs.outputs import SplitOutputs
from edgelens.train.runs.run import Run
from edgelens.train.tasks.catalog import make_task

from .ingredients import Ingredients
from .learn.pictures import Pictures
from .tasks.task import Arrays

__all__ = ["known_of"]

_LEARNED = 2000  # pictures that those which are kept are chosen among, more where there are many classes
_BY_SCORE = "what is unlike what it learned is told by the score alone"


def known_of(network: nn.Module, made_of: Ingredients, decode: Decode) -> tuple[Known | None, list[str]]:
    """What a network that came of a trained one knows, and what is to be said; `decode` is of the file that ships.

    One that was pruned or taught has features of its own, of learned pictures as of those that it is judged by.
    """
    if made_of.known is None or network is made_of.network:
        return made_of.known, []
    if FEATURES not in made_of.task.outputs:
        return None, [f"the network that learned from this one gives no features: {_BY_SCORE}"]
    count = max(_LEARNED, MOST_OF_CLASS * len(made_of.run.classes))
    learned, held = made_of.training_pictures(most=count), made_of.validation
    bank, answers = (made_of.answers(network, pictures.pixels) for pictures in (learned, held))
    scores = _scores(made_of.run, decode, held, answers)
    right = right_answers(scores, held.labels, made_of.run.classes, decode.background)
    known = fit_known(
        bank[FEATURES],
        learned.labels.astype(np.int64),
        answers[FEATURES][right],
        scores.max(1)[right],
        made_of.run.config.keep,
    )
    if known is None:
        return None, [f"{int(right.sum())} right answers of the smaller network are too few: {_BY_SCORE}"]
    return known, []


def _scores(run: Run, decode: Decode, held: Pictures, answers: Arrays) -> NDArray[np.float32]:
    """How sure of the validation pictures a network is, by the training's honest answers where its head learned them.

    Such a head is sure of them all, and what comes of it too; what ships is brought to the sureness of the honest ones.
    """
    sureness = make_task(run.config, run.classes).sureness
    assert sureness is not None  # or the training would have fitted nothing
    if run.judged_splits == ("val",):
        return sureness(answers, decode)
    row_of = {name: row for row, name in enumerate(run.judged_names)}
    rows = [row_of[held.images.names[row]] for row in held.rows.tolist()]
    return sureness(SplitOutputs.load(run.path).val, run.decode)[rows]
