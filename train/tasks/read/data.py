"""What a network that reads learns from: pictures with their texts, all of characters that it is to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.datasets.texts import load_texts
from edgelens.runtime.decode.ctc import TEXT
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.images.read import SUFFIXES

from ...config import TrainConfig
from ...data.config import DataConfig
from ...data.picture import look
from ...data.targets import RaggedTargets, Targets
from .plates.file import load_layout

__all__ = [
    "TextImages",
    "cases",
    "characters_of",
    "in_cases",
    "is_read",
    "open_texts",
    "rows_of",
    "size_for",
    "targets_in",
    "text_targets",
    "texts_of",
    "with_alphabet",
]

_HEIGHT, _WIDEST = 32, 192  # of the network's picture
_LEAST_WIDTH, _STEP = 64, 16
_A_STEP, _A_CHARACTER = 4, 24  # pixels of width that a step has, and that a character is to have
_REPEATED = 2  # times an alphabet's characters, past which a file holds texts


@dataclass(frozen=True)
class TextImages(ImageSet):
    """Pictures of one class, each with what is written in it."""

    texts: Sequence[str] = ()  # (N,)

    def select(self, rows: NDArray[Any]) -> TextImages:
        """The given rows (indices or a boolean mask) with their texts."""
        picked = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.intp)
        chosen = super().select(picked)
        assert isinstance(chosen, TextImages)
        return replace(chosen, texts=[self.texts[i] for i in picked.tolist()])


def open_texts(config: DataConfig) -> TextImages:
    """The table of file,text as pictures of one class, before splits."""
    found = load_texts(config.path, format=config.format)
    texts = [found.classes[label] for label in found.labels.tolist()]
    return TextImages(
        found.root, found.format, (TEXT,), np.zeros(len(found), np.int32), found.splits, found.names,
        notes=found.notes, groups=found.groups, texts=texts,
    )  # fmt: skip


def with_alphabet(config: TrainConfig, images: ImageSet) -> TrainConfig:
    """The configuration with the characters that are read: those of the texts, unless it names all of them."""
    assert isinstance(images, TextImages)
    alphabet = _alphabet(config, images)
    missing = sorted(c for c in set("".join(images.texts)) if not is_read(c, alphabet))
    if missing:
        raise UsageError(
            f"--alphabet: lacks {''.join(missing[:20])!r}, which the texts of {config.data} hold; add them, or leave"
            " the option out and the alphabet is what the texts hold"
        )
    _check_room(images.texts, config.size or size_for(images))
    return replace(config, alphabet=alphabet)


def size_for(images: ImageSet) -> tuple[int, int]:
    """Height and width of the network's picture: as a rule so wide that the pictures keep their proportions and that
    every character has six steps; with four, half as many plates again are misread."""
    assert isinstance(images, TextImages)
    sizes = look(images).sizes
    if not sizes:
        return _HEIGHT, _WIDEST
    proportion = float(np.percentile([width / height for height, width in sizes], 75))
    characters = float(np.percentile([len(text) for text in images.texts], 75))
    width = max(_HEIGHT * proportion, _A_CHARACTER * characters)
    return _HEIGHT, int(np.clip(round(width / _STEP) * _STEP, _LEAST_WIDTH, _WIDEST))


def text_targets(images: ImageSet, alphabet: str) -> RaggedTargets:
    """The characters of every picture's text as columns of the scores."""
    assert isinstance(images, TextImages)
    return targets_of(images.texts, alphabet)


def targets_of(texts: Sequence[str], alphabet: str) -> RaggedTargets:
    """Texts as columns, one after the other."""
    place = {character: column for column, character in enumerate(alphabet, 1)}
    return targets_in([[next(place[c] for c in cases(each) if c in place) for each in text] for text in texts])


def cases(character: str) -> tuple[str, ...]:
    """The characters of an alphabet by which one of a text is read, the best first: itself, else its other case."""
    both = (character, character.upper(), character.lower())
    return tuple(case for case in both if len(case) == 1)  # ß in capitals are two


def in_cases(text: str, alphabet: str) -> tuple[str, ...]:
    """The ways to write a text that are all read as it is: as it stands, in small letters, in capitals, with a capital
    first. Turkish ı and İ have other cases in other languages, by which they would be read as i."""
    wanted = _read_as(text, alphabet)
    ways = (text.lower(), text.upper(), text.capitalize(), text)
    return tuple(way for way in ways if _read_as(way, alphabet) == wanted)


def is_read(character: str, alphabet: str) -> bool:
    """Whether one of a text is read by an alphabet, in whichever case."""
    return any(case in alphabet for case in cases(character))


def _read_as(text: str, alphabet: str) -> list[str | None]:
    """What of an alphabet each character is read by; None where that is nothing."""
    return [next((case for case in cases(each) if case in alphabet), None) for each in text]


def targets_in(rows: Sequence[Sequence[int]]) -> RaggedTargets:
    """The targets that `rows_of` tells apart."""
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.array([column for row in rows for column in row], np.int64)
    return RaggedTargets({"characters": torch.from_numpy(columns)}, torch.from_numpy(starts.astype(np.int64)))


def rows_of(targets: Targets) -> list[tuple[int, ...]]:
    """Every picture's columns."""
    arrays = targets.arrays()
    columns = arrays["characters"].tolist()
    return [tuple(columns[a:b]) for a, b in pairwise(arrays["starts"].tolist())]


def texts_of(targets: Targets, alphabet: str) -> list[str]:
    """What targets say, as texts."""
    return ["".join(alphabet[column - 1] for column in row) for row in rows_of(targets)]


def characters_of(said: str) -> str:
    """An alphabet as it was given: a file of characters, or the characters themselves."""
    try:
        is_file = Path(said).is_file()
    except OSError:
        is_file = False
    if not is_file and Path(said).suffix.lower() in (".txt", *SUFFIXES):
        raise DataError(f"--alphabet {said}: no such file")
    try:
        text = Path(said).read_text("utf-8-sig") if is_file else said
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"--alphabet {said}: cannot be read as UTF-8 text") from error
    characters = [c for c in text if c not in "\r\n"]
    alphabet = "".join(dict.fromkeys(characters))
    if is_file and len(characters) > _REPEATED * len(alphabet):
        raise DataError(
            f"--alphabet {said}: holds texts rather than an alphabet, which names each character once; leave the"
            " option out and the alphabet is what the texts of DATA hold"
        )
    return alphabet


def _alphabet(config: TrainConfig, images: TextImages) -> str:
    if config.alphabet:
        return characters_of(config.alphabet)
    held = "".join(images.texts)
    drawn = "".join(load_layout(said).characters for said in config.plates)
    return "".join(sorted({*held, *(c for c in drawn if not is_read(c, held))}))


def _check_room(texts: Sequence[str], size: tuple[int, int]) -> None:
    """Refuse pictures in which most texts cannot be said: a network has one step for so many pixels of width."""
    needed = [_A_STEP * (len(text) + sum(a == b for a, b in pairwise(text))) for text in texts]
    if np.median(needed) > size[1]:
        most = int(np.ceil(np.percentile(needed, 95) / _STEP)) * _STEP
        raise UsageError(
            f"--size {size[0]}x{size[1]}: most texts need more width, {_A_STEP} pixels a character and {_A_STEP} more"
            f" between two that are the same; --size {size[0]}x{most} has room for 95 % of them"
        )
