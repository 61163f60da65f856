"""`edgelens tune`: the search for the best training settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.options import json_option
from edgelens.cli.output import print_table, write_json
from edgelens.cli.train_options import given_in_file, training_config, training_options

if TYPE_CHECKING:
    from edgelens.train.task import Score
    from edgelens.train.tune.promise import Promise

__all__ = ["command"]


@click.command(name="tune")
@click.argument("data")
@click.option("--out", metavar="DIR", help="Where the search goes; tunings/DATA unless said.")
@click.option("--trials", type=click.IntRange(1), default=30, show_default=True, help="Of all processes together.")
@click.option("--sampler", default="tpe", show_default=True, metavar="NAME", help="tpe, random or grid.")
@click.option(
    "--search",
    "searched",
    multiple=True,
    metavar="NAME=VALUES",
    help="A dimension, such as batch=32,64 or l2=1e-5..1e-1:log; repeat it. Without any, a space that suits most.",
)
@click.option("--study", metavar="WHERE", help="A .db or .journal file or a URL, for many processes and machines.")
@click.option("--name", default="edgelens", show_default=True, help="The study's name in there.")
@click.option("--prune/--no-prune", default=True, help="Stop trials that are worse than half of the others were.")
@click.option("--quiet", is_flag=True, help="Say only the result.")
@training_options
@json_option
def command(
    data: str,
    out: str | None,
    trials: int,
    sampler: str,
    searched: tuple[str, ...],
    study: str | None,
    name: str,
    prune: bool,
    quiet: bool,
    json_path: str | None,
    **chosen: Any,
) -> None:
    """Search for the settings that train best on DATA. A training option that is given is fixed, the others are sought.

    Stop it at any time: the same command goes on where it was, and started twice it shares the work.
    """
    from edgelens.train.config import AUTO
    from edgelens.train.opening.choice import pixels_of
    from edgelens.train.opening.given import flag
    from edgelens.train.optimize import allocator as memory
    from edgelens.train.start import pretrained as backbone
    from edgelens.train.tasks.catalog import make_task
    from edgelens.train.tune.plots import write_plots
    from edgelens.train.tune.promise import promised
    from edgelens.train.tune.search import TuneConfig, search, write_best
    from edgelens.train.tune.space import default_space, parse_search, refuse_unread

    config = training_config(data, out or f"tunings/{Path(data).resolve().stem or 'data'}", chosen)
    if config.model == AUTO:  # many trainings are compared: of a network that takes minutes, not hours
        config = replace(config, model=make_task(config).looks.network or "lens-s")
    task = make_task(config)
    images = task.open_data(config.data_config())  # what is wrong with the data is said before a study exists
    fixed = {option: flag(option) for option, value in chosen.items() if value not in (None, ())}
    pixels = pixels_of(config, images, task.looks)
    started = config.start is not None or (task.backbone and backbone.suits(config, images, pixels))
    space = dict(map(parse_search, searched)) or default_space(
        config, set(fixed), small=sampler == "grid", shaped=not started
    )
    refuse_unread(config, given_in_file(chosen["config"], config.task) | fixed, space)
    tuning = TuneConfig(config, space, trials, sampler, study or "", name, prune, config.seed)
    memory.keep_large_blocks()

    def say(line: str) -> None:
        if not quiet:
            click.echo(line, err=True)

    try:
        found = search(tuning, say)
    except KeyboardInterrupt:
        say("stopped; the same command goes on")
        raise
    promise = promised(found)
    best, plots = write_best(found, tuning, promise), write_plots(found, tuning.folder / "tune.html", promise)
    _report(found, task.score, promise, best, plots, json_path)


def _report(
    study: Any, score: Score, promise: Promise | None, best: Path | None, plots: Path, json_path: str | None
) -> None:
    finished = sorted((t for t in study.trials if t.value is not None), key=lambda t: -score.rank(t.value))
    rows = [
        {"trial": t.number + 1, score.name: t.value, "macs": t.user_attrs["macs"], "params": t.params}
        for t in finished
        if "macs" in t.user_attrs
    ]
    if json_path:
        expected = None if promise is None else promise.value
        written = {"schema": 1, "best": None if best is None else str(best), "expected": expected, "trials": rows}
        write_json(json_path, written)
    if json_path == "-":
        return
    names = list(dict.fromkeys(name for row in rows for name in row["params"]))
    table = [
        (
            row["trial"],
            score.number(row[score.name]),
            f"{row['macs']:,}",
            *(_short(row["params"].get(n)) for n in names),
        )
        for row in rows[:10]
    ]
    print_table(table, header=("trial", score.title, "multiply-adds", *names))
    if promise is not None:
        click.echo(
            f"of other pictures expect {promise.said(score)}: the best of {len(rows)} trials is the best on these"
            f" {promise.count:,} partly by luck, which is taken off"
        )
    click.echo(f"plots: {plots}")
    if best is not None:
        click.echo(f"train with the best settings: edgelens train DATA --config {best}")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
