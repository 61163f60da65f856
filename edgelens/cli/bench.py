"""`edgelens bench`: how fast models are, here or on a device, and whether they got slower."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.elsewhere import wheels_option
from edgelens.cli.numbers import Number
from edgelens.cli.options import html_option, json_option, labels_option, on_option, pixel_options
from edgelens.cli.output import aside, print_table, write_json
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.files import write_text
from edgelens.runtime.model.arguments import spelled

if TYPE_CHECKING:
    from edgelens.devices.bench.session import BenchPlan

__all__ = ["command"]

_OF_MEASURING = ("duration", "frame", "processes", "pairs", "ops", "html_path", "on", "wheels")


class _Bench(click.Command):
    """`bench compare OLD NEW` beside `bench MODEL…`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == ["compare"]:
            from edgelens.cli.bench_compare import command as compare

            return compare.make_context("bench compare", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


@click.command(name="bench", cls=_Bench)
@click.argument("models", nargs=-1)
@click.option(
    "--engine", type=click.Choice(["auto", "onnxruntime", "tflite"]), default="auto", help="Only this engine."
)
@click.option("--precision", metavar="P", help="Only files of this precision.")
@click.option("--threads", metavar="N[,N…]", help="Engine threads; without it 1, 2, 4 … for the preferred file.")
@click.option("--duration", type=Number(0.05, 600), default=2.0, metavar="S", help="Seconds a measurement.")
@click.option("--frame", metavar="WxH", default="640x480", show_default=True, help="The frame that goes the whole way.")
@click.option(
    "--processes",
    type=click.IntRange(1, 50),
    metavar="N",
    help="Processes a measurement takes; without it 6, fewer on a slow board.",
)
@click.option("--pairs", type=click.IntRange(0, 100), default=6, metavar="N", help="Processes a pair is measured in.")
@click.option("--ops", is_flag=True, help="Which operators take the time.")
@click.option("--quiet", is_flag=True, help="Print no table.")
@html_option
@click.option("--predict", "predicted", metavar="DEVICE", help="Estimate instead: a profile, here, or a calibration.")
@on_option
@wheels_option
@labels_option
@pixel_options
@json_option
def command(
    models: tuple[str, ...],
    engine: str,
    precision: str | None,
    threads: str | None,
    duration: float,
    frame: str,
    processes: int | None,
    pairs: int,
    ops: bool,
    quiet: bool,
    html_path: str | None,
    predicted: str | None,
    on: str | None,
    wheels: str | None,
    json_path: str | None,
    **model_options: Any,
) -> None:
    """Measure how fast MODELs are: cold start, first and steady inference, the whole way from a frame, memory, heat.

    Several models are also measured in turn against the first. `bench compare OLD.json NEW.json` compares two runs.
    """
    from edgelens.devices.bench.cases import Selection
    from edgelens.devices.bench.session import BenchPlan, bench

    names = models or ("digits",)
    options = {key: value for key, value in model_options.items() if value is not None}
    plan = BenchPlan(
        Selection(engine, precision, _threads(threads), options=options),
        duration_s=duration,
        frame=_frame(frame),
        operators=ops,
        processes=processes,
        pairs=pairs,
    )
    if pairs == 1:
        raise UsageError("--pairs 1: one process says nothing of others: give 2 or more, or 0 to leave pairs out")
    if wheels and not on:
        raise UsageError("--wheels goes with --on")
    _need_temporary_files()
    if predicted:
        _check_estimated(click.get_current_context())
        from edgelens.cli.bench_predict import report_prediction

        report_prediction(names, predicted, plan, json_path, quiet=quiet)
        return
    if on:
        report = _bench_there(on, names, plan, threads, wheels)
    else:
        report = bench(names, plan, progress=aside)
    if ops:
        from edgelens.cli.bench_operators import estimated

        report = estimated(report, names, options)
    _show_report(report, json_path, html_path, quiet=quiet)


def _check_estimated(context: click.Context) -> None:
    """Refuse what only a measurement heeds."""
    for option in context.command.params:
        name = option.name or ""
        if name in _OF_MEASURING and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"--predict estimates, {option.opts[0]} is of measuring: leave one of them out")


def _need_temporary_files() -> None:
    """A full /tmp is said in one line before anything is measured."""
    try:
        with tempfile.TemporaryFile() as file:
            file.write(bytes(1 << 20))
            file.flush()
    except OSError as error:
        raise WorkError(
            f"temporary files cannot be written ({error.strerror}): free space in /tmp, or set TMPDIR"
        ) from None


def _bench_there(
    host: str, models: Sequence[str], plan: BenchPlan, threads: str | None, wheels: str | None
) -> dict[str, Any]:
    """The report of a bench that ran on a device, which has only the engine that the models need."""
    from edgelens.devices.bench.cases import check_model
    from edgelens.devices.remote import engines_for, local_inputs, run_verb

    for model in models:
        check_model(model, plan.choice)  # what is wrong with it is said before anything travels
    args = [*models, "--duration", str(plan.duration_s), "--pairs", str(plan.pairs)]
    args += ["--processes", str(plan.processes)] if plan.processes else []
    args += ["--frame", f"{plan.frame[1]}x{plan.frame[0]}", "--engine", plan.choice.engine]
    args += ["--ops"] if plan.operators else []
    args += ["--threads", threads] if threads else []
    args += ["--precision", plan.choice.precision] if plan.choice.precision else []
    for key, value in plan.choice.options.items():
        args += [spelled()[key].flag, str(value)]
    labels = plan.choice.options.get("labels")
    inputs = local_inputs([*models, *([labels] if labels else [])])
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "report.json")
        engines = engines_for(models, plan.choice.engine)
        code = run_verb(
            host, "bench", [*args, "--json", path, "--quiet"], inputs, outputs=[path], parts=engines, wheels=wheels
        )
        if not Path(path).exists():
            raise WorkError(f"{host}: bench failed there (exit code {code})")
        report: dict[str, Any] = json.loads(Path(path).read_text())
    return {**report, "on": host}


def _show_report(report: dict[str, Any], json_path: str | None, html_path: str | None, *, quiet: bool = False) -> None:
    """Table, JSON and page of a report, wherever it was measured."""
    from edgelens.devices.bench.html import page

    if json_path:
        write_json(json_path, report)
    if html_path:
        write_text(html_path, page(report), named=True)
    if json_path != "-" and not quiet:
        _print(report)
    if report["cases"] and all("error" in row for row in report["cases"]):
        raise WorkError(f"nothing could be measured: {report['cases'][0]['error']}")


def _print(report: dict[str, Any]) -> None:
    from edgelens.devices.bench import table

    device = report["device"]
    click.echo(f"{device['model']}, {device['cores']} cores, governor {device['governor'] or 'not told'}")
    print_table(table.case_rows(report["cases"]), header=table.HEADER)
    if rows := table.end_to_end_rows(report["cases"]):
        click.echo("\nFrom a frame to recognitions:")
        print_table(rows, header=("", "P50 MS", "P95", "P99", "STAGES MS"))
    for row in report["cases"]:
        if "error" in row.get("operators", {}):
            click.echo(f"\n{row['name']}: {row['operators']['error']}")
        elif operators := table.operator_rows(row):
            click.echo(f"\nOperators of {row['name']}:")
            print_table(operators, header=("NAME", "KIND", "MS", "SHARE"))
            click.echo(table.operator_words(row))
    for line in (*table.pair_lines(report["pairs"]), *table.warnings(report)):
        click.echo(line)


def _threads(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = (0,)
    if not all(1 <= count <= 256 for count in counts):
        raise UsageError(f"--threads {text}: one number, or several with commas, from 1 to 256")
    return counts


def _frame(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match or not all(1 <= int(side) <= 8192 for side in match.groups()):
        raise UsageError(f"--frame {text}: must read WIDTHxHEIGHT, at most 8192 each")
    return int(match[2]), int(match[1])
