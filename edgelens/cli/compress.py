"""`edgelens compress`: a trained run, or somebody's .onnx file, becomes a bundle."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.numbers import Number
from edgelens.cli.options import PICTURE, device_option, json_option, labels_option, on_option, pixel_options
from edgelens.runtime.errors import UsageError

if TYPE_CHECKING:
    from edgelens.compress.bundle.card import Card
    from edgelens.compress.config import CompressConfig

__all__ = ["command"]


@click.command(name="compress")
@click.argument("model")
@click.option("--out", required=True, metavar="FILE.edge", help="The bundle to write.")
@click.option("--name", metavar="NAME", help="The bundle's name; the file's unless given.")
@click.option("--formats", default="onnx,tflite", show_default=True, help="Which formats are made.")
@click.option(
    "--precisions", default="float32,int8", show_default=True,
    help="Of float32, int8, float16, dynamic, weight-only.",
)  # fmt: skip
@click.option("--calibrate", metavar="DIR", help="Images to calibrate with; the run's training images unless given.")
@click.option("--calibration-images", type=click.IntRange(1), default=300, show_default=True)
@click.option("--observer", type=click.Choice(["auto", "minmax", "percentile", "mse"]), default="auto")
@click.option("--qat", type=Number(0, 1e6, min_open=True), metavar="EPOCHS", help="Train in 8 bits so long.")
@click.option("--prune", type=Number(0, 1, min_open=True, max_open=True), metavar="SHARE",
              help="Prune to this share of the multiply-adds.")  # fmt: skip
@click.option(
    "--importance",
    type=click.Choice(["auto", "magnitude", "bn-scale", "taylor"]),
    default="auto",
    show_default=True,
    help="What tells which channels matter; auto takes what leaves most.",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=3, show_default=True, help="How often --prune cuts and learns."
)
@click.option("--epochs", type=Number(0, 1e6, min_open=True), help="Recovery after pruning or distillation.")
@click.option("--teacher", metavar="RUN", help="The network to learn from; the uncompressed one unless given.")
@click.option("--model", "student", metavar="NAME", help="Distil into this network.")
@click.option("--width", type=Number(0, min_open=True), help="The width of --model.")
@click.option("--round-weights", is_flag=True, help="Learn which way each weight is rounded.")
@click.option("--mixed", type=click.IntRange(0), default=0, metavar="N", help="Leave up to N sensitive layers float.")
@click.option("--sensitivity", is_flag=True, help="Measure what 8 bits cost every layer.")
@click.option("--full-integer", is_flag=True, help="Pooling and classifier in 8 bits too, for accelerators.")
@click.option("--dynamic-batch", is_flag=True, help="ONNX files that take any number of pictures at once.")
@click.option("--background", multiple=True, metavar="LABEL", help="A class that means nothing is there.")
@click.option("--allow-mismatch", is_flag=True, help="Write the bundle even where parity is outside its limits.")
@click.option("--max-latency", metavar="15ms", help="Budget: p95 of one picture.")
@click.option("--max-size", metavar="100KB", help="Budget: the model file.")
@click.option("--max-memory", metavar="20MB", help="Budget: the peak above an idle process.")
@click.option("--max-drop", type=Number(0), metavar="POINTS", help="Budget: accuracy points that may be lost.")
@click.option("--min-accuracy", type=Number(0, 1), metavar="P", help="Budget: accuracy at least.")
@click.option("--study", metavar="DIR", help="Where a budget search keeps its candidates; OUT.study unless given.")
@click.option("--minutes", type=Number(0, min_open=True), default=15.0, show_default=True,
              help="How long a budget search may take.")  # fmt: skip
@click.option(
    "--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Engine threads when timing."
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--report", metavar="FILE.html", help="The report; beside the bundle unless given.")
@labels_option
@device_option
@on_option
@pixel_options
@json_option
def command(model: str, out: str, report: str | None, json_path: str | None, **options: Any) -> None:
    """Turn MODEL, a trained run or an .onnx file, into a small, fast, proven bundle."""
    from edgelens.compress.progress import Progress
    from edgelens.train.optimize import allocator as memory

    foreign = Path(model).is_file() or model.endswith(".onnx")
    _refuse_others(model)
    _refuse_idle(model, foreign)
    if any(options[name] is not None for name in (*_TRAINS, *_BUDGET)):
        memory.keep_large_blocks()
    progress = Progress()
    options["report"] = report or f"{out.removesuffix('.edge')}.report.html"
    options["card"] = None if json_path == "-" else json_path
    if foreign:
        card = _other(model, out, progress, options)
    elif any(options[name] is not None for name in _BUDGET):
        card = _search(model, out, progress, options)
    else:
        from edgelens.compress.pipeline import compress_run

        card = compress_run(model, out, _config(options), progress=progress).card
    shown = card.to_json() if json_path == "-" else card.to_markdown()
    click.echo(shown.decode(), nl=False)


_PIXELS = ("labels", *PICTURE)
_TRAINS = ("qat", "prune", "student")
_BUDGET = ("max_latency", "max_size", "max_memory", "max_drop", "min_accuracy")
_OF_A_RUN = (
    *_BUDGET, "study", "minutes", "formats", "precisions", "qat", "prune", "importance", "epochs", "teacher", "student",
    "rounds", "width", "round_weights", "mixed", "sensitivity", "full_integer", "dynamic_batch", "background",
)  # fmt: skip
_GOES_WITH = {
    "width": ("student",),
    "importance": ("prune",),
    "rounds": ("prune",),
    "epochs": ("student", "prune"),
    "teacher": ("student", "prune"),
    "study": _BUDGET,
    "minutes": _BUDGET,
}
_OF_8_BITS = (
    "calibrate", "calibration_images", "observer", "qat", "round_weights", "mixed", "sensitivity", "full_integer",
)  # fmt: skip
_SEARCHED = ("student", "prune", *(name for name in _GOES_WITH if name not in ("teacher", "study", "minutes")))


def _refuse_others(model: str) -> None:
    """What is neither a run nor an .onnx file goes another way, which is said before anything is asked of it."""
    from edgelens.runtime.formats.other_formats import way_from

    path = Path(model)
    if path.suffix.lower() == ".onnx" or not path.exists() or (path / "run.json").exists():
        return
    if path.suffix.lower() == ".edge":
        raise UsageError(f"{model}: is a bundle already: compress the run or the .onnx file that it was made of")
    if way := way_from(path):
        raise UsageError(f"{model}: {way}")


def _refuse_idle(model: str, foreign: bool) -> None:
    """An option that would have no effect is refused, since somebody counts on it."""
    context = click.get_current_context()
    spelled = {option.name: option.opts[0] for option in context.command.params if option.name}
    given = click.core.ParameterSource.COMMANDLINE
    said = {name for name in spelled if context.get_parameter_source(name) is given}
    for name in _OF_A_RUN if foreign else _PIXELS:
        if name in said:
            raise UsageError(
                f"{spelled[name]}: is for a trained run; of {model} float32 and int8 ONNX are made as it is"
                if foreign
                else f"{spelled[name]}: is for .onnx files of others; a trained run knows its labels and its picture"
            )
    if "device" in said and "on" in said:
        raise UsageError("--device: goes not with --on, whose own timings decide")
    if not foreign and "dynamic_batch" in said and "onnx" not in _names(context.params["formats"]):
        raise UsageError("--dynamic-batch: goes with onnx among --formats")
    if not foreign and "int8" not in _names(context.params["precisions"]):
        for name in _OF_8_BITS:
            if name in said:
                raise UsageError(f"{spelled[name]}: goes with int8 among --precisions")
    if not said.isdisjoint(_BUDGET):
        for name in _SEARCHED:
            if name in said:
                raise UsageError(f"{spelled[name]}: a budget search decides that by itself")
        return
    for name, company in _GOES_WITH.items():
        if name in said and said.isdisjoint(company):
            raise UsageError(f"{spelled[name]}: goes with {' or '.join(spelled[other] for other in company)}")


def _config(options: dict[str, Any]) -> CompressConfig:
    """The options as a configuration."""
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.learn.distill import DistillConfig
    from edgelens.compress.prune.iterative import PruneConfig
    from edgelens.compress.quantize.observers import Observer
    from edgelens.compress.quantize.qat import QatConfig
    from edgelens.train.models.options import ModelOptions

    seed = options["seed"]
    learning = {"seed": seed} | ({"epochs": options["epochs"], "least_steps": 0} if options["epochs"] else {})
    distill = prune = qat = None
    if options["student"]:
        width = ModelOptions(width=options["width"]) if options["width"] else ModelOptions()
        distill = DistillConfig(options["student"], width)
        distill = replace(distill, tuning=replace(distill.tuning, **learning))
    if options["prune"]:
        prune = PruneConfig(options["prune"], options["importance"], options["rounds"])
        prune = replace(prune, tuning=replace(prune.tuning, **learning))
    if options["qat"]:
        qat = QatConfig()
        qat = replace(qat, tuning=replace(qat.tuning, epochs=options["qat"], seed=seed))
    return CompressConfig(
        formats=_names(options["formats"]),
        precisions=_names(options["precisions"]),
        distill=distill,
        prune=prune,
        qat=qat,
        teacher=options["teacher"],
        observer=None if options["observer"] == "auto" else Observer(options["observer"]),
        calibrate=options["calibrate"],
        calibration_images=options["calibration_images"],
        round_weights=options["round_weights"],
        mixed=options["mixed"],
        sensitivity=options["sensitivity"],
        full_integer=options["full_integer"],
        dynamic_batch=options["dynamic_batch"],
        background=options["background"],
        name=options["name"],
        report=options["report"],
        card=options["card"],
        allow_mismatch=options["allow_mismatch"],
        on=options["on"],
        device=options["device"],
        threads=options["threads"],
        seed=seed,
        command=shlex.join(["edgelens", *sys.argv[1:]]),
    )


def _names(text: str) -> tuple[str, ...]:
    """What stands between commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _other(model: str, out: str, progress: Any, options: dict[str, Any]) -> Card:
    """Somebody's .onnx file."""
    from edgelens.compress.foreign import compress_onnx

    if options["calibrate"] is None:
        raise UsageError(f"{model}: give images to find its ranges with: --calibrate DIR")
    said = {name: options[name] for name in _PIXELS if options.get(name) is not None}
    return compress_onnx(model, out, options["calibrate"], _config(options), said, progress=progress).card


def _search(model: str, out: str, progress: Any, options: dict[str, Any]) -> Card:
    """A run within a budget."""
    from edgelens.compress.search.budget import Budget
    from edgelens.compress.search.search import SearchConfig, search_run

    budget = Budget.parse(**{name: options[name] for name in _BUDGET})
    config = SearchConfig(
        budget, _config(options), options["device"], options["on"], options["study"], options["minutes"]
    )
    return search_run(model, out, config, progress=progress).card
