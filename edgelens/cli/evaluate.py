"""`edgelens evaluate MODEL DATA`: accuracy on a data set, without torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click
import numpy as np

from edgelens.cli.options import engine_options, json_option, model_argument, threshold_option
from edgelens.cli.output import print_table, write_json

__all__ = ["command"]


@click.command(short_help="Measure a model's accuracy on a data set.")
@model_argument(required=True)
@click.argument("data")
@click.option(
    "--split", metavar="NAME", help="train, val, test or all; the test split, else val, else all unless said."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N images.")
@click.option(
    "--format", "format_name", metavar="NAME", help="The data set's format; recognised by looking unless said."
)
@threshold_option
@engine_options
@json_option
def command(
    model: str,
    data: str,
    split: str | None,
    limit: int | None,
    format_name: str | None,
    threshold: float | None,
    engine: str,
    precision: str | None,
    threads: int | None,
    json_path: str | None,
) -> None:
    """Measure MODEL's accuracy on DATA: class folders, a CSV, MNIST IDX, CIFAR-10 binary or .npz.

    The plain top-1 among the data set's classes counts; what the threshold would reject is reported apart.
    """
    from edgelens.runtime.datasets.catalog import load_images
    from edgelens.runtime.engines.protocol import EngineOptions
    from edgelens.runtime.evaluate import evaluate_classifier
    from edgelens.runtime.model import open_model
    from edgelens.runtime.network import choose_file

    bundle = open_model(model)
    manifest = bundle.manifest
    network = manifest.main
    if threshold is not None:
        network = replace(network, decode=replace(network.decode, threshold=threshold))
        networks = {**manifest.networks, manifest.steps[-1].network: network}
        bundle = replace(bundle, manifest=replace(manifest, networks=networks))
    images, used = load_images(data, format=format_name).for_evaluation(split)
    if limit is not None:
        images = images.select(np.arange(min(limit, len(images))))
    file = choose_file(network, engine, precision)
    report = evaluate_classifier(bundle, file, images, options=EngineOptions(threads=threads or 1, spin=True))
    result = {"schema": 1, "model": model, "data": data, "split": used, **report.to_json()}
    if json_path is not None:
        write_json(json_path, result)
    if json_path != "-":
        _print(result)


def _print(result: dict[str, Any]) -> None:
    rows = [
        (c["class"], f"{c['precision']:.4f}", f"{c['recall']:.4f}", f"{c['f1']:.4f}", c["images"])
        for c in result["per_class"]
    ]
    for how in ("macro", "weighted"):
        means = result[how]
        rows.append((f"{how} mean", *(f"{means[m]:.4f}" for m in ("precision", "recall", "f1")), result["images"]))
    print_table(rows, header=("class", "precision", "recall", "F1", "images"))
    if len(result["classes"]) <= 20:
        click.echo("\nconfusion (rows: truth, columns: answer)")
        print_table([(name, *row) for name, row in zip(result["classes"], result["confusion"], strict=True)])
    if result["unknown_classes"]:
        click.echo(f"\nthe model has no label for: {', '.join(result['unknown_classes'])}; their images count as wrong")
    if result["unreadable"]:
        click.echo(f"\n{result['unreadable']} images could not be decoded and are left out")
    if result["rejected"]:
        accepted = result["accuracy_of_accepted"]
        rest = "" if accepted is None else f"; of those accepted {accepted:.2%} are right"
        click.echo(f"\n{result['rejected']} images would be rejected as unknown{rest}")
    time = result["stages_ms"]["total"]
    click.echo(
        f"\n{result['split']} split, {result['images']} images, {result['engine']} {result['precision']}:"
        f" top-1 {result['accuracy']:.2%}, top-5 {result['top5']:.2%},"
        f" {time['p50']:.3f} ms per image (p95 {time['p95']:.3f})"
    )
