"""Identification: who or which it is, of what was shown to the device; nobody is an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bundle.manifest import Decode, Network
from ..decode.identify import EMBEDDING, IdentifyOptions
from ..errors import DataError
from ..recognitions import Recognitions
from .rows import draw_rows
from .steady import Unchanged
from .task import Answer, Closeness, Looked, Report, Table, Task, Teachable

if TYPE_CHECKING:
    from ..datasets.imageset import ImageSet
    from ..metrics.identification import Identification

__all__ = ["TASK"]


@dataclass(frozen=True)
class IdentifyReport:
    """How well embeddings tell identities apart that the network may never have seen."""

    found: Identification

    def to_json(self) -> dict[str, Any]:
        """The figures; the score is the share recognized with one picture shown of everybody."""
        return {"task": "identify", "accuracy": self.found.rank1[1], **self.found.to_json()}

    def tables(self) -> Sequence[Table]:
        """Ranks by how many pictures were shown, and what strangers cost."""
        found = self.found
        ranks = tuple((n, f"{found.rank1[n]:.2%}", f"{found.rank5[n]:.2%}") for n in found.rank1)
        pairs = tuple((f"{rate:.1%}", f"{share:.2%}") for rate, share in found.false_rejects.items())
        return [
            Table(("SHOWN", "RECOGNIZED", "AMONG FIVE"), ranks, "pictures shown of everybody"),
            Table(("STRANGERS TAKEN", "FRIENDS REFUSED"), pairs, "pairs of pictures"),
        ]

    def lines(self) -> Sequence[str]:
        """Of whom ranks tell, the figures of pairs and of retrieval; last the score."""
        found = self.found
        return [
            *found.notes(),
            f"equal error {found.equal_error:.2%}, mean precision {found.mean_precision:.2%}",
            f"{found.rank1[1]:.2%} of {found.identities} identities' pictures recognized with one picture shown",
        ]


def _load(path: str, format_name: str | None, split: str | None) -> tuple[ImageSet, str]:
    from ..datasets.catalog import load_images  # a camera needs no data set

    return load_images(path, format=format_name).for_evaluation(split)


def _evaluate(data: ImageSet, network: Network, answers: Iterable[Looked]) -> Report:  # noqa: ARG001
    from ..metrics.identification import identification

    pictures = data.counted()
    if (pictures > 0).sum() < 2 or pictures.max() < 2:
        raise DataError(
            f"{data.root}: asks nothing: a picture is shown of everybody and another one asked, so give two folders of"
            " identities at least, one of them with two pictures"
        )
    rows, ids = [], []
    for row, _, seen in answers:
        assert seen.embeddings is not None
        rows.append(seen.embeddings[0])
        ids.append(int(data.labels[row]))
    return IdentifyReport(identification(np.stack(rows), np.array(ids, np.int64)))


def _agreement(wanted: Sequence[Answer], found: Sequence[Answer]) -> float:
    from ..metrics.identification import in_one_space

    if len(wanted) < 2:
        return 1.0
    ours, theirs = (np.concatenate([a.seen.embeddings for a in side if a.seen.embeddings is not None])
                    for side in (wanted, found))  # fmt: skip
    return in_one_space(ours, theirs)


def _describe(seen: Recognitions) -> str:
    if not len(seen):
        return "nothing"
    if not seen.identities or not seen.identities[0]:
        return "nobody that was taught"
    return f"{seen.identities[0]} {seen.scores[0]:.2f}"


def _uncertain(seen: Recognitions, decode: Decode, close: Closeness) -> bool:  # noqa: ARG001
    """Whoever is not known is worth a look: a name may be given."""
    return bool(len(seen)) and seen.called(0) is None


def _teachable(network: Network) -> Teachable | None:
    options = IdentifyOptions.of(network.decode)
    return Teachable(EMBEDDING, accepts=options.accepts, false_accepts=options.false_accepts)


TASK = Task(
    "identify",
    load=_load,
    evaluate=_evaluate,
    agreement=_agreement,
    steady=Unchanged,
    draw=draw_rows,
    describe=_describe,
    uncertain=_uncertain,
    teachable=_teachable,
    labelled=False,
    thresholded=False,
)
