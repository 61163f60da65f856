"""`edgelens bench --predict DEVICE`: what models would take on a board that is not here."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.output import print_table, write_json

if TYPE_CHECKING:
    from edgelens.devices.bench.session import BenchPlan

__all__ = ["report_prediction"]


def report_prediction(
    models: Sequence[str], device: str, plan: BenchPlan, json_path: str | None, *, quiet: bool
) -> None:
    """Estimate, and say what each model would take, how sure that is, and which operators take longest."""
    from edgelens.devices.bench.graph_names import short
    from edgelens.devices.bench.table import ms
    from edgelens.devices.predict.predict import predict

    with tempfile.TemporaryDirectory() as folder:
        report = predict(models, device, plan.choice, Path(folder))
    if json_path:
        write_json(json_path, report)
    if json_path == "-" or quiet:
        return
    click.echo(f"{report['device']}, predicted from {report['basis']}")
    if report["not_predicted"]:
        click.echo(f"for its CPU alone: what {' and '.join(report['not_predicted'])} would take is not predicted")
    rows = [
        (_named(r), r["engine"], r["precision"], r["threads"], ms(r["ms"]), f"{ms(r['low_ms'])} to {ms(r['high_ms'])}")
        for r in report["cases"]
    ]
    print_table(rows, header=("MODEL", "ENGINE", "PRECISION", "THREADS", "MS", "80 % INTERVAL"))
    for row in report["cases"]:
        if row["threads"] == report["cases"][0]["threads"]:
            click.echo(f"\n{_named(row)} on {row['engine']}: the operators that take longest")
            print_table([(short(op["name"]), op["kind"], ms(op["ms"]), f"{op['share'] * 100:.1f}%")
                         for op in row["operators"][:5]])  # fmt: skip
    for note in dict.fromkeys(note for row in report["cases"] for note in row["notes"]):
        click.echo(note)


def _named(row: Mapping[str, Any]) -> str:
    from edgelens.devices.bench.table import model_words

    size = f" at {row['size'][0]}x{row['size'][1]}" if row["size"] else ""
    return f"{model_words(row)}{size}"
