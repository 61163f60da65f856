"""What `edgelens evaluate` prints: plain tables of a report's JSON form."""

from __future__ import annotations

from typing import Any

import click

from edgelens.cli.output import print_table

__all__ = ["print_report"]

_MOST_CONFUSED = 20  # classes up to which the whole confusion matrix is readable


def print_report(result: dict[str, Any]) -> None:
    """The tables of the report's task, what was left out, and the figures in one line at the end."""
    line = {"classify": _print_classes, "detect": _print_boxes}[result["task"]](result)
    if result["unknown_classes"]:
        click.echo(f"the model has no label for: {', '.join(result['unknown_classes'])}; their images count as wrong")
    if result["labels_matched_by"] == "index" and not all(name.isdecimal() for name in result["classes"]):
        click.echo("not every class of the data is among the model's labels: they were matched by their order")
    if result["unreadable"]:
        click.echo(f"{result['unreadable']} images could not be decoded and are left out")
    time = result["stages_ms"]["total"]
    click.echo(
        f"{result['split']} split, {result['images']} images, {result['engine']} {result['precision']}: {line},"
        f" {time['p50']:.3f} ms per image (p95 {time['p95']:.3f})"
    )


def _print_classes(result: dict[str, Any]) -> str:
    names = ("precision", "recall", "f1")
    rows = [[row["class"], *(f"{row[name]:.4f}" for name in names), row["images"]] for row in result["per_class"]]
    rows += [
        [f"{how} mean", *(f"{result[how][name]:.4f}" for name in names), result["images"]]
        for how in ("macro", "weighted")
    ]
    print_table(rows, header=("class", "precision", "recall", "F1", "images"))
    click.echo()
    if len(result["classes"]) <= _MOST_CONFUSED:
        click.echo("confusion (rows: the truth, columns: the answer, in the order above)")
        print_table([(name, *row) for name, row in zip(result["classes"], result["confusion"], strict=True)])
        click.echo()
    if result["rejected"]:
        accepted = result["accuracy_of_accepted"]
        rest = "" if accepted is None else f"; {accepted:.2%} of those accepted are right"
        click.echo(f"{result['rejected']} images would be rejected as unknown{rest}")
    return f"top-1 {result['accuracy']:.2%}, top-5 {result['top5']:.2%}"


def _print_boxes(result: dict[str, Any]) -> str:
    rows = [
        [row["class"], _shown(row["map50"]), _shown(row["map50_95"]), row["boxes"]]
        for row in result["per_class"]
        if row["boxes"]
    ]
    print_table(rows, header=("class", "mAP50", "mAP50-95", "boxes"))
    click.echo()
    if result["empty_boxes"]:
        click.echo(f"{result['empty_boxes']} boxes of the data have no area and are passed over")
    return f"mAP50 {_shown(result['map50'])}, mAP50-95 {_shown(result['map50_95'])}, {result['boxes']} boxes"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
