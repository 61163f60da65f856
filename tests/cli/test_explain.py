"""The explain verb on a real run: the picture, the JSON, and one clear line for what cannot be done."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from shapes import CLASSES, scene

from edgelens.cli.explain import command
from edgelens.runtime.errors import EdgelensError
from edgelens.train.config import TrainConfig
from edgelens.train.runs.run import Run
from edgelens.train.training import fit


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A network that tells where the bright spot is."""
    folder = tmp_path_factory.mktemp("explain")
    draw = np.random.default_rng(0)
    images = draw.integers(0, 60, (160, 20, 20), np.uint8)
    labels = np.arange(160) % 2
    images[labels == 0, 2:8, 2:8] += 180
    images[labels == 1, 12:18, 12:18] += 180
    np.savez(folder / "spots.npz", images=images, labels=np.array(["above", "below"])[labels])
    config = TrainConfig(
        str(folder / "spots.npz"),
        str(folder / "run"),
        model="cnn-small",
        epochs=4,
        batch=32,
        augment="none",
        precision="float32",
        cache=str(folder / "cache"),
    )
    return fit(config, quiet=True)


@pytest.fixture(scope="module")
def photo(run: Run) -> Path:
    path = run.path.parent / "photo.png"
    image = np.full((60, 60, 3), 30, np.uint8)
    image[36:54, 36:54] = 220
    cv2.imwrite(str(path), image)
    return path


def explain(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_each_thing_that_was_found_is_explained(detector_run: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    image, boxes = next(each for each in iter(lambda: scene(draw), None) if {box[0] for box in each[1]} == {0, 1})
    photo, out, told = tmp_path / "photo.png", tmp_path / "heat.png", tmp_path / "told.json"
    cv2.imwrite(str(photo), image)
    explain(str(detector_run), str(photo), "--out", str(out), "--json", str(told))
    parts = json.loads(told.read_text())["parts"]
    assert sorted(part["label"] for part in parts) == sorted(CLASSES[box[0]] for box in boxes)
    for part in parts:
        (own,) = [
            box for box in boxes if CLASSES[box[0]] == part["label"] and np.allclose(box[1:], part["box"], atol=6)
        ]
        x, y = part["hottest"]
        assert own[1] - 6 <= x <= own[1] + own[3] + 6
        assert own[2] - 6 <= y <= own[2] + own[4] + 6
    assert json.loads(told.read_text())["label"] == ", ".join(part["label"] for part in parts)
    assert cv2.imread(str(out)).shape[1] == 246 * min(4, 2 + len(parts))
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.full((96, 96, 3), 70, np.uint8))
    with pytest.raises(EdgelensError, match="says nothing of this picture; --class NAME"):
        explain(str(detector_run), str(empty))
    line = explain(str(detector_run), str(empty), "--class", "disc", "--method", "grad-cam", "--out", str(out))
    assert line.startswith("disc 0.")
    assert cv2.imread(str(out)).shape == (480 + 26, 480 * 2 + 6, 3)


@pytest.mark.parametrize("method", ["auto", "integrated-gradients", "occlusion"])
def test_the_spot_is_where_it_looked(run: Run, photo: Path, tmp_path: Path, method: str) -> None:
    out = tmp_path / "heat.png"
    said = json.loads(explain(str(run.path), str(photo), "--method", method, "--out", str(out), "--json", "-"))
    assert (said["schema"], said["label"], said["said"]) == (1, "below", "below")
    x, y = said["hottest"]
    assert 27 <= x < 60
    assert 27 <= y < 60
    assert cv2.imread(str(out)).shape == (480 + 26, 480 * 2 + 6, 3)


def test_a_detectors_bundle_says_of_each_thing_where_it_is_seen(detector_bundle: Path, tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    image, boxes = next(each for each in iter(lambda: scene(draw), None) if {box[0] for box in each[1]} == {0, 1})
    photo, told = tmp_path / "photo.png", tmp_path / "told.json"
    cv2.imwrite(str(photo), image)
    explain(str(detector_bundle), str(photo), "--out", str(tmp_path / "heat.png"), "--json", str(told))
    parts = json.loads(told.read_text())["parts"]
    assert sorted(part["label"] for part in parts) == sorted(CLASSES[box[0]] for box in boxes)
    for part in parts:
        x, y, w, h = part["box"]
        assert x - 6 <= part["hottest"][0] <= x + w + 6
        assert y - 6 <= part["hottest"][1] <= y + h + 6
    cv2.imwrite(str(photo), np.full((96, 96, 3), 70, np.uint8))
    with pytest.raises(EdgelensError, match="says nothing of this picture; --class NAME"):
        explain(str(detector_bundle), str(photo), "--out", str(tmp_path / "heat.png"))


def test_another_class_and_a_line_for_people(run: Run, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "heat.jpg"
    line = explain(str(run.path), str(photo), "--class", "above", "--out", str(out))
    assert line.startswith("above 0.")
    assert line.strip().endswith(f"(grad-cam): {out}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "photo"], "nowhere: no such file, and no built-in"),
        (["FOLDER", "photo"], "is no run: it has no"),
        (["RUN", "PHOTO", "--gallery", "x.gallery"], "--gallery: is for a bundle or a model file"),
        (["RUN", "PHOTO", "--engine", "tflite"], "--engine: is for a bundle or a model file"),
        (["RUN", "missing.png"], "missing.png"),
        (["RUN", "PHOTO", "--method", "magic"], "--method magic: must be one of grad-cam"),
        (["RUN", "PHOTO", "--method", "attention"], "CnnSmall has no attention; take grad-cam"),
        (["RUN", "PHOTO", "--class", "left"], "--class left: is none of this run's: above, below"),
        (["RUN", "PHOTO", "--out", "heat.txt"], "--out heat.txt: must end in .png"),
        (["RUN", "PHOTO", "--out", "nowhere/heat.png"], "--out nowhere/heat.png: there is no folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(run: Run, photo: Path, arguments: list[str], message: str) -> None:
    arguments = [{"RUN": str(run.path), "PHOTO": str(photo), "FOLDER": str(photo.parent)}.get(a, a) for a in arguments]
    with pytest.raises(EdgelensError) as caught:
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
