"""The fonts of this machine that know an alphabet."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from PIL import ImageFont

from edgelens.runtime.errors import DataError

__all__ = ["font", "fonts_for"]

_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_ENDINGS = (".ttf", ".otf", ".ttc")
_UNKNOWN = "\ufffe"  # no character at all: what a font shows in its place is its sign for what it lacks
_SIZE = 24


@functools.lru_cache(maxsize=4)
def fonts_for(alphabet: str) -> tuple[str, ...]:
    """The files of all fonts that have every character, those with the fewest characters too many first."""
    files = sorted(_files())
    if not files:
        raise DataError(
            "--written: there are no fonts on this machine to write with; on Debian: apt install fonts-dejavu"
            " fonts-liberation2 fonts-freefont-ttf"
        )
    found = tuple(file for file in files if _knows(file, alphabet))
    if not found:
        best = min((_lacking(file, alphabet) for file in files), key=len)
        raise DataError(
            f"--written: none of the {len(files)} fonts here has all of the alphabet (the best lacks {best[:20]!r});"
            " install one that does (apt install fonts-noto-core fonts-noto-cjk), or leave --written out"
        )
    return found


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


def _knows(file: str, alphabet: str) -> bool:
    return not _lacking(file, alphabet)


def _lacking(file: str, alphabet: str) -> str:
    """The characters that a font has no picture of."""
    try:
        face = font(file, _SIZE)
        missing = bytes(face.getmask(_UNKNOWN))
        return "".join(c for c in alphabet if not c.isspace() and bytes(face.getmask(c)) == missing)
    except OSError:  # a font that FreeType cannot read
        return alphabet
