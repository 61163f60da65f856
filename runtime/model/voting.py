"""One answer of several looks at the same thing: the task steadies them, names are given to all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import Network
from ..gallery.match import FALSE_ACCEPTS
from ..recognitions import AGREED, LOOKS, Recognitions
from ..tasks.catalog import task_of
from ..track.carried import carried
from ..track.look import Look, is_whole
from .crops import Crop
from .network import LoadedNetwork

__all__ = ["NetworkVoter"]

_DOUBT = 0.05  # what a look still weighs by that is not sure at all
_CUT_OFF = 0.2  # what a look weighs by that the picture's edge cuts off
_NEARLY_ALL = 0.999  # of the weight is the first look's: a task takes 1 for "no steadying"


@dataclass(frozen=True)
class NetworkVoter:
    """Looks by one network, at thresholds as they are now."""

    loaded: LoadedNetwork
    threshold: float | None = None

    @property
    def network(self) -> Network:
        """Whose looks these are."""
        return self.loaded.network

    @property
    def edition(self) -> object:
        """What decides beside the looks: what was taught, and the threshold."""
        taught = self.loaded.taught
        return self.threshold, None if taught is None else taught.edition

    def look(
        self,
        crop: Crop,
        outputs: Mapping[str, NDArray[Any]],
        *,
        box: NDArray[np.float32],
        at: float,
        view: tuple[int, int, int, int],
    ) -> Look:
        """What the network answered to a crop, as one look at what is in a box."""
        seen = crop.in_frame(self.loaded.decode(outputs, crop.placement, self.threshold, named=False))
        taught = self.loaded.taught
        features = None if taught is None else taught.row(outputs)
        sure = _DOUBT + (float(seen.scores[0]) if len(seen) else 0.0)
        whole = is_whole(box, view)
        return Look(seen, features, box.copy(), at, _clearness(crop, box) * sure * (1 if whole else _CUT_OFF), whole)

    def limit(self, others: int) -> float:
        """The cosine that a new thing's look has with one of so many others' in one case of a hundred."""
        from ..gallery.space import Space  # only looks that are vectors are compared

        teachable = task_of(self.network.task).teachable(self.network)
        space = Space("", 0, accepts=() if teachable is None else teachable.accepts)
        return space.limit(FALSE_ACCEPTS, others, np.empty(0, np.float32))

    def vote(self, looks: Sequence[Look]) -> Recognitions:
        """What all looks say together; where they are of several things inside one, or of none, the newest says it.

        What the picture's edge cuts off agrees on nothing once there is a whole look.
        """
        single = [look for look in looks if len(look.seen) == 1]
        if not single or len(looks[-1].seen) > 1:
            return _counted(looks[-1].seen, 1, len(looks))  # nobody voted, nobody disagreed
        answer = self._answer(single)
        if single[-1] is not looks[-1]:  # a newest look that found nothing still knows where the thing is
            answer = carried(answer, single[-1].box, looks[-1].box)
        name = answer.announced_as(0)
        heard = [look for look in single if look.whole] or single
        agreed = sum(name is not None and self._answer([look]).announced_as(0) == name for look in heard)
        return _counted(answer, len(single), agreed)

    def _answer(self, looks: Sequence[Look]) -> Recognitions:
        """The looks' one row: their running mean as the task makes it, each with the weight of its clearness."""
        weights = np.array([look.clearness for look in looks])
        if len(looks) == 1:
            seen = looks[0].seen
        else:
            steady = task_of(self.network.task).steady()
            decode = self.network.decode.at(self.threshold)
            for look, share in zip(looks, weights / weights.cumsum(), strict=True):
                seen = steady(look.seen, min(float(share), _NEARLY_ALL), decode)
        taught = self.loaded.taught
        if taught is None:
            return seen
        rows = [look.features for look in looks if look.features is not None]
        return taught.named_by(seen, lambda: np.stack(rows), weights)


def _counted(seen: Recognitions, looks: int, agreed: int) -> Recognitions:
    columns = {LOOKS: np.full(len(seen), looks, np.int32), AGREED: np.full(len(seen), agreed, np.int32)}
    return replace(seen, extra={**seen.extra, **columns})


def _clearness(crop: Crop, box: NDArray[np.float32]) -> float:
    """How much can be made out: the side of what was cut out, and how sharp its edges are."""
    gray = crop.pixels if crop.pixels.shape[-1] == 1 else cv2.cvtColor(crop.pixels, cv2.COLOR_BGR2GRAY)
    edges = float(cv2.Laplacian(gray, cv2.CV_32F).std())
    return max(float(np.sqrt(box[2:].prod())) * edges, 1e-6)
