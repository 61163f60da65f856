"""`edgelens bench compare OLD NEW`: whether anything got slower between two reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edgelens.cli.options import json_option
from edgelens.cli.output import print_table, write_json
from edgelens.runtime.errors import UsageError, WorkError

if TYPE_CHECKING:
    from edgelens.devices.bench.compare import Change

__all__ = ["command"]


@click.command(name="compare")
@click.argument("old")
@click.argument("new")
@click.option("--fail-over", metavar="P%", help="Exit 1 when anything surely got slower, by more than this.")
@click.option("--force", is_flag=True, help="Compare even what was throttled, noisy or measured elsewhere.")
@json_option
def command(old: str, new: str, fail_over: str | None, force: bool, json_path: str | None) -> None:
    """Compare two reports of `bench --json`: a gate for regressions.

    MACHINE says how much longer the machine itself took for the same work; CHANGE is what is left beside that.
    """
    from dataclasses import asdict

    from edgelens.devices.bench.compare import broken, compare_reports, read_report, unfit
    from edgelens.devices.bench.table import ms

    before, after = read_report(old), read_report(new)
    limit = _percent(fail_over)
    reasons = unfit(before, after)
    if reasons and not force:
        raise UsageError(f"not comparable: {'; '.join(reasons)} (--force compares all the same)")
    failed = broken(before, after)
    changes = [] if failed and len(failed) == len(after["cases"]) else compare_reports(before, after)
    slower = [c for c in changes if limit is not None and c.ratio > 1 + limit and c.different]
    if json_path:
        rows = [asdict(c) | {"high": c.high if c.processes > 1 else None, "different": c.different} for c in changes]
        found = {"changes": rows, "broken": failed, "unfit": reasons, "failed": len(slower) + len(failed)}
        write_json(json_path, found)
    for name, why in failed.items():
        click.echo(f"{name} cannot be measured any more: {why}", err=True)
    if json_path != "-" and changes:
        lines = [
            (
                c.name,
                ms(c.old_ms),
                ms(c.new_ms),
                _more(c.machine),
                _more(c.ratio),
                _interval(c),
                c.processes,
                _verdict(c),
            )
            for c in changes
        ]
        print_table(lines, header=("", "OLD MS", "NEW MS", "MACHINE", "CHANGE", "95 % INTERVAL", "PROCESSES", ""))
    if slower:
        worst = max(slower, key=lambda change: change.ratio)
        more = f"{(worst.ratio - 1) * 100:.1f} %"
        raise WorkError(f"{worst.name} got slower by {more}, more than the {fail_over} allowed")
    if failed and limit is not None:
        raise WorkError(f"{next(iter(failed))} was measured in the old run and cannot be any more")


def _more(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f}%"


def _interval(change: Change) -> str:
    """The ratio's interval as percentages; a single process tells none."""
    if change.processes < 2:
        return "needs --processes 5"
    return f"{_more(change.low)} to {_more(change.high)}"


def _verdict(change: Change) -> str:
    if not change.different:
        return "cannot be told apart"
    return "slower" if change.ratio > 1 else "faster"


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text.rstrip("% "))
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise UsageError(f"--fail-over {text}: must be a percentage, such as 5%")
    return value / 100
