"""Pictures of texts that nobody photographed: written with this machine's fonts while the training goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from edgelens.runtime.decode.spelling.automaton import Automaton
from edgelens.runtime.decode.spelling.pattern import Pattern
from edgelens.runtime.errors import UsageError
from edgelens.runtime.labels import read_words

from ...config import TrainConfig
from ...data.targets import RaggedTargets
from ...task import Draw
from .data import in_cases, is_read
from .fonts import font, fonts_for
from .plates.signs import made_up
from .replaced import replaced, rows_to_replace

__all__ = ["UNREAD", "Writing", "with_words"]

UNREAD = "□"  # in a pattern: some sign of another script
_SYNTAX = frozenset(r"\[](){}|?*+.-^$,")  # what a pattern says without meaning it
_LONGEST = 12  # characters of a text that nothing says more of
_CONTRAST = 50  # gray levels between ground and ink at least
_SIZES = (22, 30, 40)  # pixels
_NARROWEST = 0.25  # of the height of letters: a picture of nothing, or of an accent alone
_FEW_FONTS = 100  # files, several of one family: with 22 of them words were read far worse than with 500


@dataclass(frozen=True)
class Writing:
    """What is written, in which share of the pictures."""

    share: float
    alphabet: str
    words: tuple[str, ...]
    pattern: Automaton | None
    unread: str  # what stands in texts of the pattern and is no part of what is to be read
    fonts: tuple[str, ...]

    @classmethod
    def of(cls, config: TrainConfig) -> Writing | None:
        """As it was asked for: words of a file, texts that fit a pattern, or any characters; None where it was not."""
        alphabet = config.alphabet
        if not alphabet or not config.written or config.plates:
            return None
        words: tuple[str, ...] = ()
        pattern, unread = None, ""
        if config.texts is not None and _is_of_words(config.texts):
            every = read_words(config.texts, "--texts")
            words = tuple(word for word in every if all(is_read(c, alphabet) for c in word))
            if not words:
                raise UsageError(f"--texts {config.texts}: none of its words is of the alphabet {alphabet[:40]}")
        elif config.texts is not None:
            signs = (c for c in dict.fromkeys(config.texts) if not c.isalnum())
            unread = "".join(c for c in signs if c not in _SYNTAX and c not in alphabet)
            pattern = Pattern(config.texts, [*alphabet, *unread])
        return cls(config.written, alphabet, words, pattern, unread, fonts_for(alphabet))

    def told(self) -> str:
        """What it writes with, and what would serve better."""
        said = f"writes with {len(self.fonts)} fonts of this machine"
        if len(self.fonts) >= _FEW_FONTS:
            return said
        return f"{said}; more of them teach more (docs/reading.md names packages)"

    def mixed_in(self, pixels: Tensor, targets: RaggedTargets, draw: Draw) -> tuple[Tensor, RaggedTargets]:
        """A batch (B, C, H, W) uint8, a share of its pictures given way to written ones, and its targets."""
        picked = rows_to_replace(draw, self.share)
        if not picked:
            return pixels, targets
        made = [self.picture(pixels.shape[1:], chance) for _, chance in picked]
        return replaced(pixels, targets, [row for row, _ in picked], made, self.alphabet)

    def picture(self, shape: Sequence[int], chance: np.random.Generator) -> tuple[NDArray[np.uint8], str]:
        """A picture (C, H, W) and what is written in it."""
        text = self._text(chance)
        channels, height, width = shape
        drawn = _drawn(text, str(chance.choice(self.fonts)), chance)
        image = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA)
        if channels == 1:
            image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
        return np.ascontiguousarray(image.transpose(2, 0, 1)), self._said(text)

    def _said(self, text: str) -> str:
        """What is to be read of a text: of its blanks those that can be seen, one between two characters."""
        read = "".join(c for c in text if c not in self.unread)
        return re.sub(r"(\s)\s+", r"\1", read.strip())

    def _cased(self, text: str, chance: np.random.Generator) -> str:
        """In small letters, capitals or a capital first, where the alphabet tells them not apart."""
        if any(c.isalpha() and c.swapcase() in self.alphabet for c in self.alphabet):
            return text
        ways = in_cases(text, self.alphabet)
        return ways[int(chance.integers(len(ways)))]

    def _text(self, chance: np.random.Generator) -> str:
        if self.words:
            return self._cased(self.words[int(chance.integers(len(self.words)))], chance)
        if self.pattern is None:
            return "".join(
                self.alphabet[i] for i in chance.integers(len(self.alphabet), size=chance.integers(1, _LONGEST))
            )
        return made_up(self.pattern, self.alphabet + self.unread, chance)


def with_words(config: TrainConfig) -> TrainConfig:
    """The configuration with the whole path of its words, so that a run can be opened from anywhere; refuses what
    cannot be written."""
    if Writing.of(config) is None or config.texts is None or not _is_of_words(config.texts):
        return config
    return replace(config, texts=str(Path(config.texts).absolute()))


def _is_of_words(texts: str) -> bool:
    """Whether what is to be written is a file of words; else it is a pattern."""
    return Path(texts).suffix.lower() in (".txt", ".csv")


def _drawn(text: str, file: str, chance: np.random.Generator) -> NDArray[np.uint8]:
    """The text on a ground of its own (H, W, 3) RGB, cut out about as tightly as a person or a network would."""
    face = font(file, int(chance.choice(_SIZES)))
    size = int(face.size)
    gaps = float(chance.choice((chance.normal(0.04, 0.05), chance.uniform(0.05, 0.3)))) * size
    widths = [face.getlength(character) if character != UNREAD else size * 0.8 for character in text]
    width = round(sum(widths) + max(gaps, -0.1 * size) * len(text) + 2 * size)
    ground, ink = _colours(chance)
    canvas = Image.new("RGB", (width, round(2.2 * size)), ground)
    pen, x, middle = ImageDraw.Draw(canvas), float(size), 1.1 * size
    bold = int(chance.random() < 0.25)
    for character, wide in zip(text, widths, strict=True):
        y = middle + chance.normal(0, 0.01) * size
        if character == UNREAD:
            _scribble(pen, (x, y - size / 2, wide, size), ink, chance)
        else:
            pen.text((x, y), character, ink, face, "lm", stroke_width=bold)
        x += wide + gaps
    top, bottom = (middle + side * size * chance.uniform(0.45, 0.75) for side in (-1, 1))
    left, right = size - chance.uniform(0, 0.4) * size, x + chance.uniform(0, 0.4) * size
    right = max(right, left + _NARROWEST * size)
    if chance.random() < 0.2:  # a frame, as signs have
        pen.rectangle((left + 1, top + 1, right - 1, bottom - 1), None, ink, int(chance.integers(1, 3)))
    cut = np.asarray(canvas)[round(top) : round(bottom), max(round(left), 0) : round(right)]
    return _photographed(_shaded(cut, chance), chance)


def _photographed(image: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    """As far away and as blurred as what is cut out of a photo."""
    height = int(chance.integers(14, 33))
    width = max(round(image.shape[1] * height / image.shape[0]), 8)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    if chance.random() < 0.5:
        small = cv2.GaussianBlur(small, (0, 0), float(chance.uniform(0.3, 1.1)))
    noisy = small + chance.normal(0, chance.uniform(0, 8), small.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _colours(chance: np.random.Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Ground and ink that can be told apart in gray."""
    while True:
        pair = chance.integers(0, 256, (2, 3))
        if abs(float((pair[0] - pair[1]) @ (0.299, 0.587, 0.114))) >= _CONTRAST:
            ground, ink = ((int(c[0]), int(c[1]), int(c[2])) for c in pair)
            return ground, ink


def _scribble(
    pen: ImageDraw.ImageDraw, box: tuple[float, ...], ink: tuple[int, int, int], chance: np.random.Generator
) -> None:
    """Strokes where a sign of another script would stand."""
    x, y, w, h = box
    for _ in range(int(chance.integers(4, 9))):
        (x0, y0), (x1, y1) = (chance.random((2, 2)) * (w, h) + (x, y)).tolist()
        how = chance.random()
        x1, y1 = (x0 if how < 0.35 else x1), (y0 if 0.35 <= how < 0.7 else y1)  # most strokes stand or lie
        pen.line([(x0, y0), (x1, y1)], ink, max(int(h / 10), 1))


def _shaded(image: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    """Light that is not the same everywhere."""
    height, width = image.shape[:2]
    slope = np.linspace(-1, 1, width)[None, :, None] * chance.normal(0, 25) + np.linspace(-1, 1, height)[
        :, None, None
    ] * (chance.normal(0, 15))
    return np.clip(image + slope, 0, 255).astype(np.uint8)
