"""The evaluate verb: an option holds for all that is looked at."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from edgelens.cli.evaluate import command


def test_foreign_pictures_are_looked_at_in_the_same_part(tmp_path: Path) -> None:
    picture = np.zeros((64, 192, 3), np.uint8)
    cv2.putText(picture, "3", (76, 56), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (255, 255, 255), 6)
    for folder in ("data/3", "foreign"):
        (tmp_path / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / folder / "three.png"), picture)

    def taken(*options: str) -> int:
        asked = ["digits", str(tmp_path / "data"), "--foreign", str(tmp_path / "foreign"), "--json", "-", *options]
        done = CliRunner().invoke(command, asked, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        foreign = json.loads(done.stdout)["foreign"]
        return int(foreign["accepted"])

    assert taken() == 1
    assert taken("--roi", "0,0,.3,1") == 0
