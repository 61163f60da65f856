"""The card that `edgelens make` ends with: how good, how large and how fast, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgelens.compress.pipeline import Compressed
    from edgelens.train.report.told import Told
    from edgelens.train.runs.run import Run

__all__ = ["SLOW_MS", "Made", "next_command", "told_of"]

SLOW_MS = 100.0  # a picture, from which on a smaller one is worth a thought
_SMALLEST = 96  # pixels a side


def told_of(run: Run) -> Told | None:
    """The run in a few lines, where its task tells some."""
    from edgelens.train.runs.report import gather
    from edgelens.train.tasks.catalog import make_task

    task = make_task(run.config, run.classes)
    return None if task.told is None else task.told(gather(run))


def next_command(out: str, device: str | None, host: str | None, *, knows: bool) -> str:
    """What is to be typed now: onto the device that it was made for; else what `knows` nothing is taught first."""
    if host or device:
        return f"edgelens deploy {out} --to {host or 'HOST'}"
    return f"edgelens run {out}" if knows else f"edgelens teach NAME --source 0 --model {out}"


@dataclass(frozen=True)
class Made:
    """What was made, and how good it is."""

    run: Run
    made: Compressed
    told: Told | None
    tested: str  # what the bundle did on the data's own test split; empty where there is none
    proven: bool
    seconds: float

    def lines(self, out: str) -> list[str]:
        """The card."""
        from edgelens.compress.bundle.card import share_of

        card, told = self.made.card, self.told
        name = self.made.bundle.manifest.main.preferred
        searched = "search" in card.extra  # for limits: it may be another network than the trained one
        rows: list[tuple[str, str]] = []
        title, score = ("scored", self.scored()) if told is None else ("right", told.score)
        rows.append((title, f"{score} before compression; {self.basis}"))
        if self.tested:
            rows.append(("tested", self.tested))
        for file in (row for row in card.rows if row.file == name):
            rows.append(("runs", f"{file.step}, {(file.size or 0) / 1e6:.1f} MB{_time(file, card.on, card.device)}"))
            if searched and file.accuracy is not None:
                rows.append(("after", f"{share_of(file.accuracy, card.images)} {card.score} on {card.evaluated_on}"))
            if file.agreement is not None:
                whose = "its own network in float32" if searched else "the trained network"
                of = f"{card.images:,} photos" if card.images else "its answers"
                rows.append(("the same", f"as {whose} on {share_of(file.agreement, card.images)} of {of}"))
            if (file.device_ms or 0) > SLOW_MS and (smaller := _smaller(self.run.pixels.height)):
                share = (smaller / self.run.pixels.height) ** 2
                asked = f"--model {self.run.config.model} --size {smaller}"
                rows.append(("faster", f"{asked} takes about {100 * share:.0f} % of the time"))
        rows.append(("proven", "every file, on golden frames" if self.proven else "NO: see edgelens verify"))
        if told is not None:
            rows.append(("confuses", "; ".join(told.confused) or "nothing"))
            rows += [("wrongest" if i == 0 else "", photo) for i, photo in enumerate(told.worst)]
            rows.append(("next", told.advice))
        head = f"{out}: {Path(out).stat().st_size / 1e6:.1f} MB, made in {_spent(self.seconds)}"
        return [head, *(f"  {title:<10} {text}" for title, text in rows)]

    def scored(self) -> str:
        """The trained network's score with its interval."""
        return self.run.figure

    @property
    def basis(self) -> str:
        """Whose answers that is of."""
        return self.told.basis if self.told is not None else str((self.run.facts.metrics or {})["basis"])

    def to_json(self, out: str) -> dict[str, Any]:
        """The same for programs."""
        return {
            "schema": 1,
            "bundle": out,
            "run": str(self.run.path),
            "seconds": round(self.seconds, 1),
            "proven": self.proven,
            "tested": self.tested,
            "metrics": self.run.facts.metrics,
            "told": vars(self.told) if self.told else None,
            "card": self.made.card.to_plain(),
        }


def _smaller(side: int) -> int | None:
    """The next picture size that about halves the work; None where the pictures are small already."""
    found = int(side * 0.72) // 32 * 32
    return found if found >= _SMALLEST else None


def _time(file: Any, on: str, here: str) -> str:
    if file.device_ms is not None:
        return f", {file.device_ms:.1f} ms a picture on {on}"
    return f", {file.p50_ms:.1f} ms a picture on {here}" if file.p50_ms is not None else ""


def _spent(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
