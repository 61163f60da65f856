"""The fonts of this machine that know an alphabet."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

from PIL import ImageFont

from edgelens.runtime.errors import DataError

__all__ = ["font", "font_files", "fonts_for", "knows"]

_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_ENDINGS = (".ttf", ".otf", ".ttc")
_UNKNOWN = "\ufffe"  # no character at all: what a font shows in its place is its sign for what it lacks
_SIZE = 24


@functools.lru_cache(maxsize=4)
def fonts_for(alphabet: str) -> tuple[str, ...]:
    """The files of all fonts that have every character, those with the fewest characters too many first."""
    files = font_files()
    found = tuple(file for file in files if knows(file, alphabet))
    if not found:
        best = min((_lacking(file, alphabet) for file in files), key=len)
        raise DataError(
            f"--written: none of the {len(files)} fonts here has all of the alphabet (the best lacks {best[:20]!r});"
            " install one that does (apt install fonts-noto-core fonts-noto-cjk), or leave --written out"
        )
    return found


def font_files() -> list[str]:
    """The files of all fonts here, of which there must be one."""
    files = sorted(_files())
    if not files:
        raise DataError(
            "--written: there are no fonts on this machine to write with; on Debian: apt install fonts-dejavu"
            " fonts-liberation2 fonts-freefont-ttf"
        )
    return files


@functools.lru_cache(maxsize=2048)  # so many faces in three sizes
def font(file: str, size: int) -> ImageFont.FreeTypeFont:
    """A font opened once."""
    return ImageFont.truetype(file, size)


def _files() -> list[str]:
    return [
        str(Path(where) / name)
        for folder in _FOLDERS
        for where, _, names in os.walk(os.path.expanduser(folder))  # noqa: PTH111
        for name in names
        if name.lower().endswith(_ENDINGS)
    ]


def knows(file: str, alphabet: str) -> bool:
    """Whether a font has a picture of every character."""
    return next(_lacks(file, alphabet), None) is None


def _lacking(file: str, alphabet: str) -> str:
    """The characters that a font has no picture of."""
    return "".join(_lacks(file, alphabet))


def _lacks(file: str, alphabet: str) -> Iterator[str]:
    try:
        face = font(file, _SIZE)
        missing = bytes(face.getmask(_UNKNOWN))
        for character in alphabet:
            if not character.isspace() and bytes(face.getmask(character)) == missing:
                yield character
    except OSError:  # a font that FreeType cannot read
        yield from alphabet
