"""A model file's score on a labelled data set, through the call that the camera uses; its task knows the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..bundle.bundle import Bundle, one_network
from ..bundle.learned import LEARNED, learned_share
from ..bundle.manifest import ModelFile
from ..engines.protocol import EngineOptions
from ..errors import ModelError
from ..preprocess import Region
from ..tasks.catalog import task_of
from ..tasks.task import Labelled, Report
from .answers import Answers, Progress, stage_percentiles
from .network import choose_file
from .recognizer import BundleRecognizer

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """A task's report, and how it came about."""

    report: Report
    unreadable: tuple[str, ...]  # pictures that could not be decoded and are left out, one line each
    stages_ms: dict[str, dict[str, float]]
    file: ModelFile
    learned: float = 0.0  # share of the pictures that the bundle says were learned
    expected: str = ""  # what the bundle says of pictures that were not

    def flattered(self) -> str:
        """A line for people where pictures were learned; empty where none is known to be."""
        if not self.learned:
            return ""
        expected = f"expect {self.expected}" if self.expected else "expect less"
        share = f"{100 * self.learned:.0f} %"
        return f"{share} of these pictures are ones that it learned, which flatters it: of others {expected}"

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return {
            **self.report.to_json(),
            "unreadable": len(self.unreadable),
            "stages_ms": self.stages_ms,
            "engine": self.file.engine,
            "precision": self.file.precision,
            "learned": self.learned,
            "expected_of_others": self.expected or None,
        }


def evaluate(
    bundle: Bundle,
    data: Labelled,
    *,
    file: ModelFile | None = None,
    threshold: float | None = None,
    options: EngineOptions | None = None,
    region: Region | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Run a bundle's last network, from one of its files, over every picture."""
    alone = one_network(bundle)
    alone = one_network(alone, file=file or choose_file(alone.manifest.main))
    network = alone.manifest.main
    task = task_of(network.task)
    held = task.evaluated_at if threshold is None else threshold
    with BundleRecognizer(alone, engine=network.files[0].engine, options=options, region=region) as recognizer:
        answers = Answers(recognizer, data, held, progress)
        try:
            report = task.evaluate(data, network, answers)
        except ModelError as error:
            raise ModelError(f"{network.files[0].path}: {error}") from None
    learned = _learned(bundle, data, answers.looked)
    expected = str(bundle.manifest.provenance.notes.get("expected", ""))
    times = stage_percentiles(answers.times)
    return Evaluation(report, tuple(answers.unreadable), times, network.files[0], learned, expected)


def _learned(bundle: Bundle, data: Labelled, rows: list[int]) -> float:
    """The share of what was looked at that the bundle says was learned."""
    if LEARNED not in bundle.manifest.entries:
        return 0.0
    where = str(bundle.path or bundle.manifest.name)
    return learned_share(bundle.read(LEARNED), (data.content(i) for i in rows), where)
