"""`edgelens make`: photos with classes, boxes or texts become a proven bundle in one go: train, compress, verify."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.make_card import SLOW_MS, Made, next_command, told_of
from edgelens.cli.numbers import Number
from edgelens.cli.options import device_option, json_option, on_option
from edgelens.cli.output import write_json
from edgelens.cli.train_options import made_options, recipe_config, task_option
from edgelens.runtime.errors import UsageError, WorkError

if TYPE_CHECKING:
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.pipeline import Compressed
    from edgelens.compress.progress import Progress
    from edgelens.compress.search.budget import Budget
    from edgelens.runtime.bundle.bundle import Bundle
    from edgelens.train.runs.run import Run
    from edgelens.train.task import Looks

__all__ = ["command"]

_STEPS = ("train", "compress", "verify", "evaluate")
_OF_THE_BUNDLE = ("max_latency", "max_size", "device", "on")  # options that no training is told
_QUICK_IMAGES, _QUICK_JUDGED = 64, 200  # that ranges are found on, and files are held to, where it must be quick


@click.command("make")
@click.argument("photos")
@click.option("--out", required=True, metavar="FILE.edge", help="The bundle to write.")
@task_option
@click.option("--recipe", metavar="NAME", help="quick stops at the first answer; default fine-tunes; best trains long.")
@click.option("--minutes", type=Number(0), help="Of training, and of search within limits; by the photos unless said.")
@click.option("--model", metavar="NAME", help="The network; by the photos unless said.")
@click.option("--size", metavar="N or HxW", help="Pixels of the picture that it looks at; by the photos unless said.")
@click.option("--max-latency", metavar="15ms", help="What a picture may take on the device.")
@click.option("--max-size", metavar="4MB", help="What the model file may weigh.")
@click.option("--run", "folder", metavar="DIR", help="Where the run goes; beside the bundle unless said.")
@made_options
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--quiet", is_flag=True, help="Say only the card.")
@device_option
@on_option
@json_option
def command(photos: str, out: str, folder: str | None, quiet: bool, json_path: str | None, **chosen: Any) -> None:
    """Make a recognizer of PHOTOS, a folder for each class, or photos with boxes or texts, and say how good it is.

    Ctrl-C while it fine-tunes keeps what is best so far and goes on with that.
    """
    from edgelens.compress.progress import Progress
    from edgelens.compress.search.budget import Budget
    from edgelens.runtime.bundle.target import check_target
    from edgelens.runtime.model.verify import verify_bundle
    from edgelens.train import training
    from edgelens.train.opening.given import flag
    from edgelens.train.optimize import allocator as memory
    from edgelens.train.tasks.catalog import make_task

    began = time.monotonic()
    target = Path(out)
    if target.suffix != ".edge" or target.parent.is_dir():  # the run's folder makes the one that is not there
        check_target(target)
    given = {name: value for name, value in chosen.items() if name not in _OF_THE_BUNDLE and value is not None}
    budget = Budget.parse(max_latency=chosen["max_latency"], max_size=chosen["max_size"])
    if folder:
        _check_free(Path(folder), Path(photos))
    config = recipe_config(photos, folder or f"{target.with_suffix('')}.run", given)
    looks = make_task(config).looks
    if chosen["device"] and chosen["size"] is None and looks.network is None:
        side = _quick_enough(chosen["device"], budget.latency_ms or SLOW_MS, looks, quiet)
        config = replace(config, most_side=side)
    compressing = _compressing(target, chosen)
    memory.keep_large_blocks()
    _say(0, quiet)
    run = training.fit(config, quiet=quiet, overwrite=True, given={name: flag(name) for name in given})
    _say(1, quiet)
    minutes = _minutes_of_search(chosen["minutes"], time.monotonic() - began)
    made = _compressed(run, out, compressing, budget, minutes, Progress(quiet=quiet))
    _say(2, quiet)
    proof = verify_bundle(made.bundle)
    tests = run.facts.data["images"]["test"]
    _say(3, quiet, "" if tests else ": left out, nothing is set aside to test on (--test 0.2 sets a fifth aside)")
    tested = _tested(made.bundle, run) if tests else ""
    result = Made(run, made, told_of(run), tested, proof.ok, time.monotonic() - began)
    if json_path:
        write_json(json_path, result.to_json(out))
    if json_path != "-":
        knows = bool(made.bundle.manifest.main.labels)
        then = next_command(out, chosen["device"], chosen["on"], knows=knows)
        click.echo("\n".join([*result.lines(out), f"now: {then}"]))
    if not proof.ok:
        raise WorkError(f"{out}: does not answer as it did when it was made; edgelens verify {out} says where")


def _check_free(folder: Path, photos: Path) -> None:
    """Refuse a folder for the run that holds one, or in which the photos are."""
    from edgelens.train.runs.run import FACTS

    if (folder / FACTS).exists():
        raise UsageError(f"--run {folder}: holds a run already; choose another folder, or take that one away")
    if folder.resolve().is_relative_to(photos.resolve()):
        raise UsageError(f"--run {folder}: lies among the photos; choose another folder")


def _quick_enough(device: str, most_ms: float, looks: Looks, quiet: bool) -> int:
    """Pixels a side at most, so that a photo takes no longer than that on the device."""
    from edgelens.devices.here import this_machine
    from edgelens.devices.predict.side import largest_side
    from edgelens.devices.profile import load_profile

    profile = load_profile(this_machine().profile if device == "here" else device)
    side, ms = largest_side("efficientnet_lite0", profile, most_ms, looks.sides, beside=looks.beside)
    if not quiet:
        expected = f"which lite0 is expected to look at in {ms:.0f} ms on {profile.name}"
        if ms > most_ms:
            expected += f", longer than {most_ms:g} ms: the smallest that are taken unasked"
        click.echo(f"photos of at most {side} pixels a side, {expected}; --size chooses another", err=True)
    return side


def _compressing(target: Path, chosen: Mapping[str, Any]) -> CompressConfig:
    """How the run is compressed; plainly where it must be quick."""
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.quantize.observers import Observer

    config = CompressConfig(
        device=chosen["device"],
        on=chosen["on"],
        seed=chosen["seed"],
        command=shlex.join(["edgelens", *sys.argv[1:]]),
        report=f"{target.with_suffix('')}.report.html",
    )
    if chosen["recipe"] != "quick":
        return config
    return replace(  # activations that ReLU6 bounds lose nothing by the plainest ranges, which are found in one pass
        config,
        observer=Observer("minmax"),
        equalize=False,
        correct_bias=False,
        calibration_images=_QUICK_IMAGES,
        evaluation_images=_QUICK_JUDGED,
    )


def _minutes_of_search(asked: float | None, spent_s: float) -> float:
    """What training has left of the minutes that were given, a third at least; the search's own where none were."""
    from edgelens.compress.search.search import SearchConfig

    return max(asked - spent_s / 60, asked / 3) if asked else SearchConfig.minutes


def _compressed(
    run: Run, out: str, config: CompressConfig, budget: Budget, minutes: float, progress: Progress
) -> Compressed:
    """The bundle; where limits were set, of the best network that keeps them, smaller ones learning from the run's."""
    from edgelens.compress.pipeline import compress_run
    from edgelens.compress.search.budget import Budget
    from edgelens.compress.search.search import SearchConfig, search_run

    if budget == Budget():
        return compress_run(run.path, out, config, progress=progress)
    searched = SearchConfig(budget, config, config.device, config.on, minutes=minutes)
    progress.say(f"where it is outside the limits, up to {searched.time_words} go into smaller networks")
    return search_run(run.path, out, searched, progress=progress)


def _say(step: int, quiet: bool, more: str = "") -> None:
    if not quiet:
        click.echo(f"[{step + 1}/{len(_STEPS)}] {_STEPS[step]}{more}", err=True)


def _tested(bundle: Bundle, run: Run) -> str:
    """What the bundle does on the run's test split, through the camera's own path."""
    from edgelens.runtime.model.evaluate import evaluate
    from edgelens.runtime.tasks.catalog import task_of

    found, _ = task_of(bundle.manifest.main.task).load(run.config.data, run.config.format, "all")
    tests = run.names_of(("test",))
    found = found.select([row for row, name in enumerate(found.names) if name in tests])
    measured = evaluate(bundle, found)
    return f"{measured.report.lines()[-1]} on the {len(found):,} photos of the test split"
