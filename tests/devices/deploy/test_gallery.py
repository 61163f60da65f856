"""What a board was taught, looked at and changed over SSH."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgelens.cli import cli
from edgelens.runtime.gallery.file import GalleryFile

pytestmark = [pytest.mark.board, pytest.mark.timeout(300)]


def test_a_boards_gallery(
    pi4: Any, reach: Callable[[Any], Any], make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    board = reach(pi4)
    pictures = [tmp_path / f"{i}.png" for i in range(2)]
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(picture), np.random.default_rng(i).integers(0, 256, (40, 40, 3), np.uint8))

    def gallery(*words: object) -> Result:
        there = ("--on", board.host, "--wheels", board.wheels)
        return CliRunner().invoke(cli, [str(word) for word in ("gallery", *words, *there)])

    added = gallery("add", "cup", *pictures, "--model", make_bundle(1))
    assert added.exit_code == 0 and "2 pictures of cup" in added.output, added.output
    assert gallery("rename", "cup", "mug").exit_code == 0
    (row,) = json.loads(gallery("list", "--json", "-").stdout)["names"]
    assert (row["name"], row["pictures"]) == ("mug", 2)
    assert gallery("export", tmp_path / "mug.gallery").exit_code == 0
    assert [e.name for e in GalleryFile(tmp_path / "mug.gallery").exemplars()] == ["mug", "mug"]
    assert (tmp_path / "mug.gallery").stat().st_mode & 0o077 == 0
    assert gallery("export", tmp_path / "photos", "--photos").exit_code == 0
    assert len(list((tmp_path / "photos/mug").iterdir())) == 2
    unknown = gallery("remove", "spoon")
    assert unknown.exit_code == 2 and "spoon: no such name; there are mug" in unknown.output
    assert gallery("remove", "mug").exit_code == 0
    assert not json.loads(gallery("list", "--json", "-").stdout)["names"]
