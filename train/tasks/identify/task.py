"""Identification: features by which somebody who is shown later is told from all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.decode.identify import EMBEDDING
from edgelens.runtime.metrics.identification import identification, unit_rows
from edgelens.runtime.preprocess import PixelContract

from ...augment import Recipe, apply
from ...augment.random.draws import Draws
from ...config import TrainConfig
from ...data.targets import DenseTargets
from ...task import Arrays, Build, Draw, Looks, Outputs, Score, Settled, Targets, Task
from ..classify.labels import class_ids
from .data import judged_by_several, open_identities
from .embedder import WIDTH, Embedder
from .losses import contrastive, margin_softmax
from .meter import IdentifyMeter
from .reading import likeness_reading
from .report import sections
from .settle import settle_identities
from .whitening import fitted_identities, refitted

__all__ = ["identify"]

_SCENE = 40  # pixels a side
# faces 92 pixels wide: at 160 pixels 99.8 % are recognized, at 96 97.8 %
_PHOTO = dict.fromkeys(("lite0", "lite0-16"), (160, 224))
TOGETHER = 4  # pictures of an identity that a batch holds


def identify(config: TrainConfig, classes: Sequence[str], counts: Sequence[int]) -> Task:
    """The task of telling identities apart; a network from chance learns it by margins, a frozen one by whitening."""
    del config, classes, counts
    return Task(
        "identify",
        (EMBEDDING,),
        open_identities,
        _targets,
        _head,
        _augment,
        _losses,
        IdentifyMeter,
        Score("rank1", word="recognized"),
        _settle,
        _summary,
        sections,
        balance=class_ids,
        together=TOGETHER,
        regress=fitted_identities,
        refit=refitted,
        reading=lambda _decode, shown: likeness_reading(shown),
        backbone=True,
        completed=judged_by_several,
        # what stands at the rim tells apart, too; and from few identities no small network learns what the world has
        # taught a large one, be the pictures as small as faces are
        looks=Looks(resize="stretch", photo=_PHOTO, scene=_SCENE),
        alone=False,
    )


def _targets(images: ImageSet, _: PixelContract) -> Targets:
    return DenseTargets.of(images.labels.astype(np.int64))


def _head(build: Build, classes: Sequence[str]) -> nn.Module:  # noqa: ARG001
    return Embedder(build(WIDTH))


def _augment(recipe: Recipe, pixels: Tensor, targets: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """Pictures as the recipe says; a mixture of two identities is nobody's, so none are mixed.

    Where a mirror shows somebody else, half of the pictures are theirs: few identities are twice as many.
    """
    inputs, _ = apply(
        recipe.unmixed(), pixels, targets, seed=draw.seed, epoch=draw.epoch, samples=draw.samples, classes=1
    )
    if not recipe.sided:
        return inputs, targets
    mirrored = Draws.of(draw.seed, draw.epoch, draw.samples.to(targets.device)).chosen("somebody else", 0.5)
    return torch.where(mirrored[:, None, None, None], inputs.flip(-1), inputs), torch.where(mirrored, ~targets, targets)


def _losses(outputs: Outputs, targets: Tensor) -> Tensor:
    return margin_softmax(outputs[EMBEDDING], targets) + contrastive(outputs[EMBEDDING], targets)


def _settle(outputs: Arrays, targets: Targets, false_accepts: float) -> Settled:  # noqa: ARG001
    return settle_identities(unit_rows(outputs[EMBEDDING]), class_ids(targets))


def _summary(outputs: Arrays, targets: Targets, settled: Settled) -> dict[str, Any]:  # noqa: ARG001
    return {**identification(unit_rows(outputs[EMBEDDING]), class_ids(targets)).to_json()}
