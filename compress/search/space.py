"""The candidates of a budget search: the network as it is, pruned, narrower, its front, and seeing a smaller picture.

What is pruned, a front or sees a smaller picture goes on from the trained weights; what is narrower begins from chance.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.runs.run import Run
from edgelens.train.start.pretrained import front_of, smaller_by_cutting
from edgelens.train.tasks.catalog import make_task

__all__ = ["Attempt", "attempts_of"]

PRUNED = (0.75, 0.5, 0.35, 0.25, 0.15, 0.08)
WIDTHS = (0.75, 0.5, 0.35, 0.25)
SIDES = (0.75, 0.5)  # of the picture's
FRONTS = (1.0, 0.75, 0.5, 0.25)  # of the multiply-adds of the first stages alone
PRUNED_AT_A_SIDE = (1.0, 0.5)
_FRONT = 0.64  # of lite0's multiply-adds are in its first stages


@dataclass(frozen=True)
class Attempt:
    """One way to a smaller network."""

    kind: str  # "trained", "pruned", "narrower", "front"
    share: float = 1.0  # of the multiply-adds (pruned, front) or of the width (narrower)
    side: float = 1.0  # of the picture's side

    @property
    def key(self) -> str:
        """The candidate's folder."""
        return f"{self.kind}-{self.share:g}-{self.side:g}"

    @property
    def words(self) -> str:
        """The candidate for people."""
        what = "its first stages alone" if self.kind == "front" else "as trained"
        if self.share < 1:
            pruned = f"pruned to {self.share:.0%} of {'their' if self.kind == 'front' else 'the'} multiply-adds"
            what = {"front": f"{what}, {pruned}", "pruned": pruned, "narrower": f"{self.share:g} × width"}[self.kind]
        return what if self.side == 1 else f"{what}, {self.side:g} × the picture's side"

    @property
    def left(self) -> float:
        """About what share of the multiply-adds is left."""
        share = {"front": _FRONT * self.share, "narrower": self.share**2}.get(self.kind, self.share)
        return share * self.side**2

    def pixels(self, whole: PixelContract) -> PixelContract:
        """The picture that the candidate sees."""
        height, width = (max(round(n * self.side / 4) * 4, 4) for n in (whole.height, whole.width))
        return whole if self.side == 1 else dataclasses.replace(whole, height=height, width=width)


def attempts_of(run: Run) -> tuple[Attempt, ...]:
    """Every candidate of a run, the largest first.

    A picture's side is left where a teacher's answers hang on it; a network whose kind has seen the world is not
    made narrower from chance.
    """
    plans = [Attempt("trained")] + [Attempt("pruned", share) for share in PRUNED]
    any_size = not make_task(run.config, run.classes).sized
    if not smaller_by_cutting(run.config):
        plans += [Attempt("narrower", width) for width in WIDTHS]
    elif front_of(run.config) and any_size:
        plans += [Attempt("front", share) for share in FRONTS]
    if min(run.pixels.height, run.pixels.width) >= 24 and any_size:
        plans += [Attempt("pruned", share, side) for side in SIDES for share in PRUNED_AT_A_SIDE]
    return tuple(sorted(plans, key=lambda plan: -plan.left))
