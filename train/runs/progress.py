"""How a training tells what it does: a live line on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from edgelens.runtime.metrics.interval import percent

from ..report.score import Score

__all__ = ["Progress", "Watch"]

_LINE_EVERY_S = 10.0

Watch = Callable[[dict[str, float]], None]  # told every epoch's row; what it raises ends the training


class Progress:
    """Epochs, throughput and time left; says nothing when quiet."""

    def __init__(
        self,
        epochs: int,
        steps: int,
        *,
        quiet: bool = False,
        tensorboard: Any = None,
        watch: Watch | None = None,
        score: Score | None = None,
        validated: int = 0,
    ) -> None:
        """A `score` that is a share of the `validated` pictures is said with its interval."""
        self._score, self._validated = score, validated
        self.epochs, self.steps, self.quiet = epochs, steps, quiet
        self._watch = watch
        self._tensorboard = tensorboard
        self._bar: Any = None
        self._job: Any = None
        self._seen, self._done_before = 0, 0
        self._start = self._said = time.perf_counter()

    def __enter__(self) -> Progress:
        self._start = time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._tensorboard is not None:
            self._tensorboard.close()

    def reading(self, what: str, done: int, of: int) -> None:
        """While images are read and decoded: how many, on a terminal in place, elsewhere a line now and then."""
        if self.quiet:
            return
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{what} images: {done:,} of {of:,}\r")
            sys.stderr.flush()
        elif time.perf_counter() - self._said > _LINE_EVERY_S:
            self._said = time.perf_counter()
            self.say(f"{what} images: {done:,} of {of:,}")

    def step(self, done: int, images: int, loss: float) -> None:
        """After every optimizer step: `done` of all steps."""
        if self.quiet or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._bar, self._job = _rich_bar(self.epochs * self.steps)
            self._start = time.perf_counter()
        self._seen += images
        rate = self._seen / max(time.perf_counter() - self._start, 1e-9)
        epoch = min((done - 1) // self.steps + 1, self.epochs)
        line = f"epoch {epoch}/{self.epochs}  loss {loss:.4f}  {rate:,.0f} images/s"
        self._bar.update(self._job, completed=done, description=line)

    def epoch(self, row: dict[str, float], remaining: float = math.inf) -> None:
        """After every epoch: one line, and TensorBoard where it is installed; it may train for `remaining` seconds."""
        left = min((self.epochs - row["epoch"]) * row["seconds"], max(remaining, 0.0))
        scores = "  ".join(self._figure(name, row[name]) for name in row if name.startswith("val_"))
        self.say(
            f"epoch {row['epoch']:.0f}/{self.epochs}  train loss {row['train_loss']:.4f}  {scores}"
            f"  {row['images_per_s']:,.0f} images/s  {_duration(left)} left"
        )
        if self._tensorboard is not None:
            for name, value in row.items():
                self._tensorboard.add_scalar(name, value, int(row["epoch"]))
        if self._watch is not None:
            self._watch(row)

    def _figure(self, name: str, value: float) -> str:
        """A figure of the validation, with what chance leaves open on so few pictures."""
        if self._score is None or name != f"val_{self._score.name}":
            return f"{name.replace('_', ' ')} {value:.4f}"
        counted = self._score.counted and self._score.share
        return f"val {self._score.title} {percent(value, self._validated) if counted else f'{value:.4f}'}"

    def say(self, line: str) -> None:
        """One line, above the live one where there is one."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.console.print(line, highlight=False, markup=False)
        else:
            clear = "\x1b[K" if sys.stderr.isatty() else ""  # of what `reading` left there
            sys.stderr.write(f"{clear}{line}\n")
            sys.stderr.flush()

    def warn(self, line: str) -> None:
        """One line that says so."""
        self.say(f"warning: {line}")


def _duration(seconds: float) -> str:
    minutes = round(seconds) // 60
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes}:{round(seconds) % 60:02}"


def _rich_bar(total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True))
    bar.start()
    return bar, bar.add_task("starting", total=total)
