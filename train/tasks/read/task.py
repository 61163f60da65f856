"""Reading: what is written there, a row of scores for every step of the picture's width."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.errors import UsageError
from edgelens.runtime.preprocess import PixelContract

from ...augment import Recipe, apply
from ...augment.random.draws import Draws
from ...config import TrainConfig
from ...data.targets import RaggedTargets
from ...models.reader import Crnn, Reader
from ...task import Arrays, Build, Draw, Looks, Score, Settled, Targets, Task
from .bend import bent
from .data import open_texts, size_for, text_targets, with_alphabet
from .drawing import Plates, with_plates
from .metrics import summary
from .reading import text_reading
from .report import sections
from .settle import read_once
from .spelled import ReadingMeter, ctc_losses, spelled
from .splice import Splicing
from .told import told
from .writing import Writing, with_words

__all__ = ["read"]


def read(config: TrainConfig, classes: Sequence[str], counts: Sequence[int]) -> Task:
    """The task of reading in an alphabet; the classes say nothing, there is one."""
    del classes, counts
    alphabet = config.alphabet or ""

    @functools.cache
    def mixing() -> tuple[Splicing | Writing | Plates, ...]:
        """Made where a training begins: other machines have neither its fonts nor its words."""
        return tuple(each for each in (Splicing.of(config), Writing.of(config), Plates.of(config)) if each is not None)

    def head(build: Build, _classes: Sequence[str]) -> nn.Module:
        network = build(len(alphabet) + 1)
        if not isinstance(network, (Reader, Crnn)):
            raise UsageError(f"--model {config.model}: does not read; take reader (all in 8 bits) or crnn")
        return network

    def augment(recipe: Recipe, pixels: Tensor, targets: RaggedTargets, draw: Draw) -> tuple[Tensor, RaggedTargets]:
        if recipe.name != "none":
            if mixing():
                pixels, targets = _mixed(mixing(), pixels, targets, draw)
            pixels = bent(pixels, Draws.of(draw.seed, draw.epoch, draw.samples.to(pixels.device)))
        blank = torch.zeros(len(pixels), dtype=torch.int64, device=pixels.device)
        inputs, _ = apply(
            _readable(recipe), pixels, blank, seed=draw.seed, epoch=draw.epoch, samples=draw.samples, classes=1
        )
        return inputs, targets

    def settle(outputs: Arrays, targets: Targets, false_accepts: float) -> Settled:
        del false_accepts
        options = {"alphabet": list(alphabet), "blank": "first", "probabilities": False}
        found = read_once(outputs["scores"], targets)
        return Settled(Decode("ctc", threshold=found.threshold, options=options), found.told(found.threshold))

    def targets(images: ImageSet, _pixels: PixelContract) -> RaggedTargets:
        return text_targets(images, alphabet)

    return Task(
        "read",
        ("scores",),
        open_texts,
        targets,
        head,
        augment,
        ctc_losses,
        ReadingMeter,
        Score("accuracy", word="read exactly"),
        settle,
        lambda outputs, wanted, _settled: summary(spelled(outputs["scores"], alphabet), wanted, alphabet),
        lambda found: sections(found, alphabet),
        reading=lambda _decode, _shown: text_reading(alphabet),
        sized=True,
        completed=_completed,
        looks=Looks("stretch", size=size_for, network="reader"),  # a text without its ends is another one
        notes=lambda: _notes(alphabet, mixing()),
        told=lambda found: told(found, alphabet),
    )


def _completed(config: TrainConfig, images: ImageSet) -> TrainConfig:
    """The configuration with the characters that are read, and where the words and layouts of what is written are."""
    return with_plates(with_words(with_alphabet(config, images)))


def _notes(alphabet: str, ways: Sequence[Splicing | Writing | Plates]) -> tuple[str, ...]:
    read = (f"reads {len(alphabet)} characters: {alphabet[:80]}",) if alphabet else ()
    return (*read, *(way.told() for way in ways))


def _mixed(
    ways: Sequence[Splicing | Writing | Plates], pixels: Tensor, targets: RaggedTargets, draw: Draw
) -> tuple[Tensor, RaggedTargets]:
    """A batch with other pictures in it, which the processor makes, on the device that it came from."""
    place = pixels.device
    pixels, targets = pixels.cpu(), targets.to(torch.device("cpu"))
    for way in ways:
        pixels, targets = way.mixed_in(pixels, targets, draw)
    return pixels.to(place), targets.to(place)


def _readable(recipe: Recipe) -> Recipe:
    """Colours and camera of a recipe: mirrors, mixtures and parts hidden make another text, and lines bend in a way
    of their own."""
    camera = None if recipe.camera is None else replace(recipe.camera, occlusion=None)
    return Recipe(recipe.name, colour=recipe.colour, camera=camera)
