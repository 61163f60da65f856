"""Making a candidate: the network that a plan asks for, after a short recovery or a long one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from edgelens.runtime.preprocess import PixelContract
from edgelens.train.config import TrainConfig
from edgelens.train.models.cost import Cost, cost_of
from edgelens.train.start.pretrained import front_of
from edgelens.train.start.slim import fronted
from edgelens.train.start.transfer import fitting_weights
from edgelens.train.tasks.catalog import make_network

from ..ingredients import Ingredients
from ..learn.finetune import FineTune, finetune
from ..learn.head import fit_head
from ..learn.lesson import Lesson, lesson_of
from ..learn.pictures import Pictures
from ..learn.taught import AtItsSize
from ..network.knowing import giving_as, network_itself
from ..prune.iterative import AUTO, PruneConfig, narrower
from .space import Attempt

__all__ = ["Recovery", "bare_network", "estimate", "file_bytes", "recovered", "seen_by"]

_CHANNEL, _LAYER = 18, 550  # bytes of biases and scales, and of the graph


@dataclass(frozen=True)
class Recovery:
    """How long a candidate learns in each stage, in passes over the training pictures."""

    short: float = 2.0
    long: float = 10.0
    short_steps: int = 150  # at least, each of 128 pictures, however few there are
    long_steps: int = 700
    most_pictures: int = 20_000

    def epochs(self, stage: str, pictures: int, batch: int = 128) -> float:
        """The passes of a stage over so many pictures."""
        epochs, steps = (self.short, self.short_steps) if stage == "short" else (self.long, self.long_steps)
        return max(epochs, steps * batch / max(pictures, 1))


def seen_by(plan: Attempt, made_of: Ingredients) -> Ingredients:
    """The ingredients as the plan's network sees it: the same images, at its own size."""
    pixels = plan.pixels(made_of.pixels)
    if pixels == made_of.pixels:
        return made_of
    run = dataclasses.replace(made_of.run, facts=dataclasses.replace(made_of.run.facts, pixels=pixels))

    def seen(pictures: Pictures) -> Pictures:
        return dataclasses.replace(pictures, pixels=pictures.at(pixels))

    validation = seen(made_of.validation)
    same = made_of.evaluation is made_of.validation  # by which what had a say in choices is known
    return dataclasses.replace(
        made_of,
        run=run,
        calibrating=seen(made_of.calibrating),
        evaluation=validation if same else seen(made_of.evaluation),
        validation=validation,
    )


def bare_network(plan: Attempt, seen: Ingredients, lesson: Lesson | None) -> nn.Module:
    """The candidate's network before it has learned anything of its own; `seen` and the lesson are what it sees.

    Without a lesson it is one of about that cost: cut in seconds, by magnitude, whatever matters.
    """
    if plan.kind == "narrower":
        options = seen.run.config.options
        narrow = dataclasses.replace(options, width=options.width * plan.share)
        return _made(dataclasses.replace(seen.run.config, options=narrow), seen)
    if plan.kind == "front":
        network = _front(seen)
        if lesson:
            fit_head(network, lesson)
    else:
        network = seen.network if plan.side == 1 else _for_its_picture(seen)
    if plan.share == 1:
        return network
    most = estimate(network, seen.pixels).macs * plan.share
    return narrower(network, seen.pixels, most, lesson, PruneConfig(importance=AUTO if lesson else "magnitude"))


def _for_its_picture(seen: Ingredients) -> nn.Module:
    """The trained network for a picture of another size, with every weight that fits."""
    made = _made(seen.run.config, seen)
    own, trained = network_itself(made), network_itself(seen.network).state_dict()
    own.load_state_dict(fitting_weights(trained, own.state_dict()), strict=False)
    return made


def _front(seen: Ingredients) -> nn.Module:
    """The trained network's first stages, with a head from chance."""
    model = front_of(seen.run.config)
    assert model is not None
    made = _made(dataclasses.replace(seen.run.config, model=model), seen)
    own = network_itself(made)
    own.load_state_dict(fronted(network_itself(seen.network).state_dict(), own), strict=False)
    return made


def _made(config: TrainConfig, seen: Ingredients) -> nn.Module:
    """A fresh network, always the same, that gives what the trained one gives."""
    torch.manual_seed(0)
    return giving_as(seen.network, make_network(config, seen.run.classes, seen.pixels).eval())


def estimate(network: nn.Module, pixels: PixelContract) -> Cost:
    """Weights and multiply-adds: all that can be known of a candidate in a moment."""
    return cost_of(network, pixels.channels, (pixels.height, pixels.width))


def file_bytes(network: nn.Module) -> int:
    """About how large the smallest 8-bit file of a network is: what weights, channels and layers take there.

    Within 3 % of the TFLite files of lens-s, lens-m, resnet8 and lite0.
    """
    weights = [value for value in network.parameters() if value.ndim > 1]
    channels = sum(value.shape[0] for value in weights)
    return sum(value.numel() for value in weights) + _CHANNEL * channels + _LAYER * len(weights)


def recovered(
    plan: Attempt,
    network: nn.Module,
    made_of: Ingredients,
    teacher: nn.Module,
    stage: str,
    recovery: Recovery,
    seconds: float,
    progress: Callable[[str], None] | None = None,
) -> nn.Module:
    """The candidate after learning from `teacher`, for so long at most; `made_of` is what the candidate sees."""
    if plan.kind == "trained":
        return network
    lesson = lesson_of(made_of.run, made_of.training_pictures(most=recovery.most_pictures), made_of.pixels)
    if plan.side != 1:
        golden = made_of.golden.pictures  # still of the whole picture's size
        teacher = AtItsSize(teacher, golden.shape[1], golden.shape[2])
    rate = 3e-3 if plan.kind == "narrower" else 1e-3
    features = 0.5 if plan.side == 1 else 0.0
    network.train()
    epochs = recovery.epochs(stage, len(lesson.pictures))
    tuning = FineTune(epochs=epochs, rate=rate, features=features, seconds=seconds)
    finetune(network, teacher.eval(), lesson, tuning, progress=progress)
    return network.eval()
