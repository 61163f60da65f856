"""What `edgelens run` says when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.output import print_table, write_json
from edgelens.cli.run_lanes import inner

if TYPE_CHECKING:
    from edgelens.cli.run_options import RunOptions
    from edgelens.runtime.loop.lane import Lane
    from edgelens.runtime.loop.loop import Outcome
    from edgelens.runtime.sources.protocol import Judge

__all__ = ["exit_code", "explain_engines", "report_run"]

Say = Callable[[str], None]


def report_run(options: RunOptions, outcome: Outcome, lanes: Sequence[Lane], judge: Judge | None) -> None:
    """Say and write what the run amounted to."""
    from edgelens.runtime.loop.summary import summary_rows

    score = judge.score() if judge is not None else None
    summary: dict[str, Any] = dict(outcome.summary)
    if counted := {lane.source.name: lane.watch.standing for lane in lanes if lane.watch is not None}:
        summary["watched"] = counted
    if judge is not None and score is not None:
        summary[judge.name] = score.to_json()
    if options.summary_path is not None:
        write_json(options.summary_path, summary)
    if options.sinks["text"].quiet:
        return
    err = bool(options.printed)
    lines, rows = summary_rows(summary)
    for line in [*lines, *_folder_lines(lanes), *_counted_lines(lanes)]:
        click.echo(line, err=err)
    if rows:
        print_table(rows, header=("ms", "p50", "p95", "p99"), err=err)
    if score is not None:
        click.echo(str(score), err=err)


def explain_engines(lanes: Sequence[Lane], say: Say) -> None:
    """The table of what `--engine auto` measured, finished now if the run was too short for it."""
    from edgelens.runtime.model.engine_search import BUDGET_S, header, table_rows

    for model in {id(lane.model): lane.model for lane in lanes}.values():
        model.load()
        while not model.improve(BUDGET_S):
            pass
        with model.in_use() as recognizer:
            measured = recognizer.measured
        if not measured:
            say(f"{model.name}: {' '.join(model.running)} was named or is the only one that can run here")
        for role, found in measured.items():
            name = model.name if len(measured) == 1 else f"{model.name}, {role}"
            say(f"{name}: engines on this machine")
            print_table(table_rows(found.table, found.winner), header=header(), err=True)


def exit_code(options: RunOptions, outcome: Outcome, lanes: Sequence[Lane], stopped: int, say: Say) -> int:
    """What the run ends with, failures said; `stopped` is the code of a signal."""
    for failure in outcome.failures:
        say(f"edgelens: {failure}")
    if outcome.source_failed:
        return 2
    broken = any(getattr(inner(lane.source), "broken", ()) for lane in lanes)
    if outcome.failures or (options.strict and broken):
        return 1
    return stopped


def _counted_lines(lanes: Sequence[Lane]) -> list[str]:
    """What was counted at every line and in every zone, a line each."""
    found = []
    for lane in lanes:
        if lane.watch is None:
            continue
        before = f"{lane.source.name}: " if len(lanes) > 1 else ""
        standing = lane.watch.standing
        for name, line in standing["lines"].items():
            found.append(f"{before}{name}: {_numbers(line['in'])} in, {_numbers(line['out'])} out")
        for name, zone in standing["zones"].items():
            stayed = sum(zone["dwell_s"].values())
            found.append(f"{before}{name}: {_numbers(zone['entries'])} came, {stayed:.1f} s in all")
    return found


def _numbers(counts: Mapping[str, int]) -> str:
    """A sum and what it is made of, where that is more than one label."""
    parts = ", ".join(f"{label} {n}" for label, n in counts.items())
    return f"{sum(counts.values())}" + (f" ({parts})" if len(counts) > 1 else "")


def _folder_lines(lanes: Sequence[Lane]) -> list[str]:
    from edgelens.runtime.sources.images import ImageFiles

    folders = [source for lane in lanes if isinstance(source := inner(lane.source), ImageFiles)]
    return [
        f"{folder.name}: {folder.passed_over} files passed over, {len(folder.broken)} images could not be decoded"
        for folder in folders
        if folder.passed_over or folder.broken
    ]
