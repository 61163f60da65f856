"""`edgelens train`: a folder of images becomes a trained run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from edgelens.cli.options import json_option
from edgelens.cli.output import write_json
from edgelens.cli.train_options import given_in_file, training_config, training_options
from edgelens.runtime.errors import UsageError
from edgelens.runtime.host.files import check_place

if TYPE_CHECKING:
    from edgelens.train.runs.run import Run

__all__ = ["command"]


@click.command(name="train")
@click.argument("data", required=False)
@click.option("--out", metavar="DIR", help="Where the run goes; a folder of its own under runs/ unless said.")
@click.option("--overwrite", is_flag=True, help="Replace a run that is there.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped.")
@click.option("--list-models", is_flag=True, help="Show the networks and what they cost.")
@click.option("--show-augmented", "sheet", metavar="PNG", help="Only write a sheet of augmented pictures.")
@click.option("--learning-curve", "curve", is_flag=True, help="Also train on an eighth, a quarter and half of it.")
@click.option("--quiet", is_flag=True, help="Say only the result.")
@training_options
@json_option
def command(
    data: str | None,
    out: str | None,
    overwrite: bool,
    resume: str | None,
    list_models: bool,
    sheet: str | None,
    curve: bool,
    quiet: bool,
    json_path: str | None,
    **chosen: Any,
) -> None:
    """Train a network on DATA: class folders, a CSV of path,label, MNIST IDX, CIFAR-10, an .npz, or a named set.

    A detector's DATA has boxes: VOC, COCO, YOLO, CVAT, LabelMe, Label Studio or a CSV; a reader's texts, a table of
    file,text.
    """
    if list_models:
        _show_models()
        return
    from edgelens.train import training
    from edgelens.train.opening.preview import show_augmented_data
    from edgelens.train.optimize import allocator as memory

    memory.keep_large_blocks()
    if curve and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError("--learning-curve: is for one process; train the curve without torchrun")
    if resume:
        if data or out:
            raise UsageError("--resume takes no DATA and no --out: the run knows them")
        run = training.resume(resume, quiet=quiet, here=_of_this_machine(resume, chosen))
    elif data is None:
        raise UsageError("give DATA to train on, or --resume RUN")
    else:
        config = training_config(data, out or "", chosen)
        given = given_in_file(chosen["config"], config.task) | _given()
        if sheet:
            _check_sheet(sheet, data)
            show_augmented_data(config, sheet, given)
            click.echo(f"{sheet}: each row a picture as it is, then as training shows it")
            return
        with nullcontext(out) if out else _place(data, chosen["model"]) as folder:
            run = training.fit(replace(config, out=str(folder)), quiet=quiet, overwrite=overwrite, given=given)
    if not _leads():
        return
    if curve:
        _learning_curve(run, to_stderr=json_path == "-")
    _report(run, json_path)


def _check_sheet(sheet: str, data: str) -> None:
    """Refuse a sheet that could not be written, or would take the place of a picture that is trained on."""
    check_place(sheet, "--show-augmented")
    if Path(sheet).exists() and Path(sheet).resolve().is_relative_to(Path(data).resolve()):
        raise UsageError(f"--show-augmented {sheet}: is a file of {data}; name another")


def _of_this_machine(run: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of this machine, with which a run may go on; anything else is refused, for the run knows it."""
    from edgelens.train.config import HERE

    kept = {"resume", "quiet", "json_path", "curve", *HERE}
    for name, flag in _given().items():
        if name not in kept:
            raise UsageError(
                f"{flag}: goes not with --resume {run}, which goes on as it was begun; for other settings start anew:"
                f" edgelens train DATA --from {run}"
            )
    return {name: chosen[name] for name in HERE if chosen[name] is not None}


def _given() -> dict[str, str]:
    """What stands on the command line: each option's name, and how it is written."""
    context = click.get_current_context()
    flags = {str(option.name): option.opts[0] for option in context.command.params}
    return {
        name: flag for name, flag in flags.items() if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def _place(data: str, model: str | None) -> AbstractContextManager[Path]:
    """A folder under runs/ that is this training's own; torchrun's other processes write nowhere."""
    from edgelens.train.runs.place import free_folder

    name = Path(data).resolve().stem or "run"
    first = Path("runs") / (f"{name}-{model}" if model else name)
    return free_folder(first) if _leads() else nullcontext(first)


def _leads() -> bool:
    """Whether this process writes and speaks, of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _learning_curve(run: Run, *, to_stderr: bool) -> None:
    from edgelens.train import training
    from edgelens.train.runs.report import write_report
    from edgelens.train.tune.learning_curve import learning_curve

    learning_curve(
        run,
        lambda config: training.fit(config, quiet=True, overwrite=True),
        lambda line: click.echo(line, err=to_stderr),
    )
    write_report(run)


def _report(run: Run, json_path: str | None) -> None:
    from edgelens.train.tasks.catalog import make_task

    metrics = run.facts.metrics or {}
    if json_path:
        write_json(json_path, {"run": str(run.path), "metrics": metrics, **run.facts.network})
    if json_path != "-":
        score = make_task(run.config, run.classes).score
        if (value := metrics.get(f"val_{score.name}")) is not None:
            count = run.judged_count
            click.echo(f"{score.with_interval(value, count)} on {count:,} images ({metrics['basis']})")
        click.echo(f"{run.path}: next, edgelens compress {run.path}")


def _show_models() -> None:
    from edgelens.cli.output import print_table
    from edgelens.train.models.catalog import NETWORKS, build
    from edgelens.train.models.cost import cost_of
    from edgelens.train.models.options import ModelOptions

    rows = []
    for name, entry in NETWORKS.items():
        cost = cost_of(build(name, ModelOptions(), channels=3, classes=10, size=(32, 32)), 3, (32, 32))
        rows.append((name, f"{cost.parameters:,}", f"{cost.macs:,}", entry.line))
    print_table(rows, header=("network", "parameters", "multiply-adds", "at 32×32 RGB, 10 classes"))
