"""The steps that make a float network smaller before it is quantized: distillation and pruning."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from edgelens.train.models.cost import cost_of

from .bundle.card import CardRow
from .config import CompressConfig
from .ingredients import Ingredients
from .learn.distill import TAUGHT, distill_into, load_teacher
from .learn.lesson import lesson_of
from .network.knowing import giving_as, network_itself
from .progress import Progress
from .prune.iterative import prune

__all__ = ["shrunk", "teacher_of"]


def shrunk(made_of: Ingredients, config: CompressConfig, progress: Progress) -> tuple[nn.Module, list[CardRow]]:
    """The network after every asked step, and what each step cost on the validation pictures."""
    network = made_of.network
    if config.distill is None and config.prune is None:
        return network, []
    rows = [_row("as trained", network, made_of)]
    teacher = teacher_of(made_of, config)
    lesson = lesson_of(made_of.run, made_of.training_pictures(config.seed), made_of.pixels)
    if config.distill is not None:
        with progress.step(f"distilling into {config.distill.model}"):
            came = distill_into(made_of.run, teacher, lesson, config.distill, progress=progress.update)
            network = _best({how: giving_as(network, each) for how, each in came.items()}, made_of, progress)
        rows.append(_row(f"distilled into {config.distill.model}", network, made_of))
    if config.prune is not None:
        with progress.step(f"pruning to {config.prune.macs:.0%} of the multiply-adds"):
            whole = network_itself(network)  # whose features may become fewer
            smaller = prune(whole, teacher, made_of.pixels, lesson, config.prune, progress=progress.update)
            network = giving_as(network, smaller)
        rows.append(_row(f"pruned to {config.prune.macs:.0%}", network, made_of))
    for row in rows[1:]:
        progress.say(f"{row.step}: {100 * (row.accuracy or 0):.2f} % on validation, {row.macs or 0:,} multiply-adds")
    return network, rows


def teacher_of(made_of: Ingredients, config: CompressConfig) -> nn.Module:
    """The network to learn from: the run that was named, else the uncompressed one."""
    return load_teacher(config.teacher, made_of.run) if config.teacher else made_of.network


def _best(came: Mapping[str, nn.Module], made_of: Ingredients, progress: Progress) -> nn.Module:
    """What does best on the validation pictures of all that came of a student, the first of equals."""
    if len(came) == 1:
        return came[TAUGHT]
    scores = {how: made_of.score(network, made_of.validation) for how, network in came.items()}
    best = max(scores, key=lambda how: scores[how])
    if best != TAUGHT:
        now, before = (f"{100 * scores[how]:.2f} %" for how in (best, TAUGHT))
        progress.say(f"the network {best} is taken: {now} on validation, {TAUGHT} {before}")
    return came[best]


def _row(step: str, network: nn.Module, made_of: Ingredients) -> CardRow:
    pixels = made_of.pixels
    macs = cost_of(network, pixels.channels, (pixels.height, pixels.width)).macs
    return CardRow(step, made_of.score(network, made_of.validation), macs=macs, note="on validation")
