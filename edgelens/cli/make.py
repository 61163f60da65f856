"""`edgelens make`: photos with classes, boxes or texts become a proven bundle in one go: train, compress, verify."""

from __future__ import annotations

import shlex
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgelens.cli.options import device_option, json_option, on_option
from edgelens.cli.output import write_json
from edgelens.cli.train_options import recipe_config, task_option
from edgelens.runtime.errors import UsageError, WorkError

if TYPE_CHECKING:
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.pipeline import Compressed
    from edgelens.compress.progress import Progress
    from edgelens.compress.search.budget import Budget
    from edgelens.runtime.bundle.bundle import Bundle
    from edgelens.train.report.told import Told
    from edgelens.train.runs.run import Run

__all__ = ["command"]

_STEPS = ("train", "compress", "verify", "evaluate")
_SLOW_MS = 100.0  # a picture, from which on a smaller one is worth a thought
_SMALLEST = 96  # pixels a side
_QUICK_IMAGES, _QUICK_JUDGED = 64, 200  # that ranges are found on, and files are held to, where it must be quick


@click.command("make")
@click.argument("photos")
@click.option("--out", required=True, metavar="FILE.edge", help="The bundle to write.")
@task_option
@click.option("--recipe", metavar="NAME", help="quick stops at the first answer; default fine-tunes; best trains long.")
@click.option("--minutes", type=click.FloatRange(0), help="Of fine-tuning; by the number of photos unless said.")
@click.option("--model", metavar="NAME", help="The network; by the photos unless said.")
@click.option("--size", metavar="N or HxW", help="Pixels of the picture that it looks at; by the photos unless said.")
@click.option("--max-latency", metavar="15ms", help="What a picture may take on the device.")
@click.option("--max-size", metavar="4MB", help="What the model file may weigh.")
@click.option("--run", "folder", metavar="DIR", help="Where the run goes; beside the bundle unless said.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--quiet", is_flag=True, help="Say only the card.")
@device_option
@on_option
@json_option
def command(photos: str, out: str, folder: str | None, quiet: bool, json_path: str | None, **chosen: Any) -> None:
    """Make a recognizer of PHOTOS, a folder for each class, or photos with boxes or texts, and say how good it is.

    Ctrl-C while it fine-tunes keeps what is best so far and goes on with that.
    """
    from edgelens.compress.config import CompressConfig
    from edgelens.compress.progress import Progress
    from edgelens.compress.quantize.observers import Observer
    from edgelens.compress.search.budget import Budget
    from edgelens.runtime.model.verify import verify_bundle
    from edgelens.train import training
    from edgelens.train.optimize import allocator as memory
    from edgelens.train.tasks.catalog import make_task

    began = time.monotonic()
    target = Path(out)
    if target.suffix != ".edge":
        raise UsageError(f"--out {out}: a bundle's name ends in .edge")
    command_line = shlex.join(["edgelens", *sys.argv[1:]])
    quick = chosen["recipe"] == "quick"
    given = {name: chosen[name] for name in ("task", "recipe", "minutes", "model", "size", "seed")}
    budget = Budget.parse(max_latency=chosen["max_latency"], max_size=chosen["max_size"])
    config = recipe_config(photos, folder or f"{target.with_suffix('')}.run", given)
    if chosen["device"] and chosen["size"] is None and make_task(config).regress is not None:
        side = _quick_enough(chosen["device"], budget.latency_ms or _SLOW_MS, quiet)
        config = replace(config, most_side=side)
    compressing = CompressConfig(
        device=chosen["device"],
        on=chosen["on"],
        seed=chosen["seed"],
        command=command_line,
        report=f"{target.with_suffix('')}.report.html",
    )
    if quick:  # activations that ReLU6 bounds lose nothing by the plainest ranges, which are found in one pass
        plain = Observer("minmax")
        compressing = replace(
            compressing,
            observer=plain,
            equalize=False,
            correct_bias=False,
            calibration_images=_QUICK_IMAGES,
            evaluation_images=_QUICK_JUDGED,
        )
    memory.keep_large_blocks()
    _say(0, quiet)
    run = training.fit(config, quiet=quiet, overwrite=True)
    _say(1, quiet)
    made = _compressed(run, out, compressing, budget, Progress(quiet=quiet))
    _say(2, quiet)
    proof = verify_bundle(made.bundle)
    _say(3, quiet)
    tested = _tested(made.bundle, photos) if run.facts.data["images"]["test"] else ""
    result = _Made(run, made, _told(run), tested, proof.ok, time.monotonic() - began)
    if json_path:
        write_json(json_path, result.to_json(out))
    if json_path != "-":
        click.echo("\n".join(result.lines(out, chosen["device"])))
    if not proof.ok:
        raise WorkError(f"{out}: does not answer as it did when it was made; edgelens verify {out} says where")


def _quick_enough(device: str, most_ms: float, quiet: bool) -> int:
    """Pixels a side at most, so that a photo takes no longer than that on the device."""
    from edgelens.devices.here import this_machine
    from edgelens.devices.predict.side import largest_side
    from edgelens.devices.profile import load_profile

    profile = load_profile(this_machine().profile if device == "here" else device)
    side, ms = largest_side("efficientnet_lite0", profile, most_ms)
    if not quiet:
        click.echo(
            f"photos of at most {side} pixels a side, which lite0 is expected to look at in {ms:.0f} ms on"
            f" {profile.name}; --size chooses another",
            err=True,
        )
    return side


def _compressed(run: Run, out: str, config: CompressConfig, budget: Budget, progress: Progress) -> Compressed:
    """The bundle; where limits were set, of the best network that keeps them, smaller ones learning from the run's."""
    from edgelens.compress.pipeline import compress_run
    from edgelens.compress.search.budget import Budget
    from edgelens.compress.search.search import SearchConfig, search_run

    if budget == Budget():
        return compress_run(run.path, out, config, progress=progress)
    return search_run(run.path, out, SearchConfig(budget, config, config.device, config.on), progress=progress)


def _say(step: int, quiet: bool) -> None:
    if not quiet:
        click.echo(f"[{step + 1}/{len(_STEPS)}] {_STEPS[step]}", err=True)


def _told(run: Run) -> Told | None:
    from edgelens.train.runs.report import gather
    from edgelens.train.tasks.catalog import make_task

    task = make_task(run.config, run.classes)
    return None if task.told is None else task.told(gather(run))


def _tested(bundle: Bundle, photos: str) -> str:
    """What the bundle does on the data's test split, through the camera's own path."""
    from edgelens.runtime.model.evaluate import evaluate
    from edgelens.runtime.tasks.catalog import task_of

    found, _ = task_of(bundle.manifest.main.task).load(photos, None, "test")
    measured = evaluate(bundle, found)
    return f"{measured.report.lines()[-1]} on the {len(found):,} photos of the test split"


@dataclass(frozen=True)
class _Made:
    """What was made, for the card at the end."""

    run: Run
    made: Compressed
    told: Told | None
    tested: str  # what the bundle did on the data's own test split; empty where there is none
    proven: bool
    seconds: float

    def lines(self, out: str, device: str | None) -> list[str]:
        """The card."""
        card, told = self.made.card, self.told
        name = self.made.bundle.manifest.main.preferred
        rows: list[tuple[str, str]] = []
        rows.append(("right", f"{told.score}; {told.basis}") if told is not None else ("scored", self.scored()))
        if self.tested:
            rows.append(("tested", self.tested))
        for file in (row for row in card.rows if row.file == name):
            rows.append(("runs", f"{file.step}, {(file.size or 0) / 1e6:.1f} MB{_time(file, card.on, card.device)}"))
            if file.agreement is not None:
                rows.append(("the same", f"as the trained network on {100 * file.agreement:.1f} % of the photos"))
            if (file.device_ms or 0) > _SLOW_MS and (smaller := _smaller(self.run.pixels.height)):
                share = (smaller / self.run.pixels.height) ** 2
                rows.append(("faster", f"--size {smaller} takes about {100 * share:.0f} % of the time"))
        rows.append(("proven", "every file, on golden frames" if self.proven else "NO: see edgelens verify"))
        if told is not None:
            rows.append(("confuses", "; ".join(told.confused) or "nothing"))
            rows += [("wrongest" if i == 0 else "", photo) for i, photo in enumerate(told.worst)]
            rows.append(("next", told.advice))
        head = f"{out}: {Path(out).stat().st_size / 1e6:.1f} MB, made in {_spent(self.seconds)}"
        then = f"edgelens deploy {out} HOST" if device else f"edgelens run {out}"
        return [head, *(f"  {title:<10} {text}" for title, text in rows), f"now: {then}"]

    def scored(self) -> str:
        """The task's score with its interval."""
        from edgelens.train.tasks.catalog import make_task

        score, metrics = make_task(self.run.config, self.run.classes).score, self.run.facts.metrics or {}
        found = score.with_interval(metrics[f"val_{score.name}"], self.run.judged_count)
        return f"{found}; {metrics['basis']}"

    def to_json(self, out: str) -> dict[str, Any]:
        """The same for programs."""
        return {
            "schema": 1,
            "bundle": out,
            "run": str(self.run.path),
            "seconds": round(self.seconds, 1),
            "proven": self.proven,
            "tested": self.tested,
            "metrics": self.run.facts.metrics,
            "told": vars(self.told) if self.told else None,
            "card": self.made.card.to_plain(),
        }


def _smaller(side: int) -> int | None:
    """The next picture size that about halves the work; None where the pictures are small already."""
    found = int(side * 0.72) // 32 * 32
    return found if found >= _SMALLEST else None


def _time(file: Any, on: str, here: str) -> str:
    if file.device_ms is not None:
        return f", {file.device_ms:.1f} ms a picture on {on}"
    return f", {file.p50_ms:.1f} ms a picture on {here}" if file.p50_ms is not None else ""


def _spent(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
