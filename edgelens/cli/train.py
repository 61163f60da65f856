"""`edgelens train`: a folder of images becomes a trained run."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

__all__ = ["command"]


@click.command(name="train")
@click.argument("data")
@click.option("--out", default="runs/latest", show_default=True, metavar="DIR", help="Where the run goes.")
@click.option("--model", metavar="NAME", help="The network.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the training images.")
@click.option("--batch", type=click.IntRange(1), help="Images a step.")
@click.option("--seed", type=int, help="Decides splits, weights and every random draw.")
@click.option("--optimizer", metavar="NAME", help="sgd, momentum, nesterov, gd, adagrad, rmsprop, adam, adamw.")
@click.option("--rate", type=float, help="The learning rate.")
def command(data: str, out: str, **chosen: Any) -> None:
    """Train a network on DATA: a folder of class folders, a CSV, MNIST IDX, CIFAR-10 or an .npz."""
    from edgelens.train.config import TrainConfig
    from edgelens.train.training import fit

    known = {field.name for field in fields(TrainConfig)}
    run = fit(TrainConfig(data, out, **{k: v for k, v in chosen.items() if v is not None and k in known}))
    click.echo(f"{run.path}: {100 * (run.facts.metrics or {})['val_accuracy']:.2f} % on the validation images")
