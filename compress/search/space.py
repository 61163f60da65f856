"""The candidates of a budget search: the network as it is, pruned, narrower, and seeing a smaller picture."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.runs.run import Run
from edgelens.train.tasks.catalog import make_task

__all__ = ["Attempt", "attempts_of"]

PRUNED = (0.75, 0.5, 0.35, 0.25, 0.15, 0.08)
WIDTHS = (0.75, 0.5, 0.35, 0.25)
SIDES = (0.75, 0.5)  # of the picture's


@dataclass(frozen=True)
class Attempt:
    """One way to a smaller network."""

    kind: str  # "trained", "pruned", "narrower"
    share: float = 1.0  # of the multiply-adds (pruned) or of the width (narrower)
    side: float = 1.0  # of the picture's side

    @property
    def key(self) -> str:
        """The candidate's folder."""
        return f"{self.kind}-{self.share:g}-{self.side:g}"

    @property
    def words(self) -> str:
        """The candidate for people."""
        if self.kind == "trained":
            return "as trained"
        what = (
            f"pruned to {self.share:.0%} of the multiply-adds" if self.kind == "pruned" else f"{self.share:g} × width"
        )
        return what if self.side == 1 else f"{what}, {self.side:g} × the picture's side"

    def pixels(self, whole: PixelContract) -> PixelContract:
        """The picture that the candidate sees."""
        height, width = (max(round(n * self.side / 4) * 4, 4) for n in (whole.height, whole.width))
        return whole if self.side == 1 else dataclasses.replace(whole, height=height, width=width)


def attempts_of(run: Run) -> tuple[Attempt, ...]:
    """Every candidate of a run, the largest first; a picture's side is left where a teacher's answers hang on it."""
    plans = (
        [Attempt("trained")] + [Attempt("pruned", share) for share in PRUNED] + [Attempt("narrower", w) for w in WIDTHS]
    )
    if min(run.pixels.height, run.pixels.width) >= 24 and not make_task(run.config, run.classes).sized:
        plans += [Attempt("narrower", width, side) for side in SIDES for width in (1.0, 0.5)]
    return tuple(plans)
