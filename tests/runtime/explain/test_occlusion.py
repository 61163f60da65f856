"""A bundle explains itself by what is covered: a class, the characters of a text, things, and what was taught."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from colour_letters import colour_reader, letters
from numpy.typing import NDArray
from one_line import one_line

from edgelens.cli.explain import command
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.explain.covers import covers, heat_of
from edgelens.runtime.explain.look import look_at
from edgelens.runtime.explain.occlusion import explain_look
from edgelens.runtime.gallery.exemplar import Exemplar
from edgelens.runtime.gallery.file import GalleryFile
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.teaching import Teacher


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path / "state" / "edgelens" / "galleries"


def beside(left: tuple[int, int, int], right: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Two colours (BGR), each a half of a picture of 64 pixels."""
    picture = np.full((64, 64, 3), left, np.uint8)
    picture[:, 32:] = right
    return picture


def written(path: Path, picture: NDArray[np.uint8]) -> str:
    cv2.imwrite(str(path), picture)
    return str(path)


def explain(*arguments: str | Path) -> str:
    result = CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def told(*arguments: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(explain(*arguments, "--json", "-"))
    return found


def refused(*arguments: str | Path) -> EdgelensError:
    with pytest.raises(EdgelensError) as caught:
        CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=False)
    assert caught.value.exit_code == 2
    return caught.value


def test_covers_touch_every_pixel_and_their_losses_add_up() -> None:
    places = covers(48, 130)
    touched = np.zeros((48, 130), int)
    for place in places:
        assert touched[place].shape == (12, 12)
        touched[place] += 1
    assert touched.min() >= 1
    lost = [float(place[1].start < 12) for place in places]
    heat = heat_of(lost, places, 48, 130)
    assert heat[:, :6].min() == 1 and heat[:, 24:].max() == 0


def test_a_class_is_seen_where_its_colour_is(color_bundle: Bundle, tmp_path: Path) -> None:
    photo, out = written(tmp_path / "photo.png", beside((20, 20, 200), (90, 60, 20))), tmp_path / "heat.png"
    found = told(color_bundle.path, photo, "--out", out)
    assert (found["label"], found["said"], found["method"]) == ("red", "red", "occlusion")
    assert found["hottest"][0] < 32
    assert cv2.imread(str(out)).shape == (480 + 26, 480 * 2 + 6, 3)
    other = told(color_bundle.path, photo, "--out", out, "--class", "blue")
    assert (other["label"], other["said"]) == ("blue", "red")
    assert other["hottest"][0] >= 32


def test_every_character_of_a_text_is_seen_in_its_place(tmp_path: Path) -> None:
    model = tmp_path / "reader.onnx"
    model.write_bytes(colour_reader())
    picture, out = np.zeros((48, 144, 3), np.uint8), tmp_path / "heat.png"
    picture[20:28, :96] = letters("RGBR", high=8)  # so low that a cover hides it
    found = told(model, written(tmp_path / "plate.png", picture), "--out", out)
    assert found["label"] == found["said"] == "RGBR"
    places = [part["hottest"][0] for part in found["parts"]]
    assert [place // 24 for place in places] == [0, 1, 2, 3]
    asked = told(model, tmp_path / "plate.png", "--out", out, "--class", "RGB")
    assert [part["label"] for part in asked["parts"]] == ["R", "G", "B"]
    one_line(refused(model, tmp_path / "plate.png", "--class", "XY"), "--class XY", "has characters", "BGR")
    one_line(refused(model, tmp_path / "plate.png", "--class", "RG" * 200), "is too long")
    one_line(refused(model, written(tmp_path / "dark.png", picture * 0)), "says nothing of this picture", "--class")


def test_a_chain_is_explained_in_the_thing_that_it_looks_into(
    halves_bundle: Bundle, color_bundle: Bundle, tmp_path: Path
) -> None:
    both = chain(halves_bundle, color_bundle, tmp_path / "both.edge", ChainOptions(classes=("right",)))
    picture = beside((90, 60, 20), (20, 20, 200))
    picture[32:, 32:] = (60, 60, 60)
    found = told(both.path, written(tmp_path / "photo.png", picture), "--out", tmp_path / "heat.png")
    assert (found["label"], found["inside"]) == ("red", {"label": "right", "box": [32, 0, 32, 64]})
    x, y = found["hottest"]  # of the half's middle, 32 by 32 pixels, which the network sees
    assert 0 <= x < 32 and 0 <= y < 16
    assert cv2.imread(str(tmp_path / "heat.png")).shape == (480 + 26, 480 * 2 + 6, 3)
    thrice = chain(both, color_bundle, tmp_path / "three.edge", ChainOptions(inside="halves"))
    one_line(refused(thrice.path, tmp_path / "photo.png"), "has 3 steps", "a chain of two")


def test_things_are_asked_for_one_by_one(halves_bundle: Bundle, tmp_path: Path) -> None:
    photo, out = written(tmp_path / "photo.png", beside((20, 20, 200), (90, 60, 20))), tmp_path / "heat.png"
    found = told(halves_bundle.path, photo, "--out", out)
    assert found["label"] == found["said"] == "left, right"
    assert [part["box"] for part in found["parts"]] == [[0, 0, 32, 64], [32, 0, 32, 64]]
    assert cv2.imread(str(out)).shape[1] == 246 * 4
    only = told(halves_bundle.path, photo, "--out", out, "--class", "right")
    assert [part["label"] for part in only["parts"]] == ["right"]
    one_line(refused(halves_bundle.path, photo, "--class", "top"), "--class top", "none of this model's: left, right")


def test_what_was_taught_is_explained_by_the_pictures_it_is_known_by(color_bundle: Bundle, tmp_path: Path) -> None:
    yellow, photo = (10, 240, 240), written(tmp_path / "photo.png", beside((10, 240, 240), (20, 30, 30)))
    with BundleRecognizer(color_bundle, taught=True) as recognizer:
        teacher = Teacher(recognizer)
        pictures = [np.full((64, 64, 3), yellow, np.uint8), beside(yellow, (40, 200, 200))]
        shown = [look for each in pictures if (look := teacher.look(each)) is not None]
        teacher.teach("banana", shown[:1])
        teacher.teach("banana", shown[1:], photos=False)
        teacher.teach("sky", [look for look in [teacher.look(beside((240, 10, 10), (220, 30, 10)))] if look])
        found = explain_look(recognizer, look_at(recognizer, cv2.imread(photo)), "banana")
    assert [each.name for each in found.similar] == ["banana", "banana", "sky"]
    assert [each.score for each in found.similar] == sorted((each.score for each in found.similar), reverse=True)
    assert sorted(each.picture is None for each in found.similar) == [False, False, True]
    kept = next(each.picture for each in found.similar if each.picture is not None)
    assert np.abs(kept.mean((0, 1)) - yellow).max() < 4
    assert found.whole.at()[0] < 32
    out = tmp_path / "heat.png"
    names = told(color_bundle.path, photo, "--class", "banana", "--out", out)["similar"]
    assert [each["name"] for each in names] == ["banana", "banana", "sky"]
    assert cv2.imread(str(out)).shape[1] == 246 * 4
    assert "similar" not in told(color_bundle.path, photo, "--class", "red", "--out", out)


def test_an_identifier_compares_with_a_gallery_that_was_carried_here(
    color_onnx: Callable[..., bytes], tmp_path: Path, state: Path
) -> None:
    model = tmp_path / "others.onnx"
    model.write_bytes(color_onnx())
    photo, out = written(tmp_path / "photo.png", beside((10, 240, 240), (20, 30, 30))), tmp_path / "heat.png"
    one_line(refused(model, photo, "--decode", "embedding", "--out", out), "nothing was taught yet", "edgelens teach")
    with BundleRecognizer(open_model(model, decoder="embedding"), taught=True) as recognizer:
        teacher = Teacher(recognizer)
        for name, colour in (("ann", (10, 240, 240)), ("bob", (240, 10, 10))):
            look = teacher.look(np.full((64, 64, 3), colour, np.uint8))
            assert look is not None
            teacher.teach(name, [look])
    (own,) = state.glob("*.gallery")
    carried = own.rename(tmp_path / "carried.gallery")
    found = told(model, photo, "--decode", "embedding", "--gallery", carried, "--out", out)
    assert (found["label"], found["similar"][0]["name"], found["similar"][1]["name"]) == ("ann", "ann", "bob")
    asked = told(model, photo, "--decode", "embedding", "--gallery", carried, "--out", out, "--class", "bob")
    assert (asked["label"], asked["said"]) == ("bob", found["said"])
    wrong = ("--decode", "embedding", "--gallery", carried, "--class", "eve")
    one_line(refused(model, photo, *wrong), "--class eve", "there are ann, bob")
    other = Exemplar("eve", np.ones(3, np.float32))
    GalleryFile(tmp_path / "other.gallery").append("s" * 64, [other])
    wrong = ("--decode", "embedding", "--gallery", tmp_path / "other.gallery")
    one_line(refused(model, photo, *wrong), "other.gallery", "another network")
    wrong = ("--decode", "embedding", "--gallery", tmp_path / "nowhere.gallery")
    one_line(refused(model, photo, *wrong), "nowhere.gallery: no such file", "edgelens gallery list")


def test_several_photos_become_several_pictures_under_their_names(color_bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    places = [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "more" / "a.png"]
    photos = [written(place, beside((20, 20, 200), (90, 60, 20))) for place in places]
    found = told(color_bundle.path, *photos, "--out", tmp_path / "heat.jpg")
    outs = [each["out"] for each in found["images"]]
    assert outs == [str(tmp_path / name) for name in ("heat-a.jpg", "heat-b.jpg", "heat-a-2.jpg")]
    assert all(Path(out).is_file() for out in outs)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("--method", "grad-cam"), ("--method grad-cam", "give the run that it was made of", "--method occlusion")),
        (("--among", "people"), ("--among: is for a run", "color.edge is none")),
        (("--gallery", "x.gallery"), ("--gallery x.gallery: no such file",)),
        (("--class", "mauve"), ("--class mauve", "red, green, blue")),
        (("--mean", "3"), ("--mean", "is a bundle and brings its own")),
        (("--precision", "int8"), ("--precision int8", "onnxruntime float32")),
    ],
)
def test_what_cannot_be_done_is_one_line(
    color_bundle: Bundle, tmp_path: Path, wrong: tuple[str, ...], words: tuple[str, ...]
) -> None:
    photo = written(tmp_path / "photo.png", beside((20, 20, 200), (90, 60, 20)))
    one_line(refused(color_bundle.path, photo, *wrong, "--out", tmp_path / "heat.png"), *words)
    assert not (tmp_path / "heat.png").exists()


def test_a_bundle_is_explained_without_torch(color_bundle: Bundle, tmp_path: Path) -> None:
    photo = written(tmp_path / "photo.png", beside((20, 20, 200), (90, 60, 20)))
    program = (
        "import sys; from edgelens.cli import cli; cli(sys.argv[1:], standalone_mode=False);"
        "loaded = {'torch', 'matplotlib', 'onnx', 'PIL'} & set(sys.modules); sys.exit(str(loaded) if loaded else 0)"
    )
    arguments = ["explain", str(color_bundle.path), photo, "--out", str(tmp_path / "heat.png")]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, timeout=60)
