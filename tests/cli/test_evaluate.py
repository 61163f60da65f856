"""The evaluate verb: an option holds for all that is looked at."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from edgelens.cli.evaluate import command
from edgelens.runtime.bundle.bundle import Bundle


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


def test_a_detector_looks_in_tiles_where_it_is_asked_to(tmp_path: Path, halves_bundle: Bundle) -> None:
    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "data/images/a.png"), np.zeros((40, 160, 3), np.uint8))
    (tmp_path / "data/labels/a.txt").write_text("0 .25 .5 .5 1\n1 .75 .5 .5 1\n")
    (tmp_path / "data/names.txt").write_text("left\nright\n")

    def stages(*options: str) -> set[str]:
        asked = [str(halves_bundle.path), str(tmp_path / "data"), "--json", "-", *options]
        done = CliRunner().invoke(command, asked, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return set(json.loads(done.stdout)["stages_ms"])

    assert "merge" not in stages()
    assert "merge" in stages("--tile", "2")
