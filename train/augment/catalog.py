"""The recipes by name, and what a data set's classes allow of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from edgelens.runtime.errors import UsageError

from .camera import WEBCAM
from .colour import Colour
from .cutmix import Cutmix
from .erasing import Erasing
from .flip import Flip
from .mixup import Mixup
from .perspective import Perspective
from .policy import Policy
from .recipe import Recipe
from .resized_crop import ResizedCrop
from .shift import Shift
from .turn import Turn

__all__ = ["RECIPES", "mirror_is_safe", "recipe"]

RECIPES: dict[str, Recipe] = {
    "none": Recipe(),
    "quick": Recipe("quick", flip=Flip(), shift=Shift(0.125)),
    "default": Recipe(
        "default",
        flip=Flip(),
        shift=Shift(0.125),
        turn=Turn(degrees=8, zoom=0.1),
        colour=Colour(0.15, 0.15, 0.15),
        erasing=Erasing(0.15, (0.02, 0.12)),
    ),
    "photos": Recipe(  # for networks that know the world already
        "photos",
        flip=Flip(),
        resized_crop=ResizedCrop(area=0.5, ratio=1.33),
        turn=Turn(degrees=8, zoom=0.05),
        colour=Colour(0.2, 0.2, 0.2, hue_degrees=5),
        erasing=Erasing(0.15, (0.02, 0.15)),
        mixup=Mixup(0.2, 0.2),
        closing=0.15,
    ),
    "best": Recipe(
        "best",
        flip=Flip(),
        shift=Shift(0.125),
        resized_crop=ResizedCrop(area=0.7, ratio=1.2),
        turn=Turn(degrees=8, zoom=0.05, shear_degrees=4),
        perspective=Perspective(0.1, 0.3),
        colour=Colour(0.1, 0.1, 0.1, hue_degrees=5),
        policy=Policy(1, 0.4),
        erasing=Erasing(0.25, (0.02, 0.2)),
        mixup=Mixup(0.2, 0.2),
        cutmix=Cutmix(0.3),
        closing=0.25,
    ),
}


def recipe(
    name: str, *, mirror: bool = True, sided: bool = False, own: Mapping[str, Recipe] = MappingProxyType({})
) -> Recipe:
    """The recipe of a name such as `default` or `best+camera`; without mirrored pictures where they would mislead.

    `sided` says that what they show is something else for certain. `own` are a task's, which go before those of the
    same name.
    """
    stem, _, option = name.partition("+")
    known = RECIPES | dict(own)
    if stem not in known or option not in ("", "camera"):
        raise UsageError(f"--augment {name}: there are {', '.join(known)}, each also as {stem or 'default'}+camera")
    chosen = known[stem]
    if not mirror:
        chosen = replace(chosen, flip=None, sided=sided and chosen.flip is not None)
    if option:
        chosen = replace(chosen, name=f"{stem}+camera", camera=WEBCAM)
    return chosen


def mirror_is_safe(classes: Sequence[str]) -> bool:
    """Whether these classes survive a mirror: digits, letters and what is called left or right do not."""
    written = sum(bool(re.fullmatch(r"[0-9]{1,2}|[A-Za-z]", name.strip())) for name in classes)
    sided = any(re.search(r"(^|[^a-z])(left|right)([^a-z]|$)", name.lower()) for name in classes)
    return not sided and written * 2 < len(classes)
