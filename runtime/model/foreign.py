"""Pictures of other things, shown to a model: how many it takes for what it knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..bundle.bundle import Bundle, one_network
from ..bundle.manifest import ModelFile
from ..datasets.catalog import load_pictures
from ..engines.protocol import EngineOptions
from ..errors import DataError, ImageError
from ..frame import Frame
from ..metrics.interval import percent, wilson
from ..preprocess import Region
from ..recognitions import UNKNOWN_ID
from .recognizer import BundleRecognizer

__all__ = ["ForeignReport", "evaluate_foreign"]

_NAMED = 3


@dataclass(frozen=True)
class ForeignReport:
    """So many foreign pictures, and what those were taken for that were not called unknown."""

    pictures: int
    taken_for: Mapping[str, int]

    @property
    def accepted(self) -> int:
        """How many were taken for something known."""
        return sum(self.taken_for.values())

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        share = self.accepted / self.pictures
        return {
            "pictures": self.pictures,
            "accepted": self.accepted,
            "share": share,
            "interval": list(wilson(share, self.pictures)),
            "taken_for": dict(self.taken_for),
        }

    def line(self) -> str:
        """The same in a line for people."""
        said = percent(self.accepted / self.pictures, self.pictures)
        most = sorted(self.taken_for.items(), key=lambda pair: -pair[1])[:_NAMED]
        what = "".join(f", {count} × {label}" for label, count in most)
        return f"of {self.pictures:,} foreign pictures {said} are taken for something known{what}"


def evaluate_foreign(
    bundle: Bundle,
    where: str,
    *,
    file: ModelFile,
    threshold: float | None = None,
    options: EngineOptions | None = None,
    region: Region | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> ForeignReport:
    """Show a bundle's last network every picture of a folder or set, labelled or not."""
    pictures = load_pictures(where, "--foreign")
    alone = one_network(bundle, file=file)
    background = alone.manifest.main.decode.background
    taken: Counter[str] = Counter()
    shown = 0
    with BundleRecognizer(alone, engine=file.engine, options=options, region=region) as recognizer:
        for i in range(len(pictures)):
            try:
                frame = Frame(pictures.image(i), i)
            except ImageError:
                continue
            seen = recognizer.recognize(frame, threshold=threshold).recognitions
            shown += 1
            named = {seen.label(row) for row in range(len(seen)) if int(seen.ids[row]) != UNKNOWN_ID} - {*background}
            taken.update(sorted(named)[:1])
            progress(i + 1, len(pictures))
    if not shown:
        raise DataError(f"--foreign {where}: none of {len(pictures)} images can be decoded")
    return ForeignReport(shown, dict(taken))
