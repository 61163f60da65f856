"""A pipeline is measured whole: a box is right where it is found and called as the data calls it."""

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import UsageError
from edgelens.runtime.model.chain import ChainOptions, chain

RED, GREEN, BLUE = (0, 0, 200), (0, 200, 0), (200, 0, 0)


@pytest.fixture
def colors_of_halves(halves_bundle, color_bundle, tmp_path):
    """Finds two halves of every picture and tells the colour of each."""
    chain(halves_bundle, color_bundle, tmp_path / "both.edge", ChainOptions())
    return tmp_path / "both.edge"


def boxes_of(root, *pictures, names=("red", "green", "blue")):
    """A YOLO set of pictures, each with its halves' colours and the classes that the data has for them."""
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for i, (left, right, *classes) in enumerate(pictures):
        image = np.zeros((40, 60, 3), np.uint8)
        image[:, :30], image[:, 30:] = left, right
        cv2.imwrite(str(root / f"images/{i}.png"), image)
        rows = [f"{c} {0.25 + 0.5 * half} 0.5 0.5 1" for half, c in enumerate(classes) if c is not None]
        (root / f"labels/{i}.txt").write_text("\n".join(rows))
    (root / "classes.txt").write_text("\n".join(names))
    return root


def evaluated(*args):
    done = CliRunner().invoke(cli, ["evaluate", *map(str, args), "--json", "-"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


def test_every_half_is_found_and_called_right(colors_of_halves, tmp_path):
    data = boxes_of(tmp_path / "data", (RED, BLUE, 0, 2), (GREEN, RED, 1, 0))
    found, said = evaluated(colors_of_halves, data)
    assert found["map50"] == pytest.approx(1)
    assert (found["found"], found["boxes"], found["classes"]) == (4, 4, ["red", "green", "blue"])
    assert set(found["stages_ms"]) == {"preprocess", "infer", "decode", "total"}  # no step's time twice
    assert "alone" not in said


def test_a_wrong_class_or_what_nobody_drew_counts_against_it(colors_of_halves, tmp_path):
    data = boxes_of(tmp_path / "data", (RED, BLUE, 0, 0), (RED, GREEN, None, 1))
    found, _ = evaluated(colors_of_halves, data)
    by_class = {row["class"]: row["map50"] for row in found["per_class"]}
    assert by_class["green"] == pytest.approx(1)
    assert 0 < by_class["red"] <= 0.51  # one of two is found


def test_pictures_of_other_things_are_shown_to_one_network(colors_of_halves, tmp_path):
    data = boxes_of(tmp_path / "data", (RED, BLUE, 0, 2))
    done = CliRunner().invoke(cli, ["evaluate", str(colors_of_halves), str(data), "--foreign", str(data / "images")])
    assert isinstance(done.exception, UsageError)
    assert "--network" in str(done.exception)


def test_data_of_the_finder_s_classes_or_of_the_classifier_s_alone(colors_of_halves, tmp_path):
    halves = boxes_of(tmp_path / "halves", (RED, BLUE, 0, 1), names=("left", "right"))
    done = CliRunner().invoke(cli, ["evaluate", str(colors_of_halves), str(halves)])
    assert isinstance(done.exception, UsageError)
    assert "is one of color's (red, green, blue); --network halves measures what" in str(done.exception)
    found, said = evaluated(colors_of_halves, halves, "--network", "halves")
    assert (found["map50"], said) == (pytest.approx(1), "")
    for name, color in (("red", RED), ("blue", BLUE)):
        (tmp_path / "crops" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "crops" / name / "a.png"), np.full((20, 20, 3), color, np.uint8))
    found, said = evaluated(colors_of_halves, tmp_path / "crops")
    assert (found["task"], found["accuracy"]) == ("classify", 1.0)
    assert "measures color alone, on pictures as they are" in said
    assert Bundle.open(colors_of_halves).manifest.steps[-1].network == "color"
