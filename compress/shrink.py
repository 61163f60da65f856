"""The steps that make a float network smaller before it is quantized: distillation and pruning."""

from __future__ import annotations

from torch import nn

from edgelens.train.augment import Recipe
from edgelens.train.models.cost import cost_of

from .bundle.card import CardRow
from .config import CompressConfig
from .learn.distill import distill_into, load_teacher
from .learn.finetune import accuracy_of, recipe_of
from .learn.pictures import Pictures, pictures_of
from .material import Material, split_of
from .progress import Steps
from .prune.iterative import prune

__all__ = ["shrunk", "teacher_of", "training_pictures"]


def shrunk(material: Material, config: CompressConfig, steps: Steps) -> tuple[nn.Module, list[CardRow]]:
    """The network after every asked step, and what each step cost on the validation pictures."""
    network = material.network
    if config.distill is None and config.prune is None:
        return network, []
    rows = [_row("as trained", network, material)]
    teacher = teacher_of(material, config)
    data, augment = training_pictures(material, config)
    if config.distill is not None:
        with steps.step(f"distilling into {config.distill.model}"):
            network = distill_into(material.run, teacher, data, augment, config.distill, progress=steps.update)
        rows.append(_row(f"distilled into {config.distill.model}", network, material))
    if config.prune is not None:
        with steps.step(f"pruning to {config.prune.macs:.0%} of the multiply-adds"):
            network = prune(network, teacher, material.pixels, data, augment, config.prune, progress=steps.update)
        rows.append(_row(f"pruned by {config.prune.importance}", network, material))
    for row in rows[1:]:
        steps.say(f"{row.step}: {100 * (row.accuracy or 0):.2f} % on validation, {row.macs or 0:,} multiply-adds")
    return network, rows


def teacher_of(material: Material, config: CompressConfig) -> nn.Module:
    """The network to learn from: the run that was named, else the uncompressed one."""
    return load_teacher(config.teacher, material.run) if config.teacher else material.network


def training_pictures(material: Material, config: CompressConfig) -> tuple[Pictures, Recipe]:
    """The run's training pictures and the augmentation it was trained with."""
    images, _ = split_of(material.run, "train")
    return pictures_of(images, material.pixels, seed=config.seed), recipe_of(material.run)


def _row(step: str, network: nn.Module, material: Material) -> CardRow:
    pixels = material.pixels
    macs = cost_of(network, pixels.channels, (pixels.height, pixels.width)).macs
    return CardRow(step, accuracy_of(network, material.validation), macs=macs, note="on validation")
