"""How a training tells what it does: a live line on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

__all__ = ["Progress"]


class Progress:
    """Epochs, throughput and time left."""

    def __init__(self, epochs: int, steps: int, *, quiet: bool = False) -> None:
        self.epochs, self.steps, self.quiet = epochs, steps, quiet
        self._bar: Any = None
        self._job: Any = None
        self._seen = 0
        self._start = time.perf_counter()

    def __enter__(self) -> Progress:
        if not self.quiet and sys.stderr.isatty():
            self._bar, self._job = _rich_bar(self.epochs * self.steps)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, epoch: int, step: int, images: int, loss: float) -> None:
        """After every optimizer step."""
        self._seen += images
        if self._bar is not None:
            rate = self._seen / max(time.perf_counter() - self._start, 1e-9)
            self._bar.update(
                self._job,
                completed=epoch * self.steps + step + 1,
                description=f"epoch {epoch + 1}/{self.epochs}  loss {loss:.4f}  {rate:,.0f} images/s",
            )

    def epoch(self, row: dict[str, float]) -> None:
        """After every epoch: one line."""
        self.say(
            f"epoch {row['epoch']:.0f}/{self.epochs}  loss {row['train_loss']:.4f}  val loss {row['val_loss']:.4f}"
            f"  val accuracy {100 * row['val_accuracy']:.2f} %  {row['images_per_s']:,.0f} images/s"
        )

    def say(self, line: str) -> None:
        """One line, above the live one where there is one."""
        if self.quiet:
            return
        if self._bar is not None:
            self._bar.console.print(line, highlight=False)
        else:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


def _rich_bar(total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True))
    bar.start()
    return bar, bar.add_task("starting", total=total)
