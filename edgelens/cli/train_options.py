"""The options that decide a training, shared by `train` and `tune`, and the configuration that they make."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.numbers import Number
from edgelens.runtime.errors import DataError, UsageError

if TYPE_CHECKING:
    from edgelens.train.config import TrainConfig

__all__ = ["given_in_file", "made_options", "recipe_config", "task_option", "training_config", "training_options"]

F = Callable[..., Any]


class TaskName(click.ParamType[str]):
    """One of the tasks that the kit trains, read when it is asked for."""

    name = "task"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002
        """The names, as a choice shows them."""
        return f"[{'|'.join(_tasks())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """The name, if it is one of them."""
        if value not in _tasks():
            raise UsageError(f"--task {value}: must be one of {', '.join(_tasks())}")
        return str(value)


def _tasks() -> tuple[str, ...]:
    from edgelens.train.tasks.catalog import TASKS

    return tuple(TASKS)


task_option = click.option("--task", type=TaskName(), help="What the network is to answer; by the data unless said.")


def _many(*options: F) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_held_out = _many(
    click.option("--val", type=Number(0, 0.9), help="Share of the training images that validates."),
    click.option("--test", type=Number(0, 0.9), help="Share set aside where the data has no test split."),
)
_grouped = _many(
    click.option("--group", metavar="REGEX", help="What in a path names the group that stays on one side of a split."),
    click.option("--groups", metavar="FILE", help="A CSV of path,group."),
)
_taught = _many(
    click.option("--teacher", metavar="RUN", help="Also learn what this run answers."),
    click.option("--unlabelled", metavar="DIR", help="Photos without labels, which the teacher names."),
)
_keep = _many(
    click.option("--keep", type=Number(0, 1, max_open=True), help="Share of right answers not called unknown."),
)
_threads = _many(
    click.option("--threads", type=click.IntRange(1), help="CPU threads."),
)

_data_options = _many(
    click.option(
        "--format",
        metavar="NAME",
        help="folders, folders-first, folders-last, csv, idx, cifar10, npz; voc, coco, yolo, cvat, label-studio,"
        " labelme, boxes-csv of boxes; by looking unless said.",
    ),
    click.option("--data-dir", metavar="DIR", help="Where the files of mnist, fashion-mnist and cifar10 are."),
    click.option("--cache", metavar="DIR", help="Where decoded pictures are kept."),
    _held_out,
    click.option("--folds", type=click.IntRange(0), help="Cross-validation: in so many parts …"),
    click.option("--fold", type=click.IntRange(0), help="… of which this one validates."),
    _grouped,
    click.option("--max-bad", type=Number(0, 1), help="Share of images that may be unreadable."),
    click.option(
        "--ram-limit",
        metavar="SIZE",
        callback=lambda _context, _option, text: None if text is None else _bytes(text),
        help="Memory for pictures, such as 500MB; more stays on disk.",
    ),
    click.option("--size", metavar="N or HxW", help="Pixels of the picture that the network looks at."),
    click.option("--color", type=click.Choice(["rgb", "gray"]), help="What the network looks at."),
    click.option("--resize", type=click.Choice(["crop", "stretch", "letterbox"]), help="How a photo meets that size."),
    click.option("--augment", metavar="NAME", help="none, quick, default, best, from-above; each also as NAME+camera."),
    click.option("--mirror/--no-mirror", default=None, help="Mirrored pictures; by the classes' names unless said."),
    click.option("--alphabet", metavar="FILE|CHARS", help="What a network reads; what the texts hold unless said."),
    click.option("--written", type=Number(0, 1), help="Share of the pictures that are written with fonts from here."),
    click.option("--spliced", type=Number(0, 1), help="Share put together of two, cut where --from's run reads on."),
    click.option("--texts", metavar="FILE|REGEX", help="What is written: words of a file, or what fits."),
    click.option("--plates", multiple=True, metavar="NAME|FILE", help="Plates are written: de, uk, us, … or a file."),
    click.option("--imbalance", metavar="HOW", help="auto, none, weights, balanced, focal."),
)

_model_options = _many(
    click.option("--model", metavar="NAME", help="The network, by the pictures unless said; --list-models shows them."),
    click.option("--width", type=Number(0, min_open=True), help="Multiplies the channels of every layer."),
    click.option("--depth", type=click.IntRange(1), help="Blocks a stage, or layers."),
    click.option("--dense", type=click.IntRange(1), help="Units of the hidden dense layer."),
    click.option("--pool", type=click.Choice(["max", "average"]), help="Pooling between layers."),
    click.option("--activation", metavar="NAME", help="relu, relu6, leaky, elu, gelu, silu, hardswish, tanh, sigmoid."),
    click.option("--dropout", type=Number(0, 0.95), help="Share of units dropped in training."),
    click.option("--finest", type=click.Choice(["4", "8", "16"]), help="The finest stride a detector answers at; 8."),
    click.option("--neck", type=click.IntRange(8), help="Maps of a detector's neck and heads."),
    click.option(
        "--from", "start", metavar="RUN", help="Start from a run, a .safetensors file or `backbone` (its own)."
    ),
    click.option("--scratch", is_flag=True, default=None, help="Start from random weights, few photos or not."),
    click.option(
        "--freeze", multiple=True, metavar="LAYER", help="Leave a layer as it is; backbone: all but the last."
    ),
    _taught,
    click.option("--teacher-share", type=Number(0, 1), help="The teacher's part of the loss."),
    click.option("--teacher-temperature", type=Number(0, min_open=True), help="How soft its answers are made."),
)

_loop_options = _many(
    click.option("--recipe", metavar="NAME", help="quick (photos: a head on lite0), default or best."),
    click.option("--config", metavar="FILE", help="Settings from a run.json, or from what `tune` found best."),
    click.option("--minutes", type=Number(0), help="Of training; by the data unless said. 0: lite0's head alone."),
    task_option,
    click.option("--epochs", type=click.IntRange(1), help="Passes over the images; 30 unless said, more of few."),
    click.option("--batch", type=click.IntRange(1), help="Images a step; 128 unless said, 32 of few photos."),
    click.option("--seed", type=click.IntRange(0), help="Decides splits, weights and every random draw."),
    click.option("--optimizer", metavar="NAME", help="gd, sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw."),
    click.option("--rate", type=Number(0), help="The learning rate."),
    click.option("--momentum", type=Number(0, 1), help="Of SGD, and Adam's first beta."),
    click.option("--l1", type=Number(0), help="Strength of L1."),
    click.option("--l2", type=Number(0), help="Strength of L2 (AdamW: decoupled)."),
    click.option("--schedule", metavar="NAME", help="constant, step, cosine, one-cycle."),
    click.option(
        "--warmup", type=Number(0), metavar="EPOCHS", help="Epochs that the rate rises over, a quarter of all at most."
    ),
    click.option("--clip", type=Number(0), help="The gradient's largest norm."),
    click.option("--ema", type=Number(0, 1), metavar="DECAY", help="Average the weights, such as .999 a step."),
    click.option("--loss", metavar="NAME", help="cross-entropy, squared, bce, focal."),
    click.option("--focal-gamma", type=Number(0), help="How much focal loss spares what is right."),
    click.option("--label-smoothing", type=Number(0, 0.9), help="Target weight spread over all classes."),
    _keep,
    click.option("--false-accepts", type=Number(0, 1), help="False answers that `unknown` may let through."),
    click.option("--patience", type=click.IntRange(0), help="Stop after so many epochs without a better validation."),
)

_machine_options = _many(
    click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where it trains; a GPU if there is one."),
    _threads,
    click.option("--precision", metavar="MODE", help="auto (measured), float32, channels-last, bfloat16."),
    click.option("--compile", is_flag=True, default=None, help="Let torch.compile make kernels."),
    click.option("--checkpoint-s", type=Number(0), metavar="S", help="Seconds between checkpoints."),
)

made_options = _many(_held_out, _grouped, _taught, _keep, _threads)  # that `make` hands on
training_options = _many(_model_options, _loop_options, _data_options, _machine_options)


def recipe_config(data: str, out: str, chosen: dict[str, Any]) -> TrainConfig:
    """The configuration that a recipe makes with a few options over it; what is not among them is left to the data."""
    blank: dict[str, Any] = {"config": None, "size": None, "recipe": None}
    return training_config(data, out, blank | chosen)


def training_config(data: str, out: str, chosen: dict[str, Any]) -> TrainConfig:
    """The configuration that a recipe or a file, and over it the options given, make."""
    from edgelens.train.config import TrainConfig
    from edgelens.train.models.options import ModelOptions
    from edgelens.train.recipes import TRAININGS

    recipe = chosen["recipe"] or (None if chosen["config"] else "default")
    if recipe is not None and recipe not in TRAININGS:
        raise UsageError(f"--recipe {recipe}: must be one of {', '.join(TRAININGS)}")
    stored = _stored(chosen["config"])[0] if chosen["config"] else {}
    given = {name: value for name, value in chosen.items() if value is not None and value != ()}
    if chosen["size"] is not None:
        given["size"] = _size(chosen["size"])
    if "finest" in given:
        given["finest"] = int(given["finest"])
    options = {f.name: given[f.name] for f in fields(ModelOptions) if f.name in given}
    known = {f.name for f in fields(TrainConfig)}
    values = stored | dict(TRAININGS[recipe] if recipe else {})
    values |= {name: value for name, value in given.items() if name in known}
    values |= {"data": data, "out": out, "options": dict(stored.get("options", {})) | options}
    values.setdefault("task", _task_for(data, given.get("format")))
    return TrainConfig.from_json(values, f"--config {chosen['config']}" if chosen["config"] else "the options")


def given_in_file(path: str | None, task: str) -> dict[str, str]:
    """What a file of settings gives to a training, name → as a message names it.

    Who writes one by hand gives what stands in it. What `tune` or a run wrote holds every setting: given is what only
    their own task reads, where they are another's than the training's.
    """
    if path is None:
        return {}
    from edgelens.train.config import TrainConfig
    from edgelens.train.tasks.catalog import OPTIONS

    stored, by_hand = _stored(path)
    values = {**stored, **dict(stored.get("options", {}))}
    if not by_hand:
        usual = TrainConfig("", "")
        usual_values = usual.as_json() | usual.as_json()["options"]
        its_task = str(stored.get("task", usual.task))
        own = OPTIONS.get(its_task, ()) if its_task != task else ()
        values = {name: values[name] for name in own if name in values and values[name] != usual_values[name]}
    return {name: f"--config {path}: {name}" for name in values if name not in ("options", "task", "model")}


def _task_for(data: str, format_name: str | None) -> str:
    """What the data is made for, which is said where it is not the plain case."""
    from edgelens.runtime.tasks.catalog import PLAIN, task_for

    task = task_for(data, format_name)
    if task != PLAIN:
        click.echo(f"{data} is made for --task {task}", err=True)
    return task


def _stored(path: str) -> tuple[dict[str, Any], bool]:
    """The settings in a file, without its data and folder, and whether it is not one that `tune` or a run wrote."""
    try:
        written = json.loads(Path(path).read_text("utf-8"))
        values = dict(written.get("config", written))
        values["options"] = dict(values.get("options", {}))
    except OSError as error:
        raise DataError(f"--config {path}: could not be read ({error.strerror})") from None
    except (ValueError, TypeError, AttributeError):
        raise DataError(f"--config {path}: is no JSON object of settings") from None
    from edgelens.train.config import TrainConfig

    if unknown := sorted(set(values) - {f.name for f in fields(TrainConfig)}):
        raise DataError(f"--config {path}: has no setting called {unknown[0]!r}")
    return {name: value for name, value in values.items() if name not in ("data", "out")}, "config" not in written


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
        size = int(float(number) * units[unit])
    except (ValueError, KeyError, OverflowError):
        size = -1
    if size < 0:
        raise UsageError(f"--ram-limit {text}: write a size such as 500MB or 2GB")
    return size
