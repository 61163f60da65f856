"""`edgelens evaluate MODEL DATA`: accuracy on a data set, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from edgelens.cli.elsewhere import OnDevice, model_engines, wheels_option
from edgelens.cli.options import (
    engine_options,
    json_option,
    labels_option,
    model_argument,
    model_options,
    on_option,
    pixel_options,
    text_options,
    threshold_option,
    tile_option,
)
from edgelens.cli.output import counted, print_table, write_json
from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:
    from edgelens.runtime.bundle.bundle import Bundle
    from edgelens.runtime.model.evaluate import Evaluation
    from edgelens.runtime.model.foreign import ForeignReport

__all__ = ["command"]


@click.command("evaluate", cls=OnDevice, inputs=("model", "data", "labels", "lexicon", "foreign"), parts=model_engines)
@model_argument(required=True)
@click.argument("data")
@click.option(
    "--split", metavar="NAME", help="train, val, test or all; the test split, else val, else all unless said."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N images of the split.")
@click.option("--foreign", metavar="DIR", help="Pictures of other things: how many are taken for something known.")
@click.option("--format", "format_name", metavar="NAME", help="The data's format; recognised by looking unless said.")
@click.option(
    "--network",
    "role",
    metavar="STEP",
    help="Which network of a pipeline; else all of it on boxes, the last step's on other data.",
)
@click.option("--roi", metavar="X,Y,W,H", help="Look at this part of every image only: pixels or fractions.")
@model_options("iou")
@tile_option
@text_options
@threshold_option
@labels_option
@pixel_options
@engine_options
@json_option
@on_option
@wheels_option
def command(
    model: str,
    data: str,
    split: str | None,
    foreign: str | None,
    limit: int | None,
    format_name: str | None,
    role: str | None,
    roi: str | None,
    engine: str,
    precision: str | None,
    threads: int | None,
    json_path: str | None,
    **model_options: Any,
) -> None:
    """Measure MODEL's accuracy on DATA.

    DATA is for a classifier class folders, a CSV of path,label, MNIST IDX, CIFAR-10 binary or .npz; for a detector
    boxes as VOC, COCO, YOLO, CVAT, LabelMe or Label Studio has them, or a CSV; for a reader a table of file,text, for
    an identifier a folder a name; for a pipeline that classifies what it finds, boxes of the classes. The plain
    top-1 among the data's classes counts; what a threshold rejects is told apart.
    """
    from edgelens.runtime.engines.choice import options_for
    from edgelens.runtime.formats.catalog import FORMATS
    from edgelens.runtime.model.foreign import evaluate_foreign
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.preprocess import Region

    asked = _Asked(data, format_name, split, limit)
    looking: dict[str, Any] = {
        "threshold": model_options["threshold"],
        "options": options_for(engine, threads, spin=True),
        "region": Region.parse(roi) if roi else None,
        "progress": counted,
    }
    strange = None
    bare = Path(model).suffix.lower() in FORMATS  # opened with what is said of it; a pipeline's networks one by one
    opened = open_model(model, **model_options) if bare else open_model(model)
    if role is None and _can_be_whole(opened, asked):
        if foreign is not None:
            raise UsageError("--foreign: is asked of one network of a pipeline: name it with --network")
        whole = open_model(opened, **model_options)
        measured, used = _whole(whole, asked, engine=engine, precision=precision, **looking)
    else:
        alone = _one(opened, role, model)
        bundle = alone if bare else open_model(alone, **model_options)
        for note in bundle.notes:
            click.echo(f"{model}: {note}", err=True)
        measured, used = _alone(bundle, asked, model, engine, precision, looking)
        if foreign is not None:
            strange = evaluate_foreign(bundle, foreign, file=measured.file, **looking)
    _tell(measured, strange, {"model": model, "data": data, "split": used}, json_path)


@dataclass(frozen=True)
class _Asked:
    """Which pictures are looked at."""

    data: str
    format_name: str | None
    split: str | None
    limit: int | None

    def first(self, pictures: Any) -> Any:
        """No more of them than were asked for."""
        return pictures if self.limit is None else pictures.select(np.arange(min(self.limit, len(pictures))))


def _can_be_whole(bundle: Bundle, asked: _Asked) -> bool:
    """Whether it is a pipeline that gives classes to what it finds, and the data knows both."""
    from edgelens.runtime.datasets.catalog import holds_boxes
    from edgelens.runtime.model.evaluate_pipeline import names_boxes

    return names_boxes(bundle) and holds_boxes(Path(asked.data), asked.format_name)


def _whole(bundle: Bundle, asked: _Asked, **how: Any) -> tuple[Evaluation, str]:
    """A pipeline on boxes, and the split that was taken."""
    from edgelens.runtime.datasets.catalog import load_boxes
    from edgelens.runtime.model.evaluate_pipeline import evaluate_pipeline

    boxes, used = load_boxes(asked.data, format=asked.format_name).for_evaluation(asked.split)
    return evaluate_pipeline(bundle, asked.first(boxes), **how), used


def _one(bundle: Bundle, role: str | None, model: str) -> Bundle:
    """The network that was named, else the last step's, which is said where there are several."""
    from edgelens.runtime.bundle.bundle import one_network

    if role is None and len(bundle.manifest.steps) > 1:
        said = f"measures {bundle.manifest.steps[-1].network} alone, on pictures as they are"
        click.echo(f"{model}: {said}; --network names another step", err=True)
    return one_network(bundle, role)


def _alone(
    bundle: Bundle, asked: _Asked, model: str, engine: str, precision: str | None, looking: dict[str, Any]
) -> tuple[Evaluation, str]:
    """One network on its task's data, and the split that was taken."""
    from edgelens.runtime.model.evaluate import evaluate
    from edgelens.runtime.model.network import choose_file
    from edgelens.runtime.tasks.catalog import task_of

    network = bundle.manifest.main
    images, used = task_of(network.task, model).load(asked.data, asked.format_name, asked.split)
    file = choose_file(network, engine, precision)
    return evaluate(bundle, asked.first(images), file=file, **looking), used


def _tell(measured: Evaluation, strange: ForeignReport | None, asked: dict[str, str], json_path: str | None) -> None:
    """What was found, as JSON where that is wanted, and for people where standard output is theirs."""
    result = {"schema": 1, **asked, **measured.to_json()}
    if strange is not None:
        result["foreign"] = strange.to_json()
    if json_path is not None:
        write_json(json_path, result)
    if json_path != "-":
        _print(measured, asked["split"])
        if strange is not None:
            click.echo(strange.line())


def _print(measured: Evaluation, split: str) -> None:
    """The tables of the task's report, what was left out, and the figures in one line at the end."""
    for table in measured.report.tables():
        if table.title:
            click.echo(table.title)
        print_table(list(table.rows), header=table.header)
        click.echo()
    *lines, figures = measured.report.lines()
    if measured.unreadable:
        lines.append(f"{len(measured.unreadable)} images could not be decoded and are left out")
    if flattered := measured.flattered():
        lines.append(flattered)
    for line in lines:
        click.echo(line)
    result = measured.to_json()
    time = result["stages_ms"]["total"]
    click.echo(
        f"{split} split, {result['images']} images, {result['engine']} {result['precision']}: {figures},"
        f" {time['p50']:.3f} ms per image (p95 {time['p95']:.3f})"
    )
