"""`edgelens evaluate MODEL DATA`: accuracy on a data set, without torch."""

from __future__ import annotations

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
    from edgelens.runtime.bundle.bundle import one_network
    from edgelens.runtime.datasets.catalog import load_boxes
    from edgelens.runtime.engines.choice import options_for
    from edgelens.runtime.formats.catalog import FORMATS
    from edgelens.runtime.model.evaluate import evaluate
    from edgelens.runtime.model.evaluate_pipeline import evaluate_pipeline
    from edgelens.runtime.model.foreign import evaluate_foreign
    from edgelens.runtime.model.network import choose_file
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.preprocess import Region
    from edgelens.runtime.tasks.catalog import task_of

    looking: dict[str, Any] = {
        "threshold": model_options["threshold"],
        "options": options_for(engine, threads, spin=True),
        "region": Region.parse(roi) if roi else None,
        "progress": counted,
    }
    strange = None
    bare = Path(model).suffix.lower() in FORMATS  # opened with what is said of it; a pipeline's networks one by one
    opened = open_model(model, **model_options) if bare else open_model(model)
    if role is None and _can_be_whole(opened, data, format_name):
        if foreign is not None:
            raise UsageError("--foreign: is asked of one network of a pipeline: name it with --network")
        boxes, used = load_boxes(data, format=format_name).for_evaluation(split)
        boxes = boxes if limit is None else boxes.select(range(min(limit, len(boxes))))
        measured = evaluate_pipeline(
            open_model(opened, **model_options), boxes, engine=engine, precision=precision, **looking
        )
    else:
        if role is None and len(opened.manifest.steps) > 1:
            last = opened.manifest.steps[-1].network
            said = f"measures {last} alone, on pictures as they are; --network names another step"
            click.echo(f"{model}: {said}", err=True)
        alone = one_network(opened, role)
        bundle = alone if bare else open_model(alone, **model_options)
        for note in bundle.notes:
            click.echo(f"{model}: {note}", err=True)
        network = bundle.manifest.main
        images, used = task_of(network.task, model).load(data, format_name, split)
        images = images if limit is None else images.select(np.arange(min(limit, len(images))))
        measured = evaluate(bundle, images, file=choose_file(network, engine, precision), **looking)
        if foreign is not None:
            strange = evaluate_foreign(bundle, foreign, file=measured.file, **looking)
    _tell(measured, strange, {"model": model, "data": data, "split": used}, json_path)


def _can_be_whole(bundle: Bundle, data: str, format_name: str | None) -> bool:
    """Whether it is a pipeline that gives classes to what it finds, and the data knows both."""
    from edgelens.runtime.datasets.catalog import holds_boxes
    from edgelens.runtime.model.evaluate_pipeline import names_boxes

    return names_boxes(bundle) and holds_boxes(Path(data), format_name)


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
