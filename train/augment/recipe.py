"""A recipe: which techniques, how strong; plain data that is stored with the run."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgelens.runtime.errors import UsageError

from .camera import Camera
from .colour import Colour
from .cutmix import Cutmix
from .erasing import Erasing
from .flip import Flip
from .mixup import Mixup
from .mosaic import Mosaic
from .perspective import Perspective
from .policy import Policy
from .resized_crop import ResizedCrop
from .shift import Shift
from .turn import Turn

__all__ = ["Recipe", "recipe_from_json", "recipe_to_json"]


@dataclass(frozen=True)
class Recipe:
    """What happens to a batch of training images; None is a technique that is off."""

    name: str = "none"
    flip: Flip | None = None
    shift: Shift | None = None
    resized_crop: ResizedCrop | None = None
    turn: Turn | None = None
    perspective: Perspective | None = None
    colour: Colour | None = None
    policy: Policy | None = None
    camera: Camera | None = None
    erasing: Erasing | None = None
    mixup: Mixup | None = None
    cutmix: Cutmix | None = None
    mosaic: Mosaic | None = None  # of tasks whose targets have places
    sided: bool = False  # what a mirror shows is something else, which tasks that tell things apart learn by
    closing: float = 0.0  # the share of the epochs, the last ones, whose pictures look as the camera's will

    def at(self, done: float) -> Recipe:
        """What holds when a share of the epochs is done: nothing is mixed, missing or cut off at the close."""
        if done < 1 - self.closing:
            return self
        return dataclasses.replace(
            self,
            resized_crop=None,
            perspective=None,
            policy=None,
            erasing=None,
            mixup=None,
            cutmix=None,
            mosaic=None,
        )

    def unmixed(self) -> Recipe:
        """The same without pictures that are two in one."""
        return dataclasses.replace(self, mixup=None, cutmix=None)

    @property
    def mixes(self) -> bool:
        """Whether targets become probabilities."""
        return self.mixup is not None or self.cutmix is not None


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe as JSON knows it."""
    return dataclasses.asdict(recipe)


def recipe_from_json(value: Mapping[str, Any]) -> Recipe:
    """The recipe from its JSON; an unknown name or a wrong kind of value is an error that names it."""
    made = _from_json(Recipe, value, "augmentation")
    assert isinstance(made, Recipe)
    return made


def _from_json(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: must be an object, is {value!r}")
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise UsageError(f"{where}: has no {unknown[0]!r}; it knows {', '.join(hints)}")
    return kind(**{key: _field(hints[key], entry, f"{where}.{key}") for key, entry in value.items()})


def _field(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(option for option in typing.get_args(hint) if option is not types.NoneType)
    if dataclasses.is_dataclass(hint):
        return _from_json(hint, value, where)
    if typing.get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(float(part) for part in value)
    wanted = (int, float) if hint is float else hint
    if isinstance(wanted, type | tuple) and isinstance(value, wanted) and isinstance(value, bool) is (hint is bool):
        return value
    raise UsageError(f"{where}: is {value!r}, which does not fit")
