"""`report.html`: the whole run on one page that can be mailed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.host.files import write_text

from ..runs.run import Run
from ..tasks.catalog import task_builder
from .advice import advise
from .findings import Findings, gather
from .mistakes import gallery, worst_mistakes
from .page import page
from .sections import advice_section, calibration, confusion, curves, data, headline, per_class, settings

__all__ = ["REPORT", "write_report"]

REPORT = "report.html"


def write_report(run: Run) -> Path:
    """Write a finished run's report from what is in its folder, and say where."""
    found = gather(run)
    task = task_builder(run.config.task)(run.classes)
    target = run.path / REPORT
    title = f"Training report: {run.path.resolve().name}"
    write_text(target, page(title, _subtitle(found), PARTS[task.report](found)))
    return target


def _classification(found: Findings) -> list[str]:
    return [
        headline(found),
        advice_section(advise(found)),
        curves(found),
        _mistakes(found),
        confusion(found),
        per_class(found),
        calibration(found),
        data(found),
        settings(found),
    ]


PARTS: dict[str, Callable[[Findings], list[str]]] = {"classification": _classification}  # by `Task.report`


def _subtitle(found: Findings) -> str:
    run, pixels = found.run, found.run.pixels
    return (
        f"{run.config.model} · {len(run.classes)} classes · {pixels.width}×{pixels.height} {pixels.color} ·"
        f" {len(found.outputs.val_labels):,} validation images · {Path(run.config.data).name}"
    )


def _mistakes(found: Findings) -> str:
    try:
        images = found.run.split("val")
    except (EdgelensError, OSError):
        return '<h2>The worst mistakes</h2><p class="dimmed">The pictures are no longer where they were.</p>'
    if len(images) != len(found.outputs.val_labels):  # nothing was left to validate on
        return ""
    mistakes = worst_mistakes(found, list(images.names))
    if not mistakes:
        return '<h2>The worst mistakes</h2><p class="dimmed">None: every validation image was right.</p>'
    total = int((found.probabilities.argmax(1) != found.outputs.val_labels).sum())
    shown = gallery(found, images, found.run.model(), mistakes)
    return (
        f'<h2>The worst mistakes</h2><p class="dimmed">{len(mistakes)} of {total:,}, the surest first; on the right is'
        f" what spoke for the wrong answer.</p>{shown}"
    )
