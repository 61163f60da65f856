"""The page on training lists the very folder names that are learned and never announced."""

from __future__ import annotations

import re
from pathlib import Path

from edgelens.runtime.labels import BACKGROUND_NAMES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "training.md"


def test_the_names_of_the_background_are_listed() -> None:
    listed = PAGE.read_text("utf-8").partition("is one of: ")[2].partition(". ")[0]
    assert sorted(re.findall(r"`([^`]+)`", listed)) == sorted(BACKGROUND_NAMES)
