"""`edgelens train`: a folder of images becomes a trained run."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.options import json_option
from edgelens.cli.output import write_json
from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:
    from edgelens.train.config import TrainConfig
    from edgelens.train.run import Run

__all__ = ["command"]

F = Callable[..., Any]


def _many(*options: F) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_data_options = _many(
    click.option("--format", metavar="NAME", help="folders, csv, idx, cifar10, npz; recognised unless said."),
    click.option("--data-dir", metavar="DIR", help="Where the files of mnist, fashion-mnist and cifar10 are."),
    click.option("--cache", metavar="DIR", help="Where decoded pictures are kept."),
    click.option("--val", type=click.FloatRange(0, 0.9), help="Share of the training images that validates."),
    click.option("--test", type=click.FloatRange(0, 0.9), help="Share set aside where the data has no test split."),
    click.option("--folds", type=click.IntRange(0), help="Cross-validation: in so many parts …"),
    click.option("--fold", type=click.IntRange(0), help="… of which this one validates."),
    click.option("--group", metavar="REGEX", help="What in a path names the group that stays on one side of a split."),
    click.option("--groups", metavar="FILE", help="A CSV of path,group."),
    click.option("--max-bad", type=click.FloatRange(0, 1), help="Share of images that may be unreadable."),
    click.option("--ram-limit", metavar="SIZE", help="Memory for pictures, such as 500MB; more stays on disk."),
    click.option("--size", metavar="N or HxW", help="Pixels of the picture that the network looks at."),
    click.option("--color", type=click.Choice(["rgb", "gray"]), help="What the network looks at."),
    click.option("--resize", type=click.Choice(["crop", "stretch", "letterbox"]), help="How a photo meets that size."),
    click.option("--augment", metavar="NAME", help="none, quick, default, best; each also as NAME+camera."),
    click.option("--mirror/--no-mirror", default=None, help="Mirrored pictures; by the classes' names unless said."),
    click.option("--imbalance", metavar="HOW", help="auto, none, weights, balanced, focal."),
)

_model_options = _many(
    click.option("--model", metavar="NAME", help="The network; --list-models shows them."),
    click.option("--width", type=click.FloatRange(0, min_open=True), help="Multiplies the channels of every layer."),
    click.option("--depth", type=click.IntRange(1), help="Blocks a stage, or layers."),
    click.option("--dense", type=click.IntRange(1), help="Units of the hidden dense layer."),
    click.option("--pool", type=click.Choice(["max", "average"]), help="Pooling between layers."),
    click.option("--activation", metavar="NAME", help="relu, relu6, leaky, elu, gelu, silu, hardswish, tanh, sigmoid."),
    click.option("--dropout", type=click.FloatRange(0, 0.95), help="Share of units dropped in training."),
    click.option("--from", "start", metavar="RUN", help="Start from a run's or a .safetensors file's weights."),
    click.option(
        "--freeze", multiple=True, metavar="LAYER", help="Leave a layer as it is; backbone: all but the last."
    ),
    click.option("--teacher", metavar="RUN", help="Also learn what this run answers."),
    click.option("--teacher-share", type=click.FloatRange(0, 1), help="The teacher's part of the loss."),
    click.option(
        "--teacher-temperature", type=click.FloatRange(0, min_open=True), help="How soft its answers are made."
    ),
)

_loop_options = _many(
    click.option("--recipe", default="default", show_default=True, metavar="NAME", help="quick, default or best."),
    click.option("--task", metavar="NAME", help="classify."),
    click.option("--epochs", type=click.IntRange(1), help="Passes over the training images."),
    click.option("--batch", type=click.IntRange(1), help="Images a step."),
    click.option("--seed", type=click.IntRange(0), help="Decides splits, weights and every random draw."),
    click.option("--optimizer", metavar="NAME", help="gd, sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw."),
    click.option("--rate", type=click.FloatRange(0), help="The learning rate."),
    click.option("--momentum", type=click.FloatRange(0, 1), help="Of SGD, and Adam's first beta."),
    click.option("--l1", type=click.FloatRange(0), help="Strength of L1."),
    click.option("--l2", type=click.FloatRange(0), help="Strength of L2 (AdamW: decoupled)."),
    click.option("--schedule", metavar="NAME", help="constant, step, cosine, one-cycle."),
    click.option("--warmup", type=click.FloatRange(0), metavar="EPOCHS", help="The rate rises over so many epochs."),
    click.option("--clip", type=click.FloatRange(0), help="The gradient's largest norm."),
    click.option(
        "--ema", type=click.FloatRange(0, 1), metavar="DECAY", help="Average the weights, such as .999 a step."
    ),
    click.option("--loss", metavar="NAME", help="cross-entropy, squared, bce, focal."),
    click.option("--focal-gamma", type=click.FloatRange(0), help="How much focal loss spares what is right."),
    click.option("--label-smoothing", type=click.FloatRange(0, 0.9), help="Target weight spread over all classes."),
    click.option("--false-accepts", type=click.FloatRange(0, 1), help="False answers that `unknown` may let through."),
    click.option("--patience", type=click.IntRange(0), help="Stop after so many epochs without a better validation."),
)

_machine_options = _many(
    click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where it trains; a GPU if there is one."),
    click.option("--threads", type=click.IntRange(1), help="CPU threads."),
    click.option("--precision", metavar="MODE", help="auto (measured), float32, channels-last, bfloat16."),
    click.option("--compile", is_flag=True, default=None, help="Let torch.compile make kernels."),
    click.option("--checkpoint-s", type=click.FloatRange(0), metavar="S", help="Seconds between checkpoints."),
)


@click.command(name="train")
@click.argument("data", required=False)
@click.option("--out", metavar="DIR", help="Where the run goes; a folder of its own under runs/ unless said.")
@click.option("--overwrite", is_flag=True, help="Replace a run that is there.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was stopped.")
@click.option("--list-models", is_flag=True, help="Show the networks and what they cost.")
@click.option("--show-augmented", "sheet", metavar="PNG", help="Only write a sheet of augmented pictures.")
@click.option("--learning-curve", "curve", is_flag=True, help="Also train on an eighth, a quarter and half of it.")
@click.option("--quiet", is_flag=True, help="Say only the result.")
@_model_options
@_loop_options
@_data_options
@_machine_options
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
    """Train a network on DATA: class folders, a CSV of path,label, MNIST IDX, CIFAR-10, an .npz, or a named set."""
    if list_models:
        _show_models()
        return
    from edgelens.train import memory, preview, training

    memory.keep_large_blocks()
    if resume:
        if data or out:
            raise UsageError("--resume takes no DATA and no --out: the run knows them")
        run = training.resume(resume, quiet=quiet)
    elif data is None:
        raise UsageError("give DATA to train on, or --resume RUN")
    else:
        config = _config(data, out or _free_folder(data, chosen["model"]), chosen)
        if sheet:
            preview.show_augmented_data(config, sheet)
            click.echo(f"{sheet}: each row a picture as it is, then as training shows it")
            return
        run = training.fit(config, quiet=quiet, overwrite=overwrite)
    if os.environ.get("RANK", "0") != "0":  # torchrun: the first process speaks
        return
    if curve:
        _learning_curve(run)
    _report(run, json_path)


def _config(data: str, out: str, chosen: dict[str, Any]) -> TrainConfig:
    """The configuration that a recipe and the options given make."""
    from edgelens.train.config import TrainConfig
    from edgelens.train.models.options import ModelOptions
    from edgelens.train.recipes import TRAININGS

    if chosen["recipe"] not in TRAININGS:
        raise UsageError(f"--recipe {chosen['recipe']}: must be one of {', '.join(TRAININGS)}")
    given = {name: value for name, value in chosen.items() if value is not None and value != ()}
    given["size"] = _size(chosen["size"])
    if "ram_limit" in given:
        given["ram_limit"] = _bytes(given["ram_limit"])
    options = ModelOptions(**{f.name: given[f.name] for f in fields(ModelOptions) if f.name in given})
    known = {f.name for f in fields(TrainConfig)}
    values = dict(TRAININGS[chosen["recipe"]]) | {name: value for name, value in given.items() if name in known}
    return TrainConfig(data, out, options=options, **values)


def _free_folder(data: str, model: str | None) -> str:
    """A folder under runs/ that is not there yet."""
    name = f"{Path(data).resolve().stem or 'run'}-{model}" if model else Path(data).resolve().stem or "run"
    number = 1
    while (folder := Path("runs") / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return str(folder)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    try:
        parts = [int(part) for part in text.lower().split("x")]
    except ValueError:
        parts = []
    if len(parts) not in (1, 2) or not all(1 <= part <= 2048 for part in parts):
        raise UsageError(f"--size {text}: write a number such as 96, or height x width such as 96x128")
    return parts[0], parts[-1]


def _bytes(text: str) -> int:
    units = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
    number = text.strip().upper().rstrip("KMGB")
    unit = text.strip().upper()[len(number) :]
    try:
        return int(float(number) * units[unit])
    except (ValueError, KeyError):
        raise UsageError(f"--ram-limit {text}: write a size such as 500MB or 2GB") from None


def _learning_curve(run: Run) -> None:
    from edgelens.train import training
    from edgelens.train.learning_curve import learning_curve
    from edgelens.train.report.write import write_report

    learning_curve(run, lambda config: training.fit(config, quiet=True, overwrite=True), click.echo)
    write_report(run)


def _report(run: Run, json_path: str | None) -> None:
    metrics = run.facts.metrics or {}
    if json_path:
        write_json(json_path, {"run": str(run.path), "metrics": metrics, **run.facts.network})
    if json_path != "-":
        accuracy = metrics.get("val_accuracy")
        if accuracy is not None:
            click.echo(f"{100 * accuracy:.2f} % right on the validation images, epoch {metrics['best_epoch']}")
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
