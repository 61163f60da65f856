"""`edgelens evaluate MODEL DATA`: accuracy on a data set, without torch."""

from __future__ import annotations

import sys
from typing import Any

import click

from edgelens.cli.elsewhere import OnDevice, model_engines, wheels_option
from edgelens.cli.options import (
    engine_options,
    json_option,
    labels_option,
    model_argument,
    model_options,
    on_option,
    pixel_options,
    threshold_option,
)
from edgelens.cli.output import write_json

__all__ = ["command"]


@click.command("evaluate", cls=OnDevice, inputs=("model", "data", "labels"), parts=model_engines)
@model_argument(required=True)
@click.argument("data")
@click.option(
    "--split", metavar="NAME", help="train, val, test or all; the test split, else val, else all unless said."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N images of the split.")
@click.option("--format", "format_name", metavar="NAME", help="The data's format; recognised by looking unless said.")
@click.option("--roi", metavar="X,Y,W,H", help="Look at this part of every image only: pixels or fractions.")
@model_options("iou")
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
    limit: int | None,
    format_name: str | None,
    roi: str | None,
    engine: str,
    precision: str | None,
    threads: int | None,
    json_path: str | None,
    **model_options: Any,
) -> None:
    """Measure MODEL's accuracy on DATA.

    DATA is for a classifier class folders, a CSV of path,label, MNIST IDX, CIFAR-10 binary or .npz; for a detector
    YOLO, COCO or VOC boxes. The plain top-1 among the data's classes counts; what a threshold rejects is told apart.
    """
    from edgelens.cli.evaluate_tables import print_report
    from edgelens.runtime.engines.choice import options_for
    from edgelens.runtime.model.network import choose_file
    from edgelens.runtime.model.open import open_model
    from edgelens.runtime.preprocess import Region

    bundle = open_model(model, **model_options)
    for note in bundle.notes:
        click.echo(f"{model}: {note}", err=True)
    report, used = _measured(
        bundle,
        choose_file(bundle.manifest.main, engine, precision),
        data,
        split=split,
        limit=limit,
        format_name=format_name,
        threshold=model_options["threshold"],
        options=options_for(engine, threads, spin=True),
        region=Region.parse(roi) if roi else None,
    )
    result = {"schema": 1, "model": model, "data": data, "split": used, **report.to_json()}
    if json_path is not None:
        write_json(json_path, result)
    if json_path != "-":
        print_report(result)


def _measured(
    bundle: Any,
    file: Any,
    data: str,
    *,
    split: str | None,
    limit: int | None,
    format_name: str | None,
    threshold: float | None,
    options: Any,
    region: Any,
) -> tuple[Any, str]:
    """The task's report and the split it is of."""
    import numpy as np

    from edgelens.runtime.datasets.catalog import load_boxes, load_images
    from edgelens.runtime.model.evaluate import evaluate_classifier
    from edgelens.runtime.model.evaluate_detector import evaluate_detector

    if bundle.manifest.main.task == "detect":
        boxes, used = load_boxes(data, format=format_name).for_evaluation(split)
        boxes = boxes if limit is None else boxes.select(range(min(limit, len(boxes))))
        found = evaluate_detector(
            bundle, file, boxes, threshold=threshold, options=options, region=region, progress=_progress
        )
        return found, used
    images, used = load_images(data, format=format_name).for_evaluation(split)
    images = images if limit is None else images.select(np.arange(min(limit, len(images))))
    return evaluate_classifier(bundle, file, images, options=options, region=region, progress=_progress), used


def _progress(done: int, total: int) -> None:
    """One line on a terminal's stderr, rewritten; nothing elsewhere."""
    if sys.stderr.isatty() and (done % 64 == 0 or done == total):
        click.echo(f"\r{done} of {total} images" + ("\r\x1b[K" if done == total else ""), nl=False, err=True)
