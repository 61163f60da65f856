"""The evaluate verb: an option holds for all that is looked at."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
from click.testing import CliRunner

from edgelens.cli.evaluate import command
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.learned import LEARNED, learned_to_bytes
from edgelens.runtime.bundle.manifest import Provenance
from edgelens.runtime.model.chain import chain


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


def test_what_is_said_of_a_pipeline_s_step_is_said_of_that_one(
    tmp_path: Path, halves_bundle: Bundle, color_bundle: Bundle
) -> None:
    both = chain(halves_bundle, color_bundle, tmp_path / "both.edge")
    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "data/images/a.png"), np.zeros((40, 160, 3), np.uint8))
    (tmp_path / "data/labels/a.txt").write_text("0 .25 .5 .5 1\n1 .75 .5 .5 1\n")
    (tmp_path / "data/names.txt").write_text("links\nrechts\n")
    asked = [str(both.path), str(tmp_path / "data"), "--json", "-", "--network", "halves"]
    done = CliRunner().invoke(command, [*asked, "--labels", str(tmp_path / "data/names.txt")], catch_exceptions=False)
    assert json.loads(done.stdout)["accuracy"] > 0.999
    assert json.loads(done.stdout)["labels_matched_by"] == "name"


def test_pictures_that_were_learned_are_said_to_flatter(
    color_bundle: Bundle, frames_of_colors: list[np.ndarray], tmp_path: Path
) -> None:
    for i, frame in enumerate(frames_of_colors):
        folder = tmp_path / "data" / ("red", "green", "blue")[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{i}.png"), frame)
    (tmp_path / "data" / "red" / "broken.png").write_bytes(b"x")
    files = sorted((tmp_path / "data").rglob("?.png"))

    def told(learned: list[Path], **notes: str) -> tuple[str, dict[str, object]]:
        """The text and the JSON of an evaluation by a model that learned some of the files."""
        entries = {name: color_bundle.read(name) for name in color_bundle.manifest.entries}
        entries[LEARNED] = learned_to_bytes(file.read_bytes() for file in learned)
        manifest = dataclasses.replace(color_bundle.manifest, provenance=Provenance(notes=notes))
        asked = [str(write_bundle(tmp_path / "colors.edge", manifest, entries).path), str(tmp_path / "data")]
        text = CliRunner().invoke(command, asked, catch_exceptions=False)
        done = CliRunner().invoke(command, [*asked, "--json", "-"], catch_exceptions=False)
        assert (text.exit_code, done.exit_code) == (0, 0), text.output + done.output
        return text.stdout, json.loads(done.stdout)

    said = "these pictures are ones that it learned, which flatters it: of others expect"
    text, found = told(files, expected="95.0 % (83.5 to 98.6) right")
    assert f"100 % of {said} 95.0 % (83.5 to 98.6) right\n" in text
    assert (found["learned"], found["expected_of_others"]) == (1, "95.0 % (83.5 to 98.6) right")
    text, found = told(files[:3])
    assert f"50 % of {said} less\n" in text
    assert (found["learned"], found["expected_of_others"]) == (0.5, None)
    assert "flatters" not in told([])[0]
