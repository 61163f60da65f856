"""The upright fonts of this machine that plates are like."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from .fonts import font_files, knows

__all__ = ["faces_for"]

_LIKE_PLATES = (
    "Arimo", "Bebas", "BetecknaGSCondensed", "Cabin", "Carlito", "CourierPrimeSans", "DIN", "DejaVuSans", "Dosis",
    "FiraCode", "FreeSans", "Gillius", "Hack", "League", "LiberationMono", "LiberationSans", "NimbusSans", "NotoSans-",
    "NotoSansCJK", "NotoSansDisplay", "NotoSansMono", "OpenSans", "Oswald", "Overpass", "Play-", "RobotoCondensed",
    "UniversalisADF", "WenQuanYi", "Yanone", "cmunss", "mononoki",
)  # fmt: skip
_UPRIGHT = re.compile(r"^(?!.*(Italic|Oblique|Ital|Slant|Thin|Hairline|Light|It\b|si\b|so\b))", re.IGNORECASE)


@functools.lru_cache(maxsize=64)
def faces_for(characters: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Files of upright fonts that know these characters, of those names; of any font's where none of those does."""
    wanted = re.compile("|".join(map(re.escape, names or _LIKE_PLATES)), re.IGNORECASE)
    named: list[str] = []
    others: list[str] = []
    for file in font_files():
        name = Path(file).stem
        if _UPRIGHT.match(name):
            (named if wanted.search(name) else others).append(file)
    for some in (named, others):
        if found := tuple(file for file in some if knows(file, characters)):
            return found
    return ()
