"""Plates by their layouts: what a file may say, what is drawn and read, and how it comes into a training."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import DataError, UsageError
from edgelens.train.config import TrainConfig
from edgelens.train.data.config import DataConfig
from edgelens.train.opening.given import flag, refuse_useless
from edgelens.train.task import Draw
from edgelens.train.tasks.catalog import make_task
from edgelens.train.tasks.read import faces
from edgelens.train.tasks.read.data import open_texts, targets_of, texts_of, with_alphabet
from edgelens.train.tasks.read.drawing import Plates
from edgelens.train.tasks.read.fonts import font_files
from edgelens.train.tasks.read.plates.file import layout_names, load_layout
from edgelens.train.tasks.read.plates.flat import Flat, drawn
from edgelens.train.tasks.read.plates.outdoors import hung
from edgelens.train.tasks.read.plates.signs import Signs
from edgelens.train.tasks.read.writing import Writing

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÜ"
TEXTS = {
    "cn-blue": "[A-Z][A-Z0-9]{5}",
    "cn-green": "[A-Z][A-Z0-9]{2}[0-9]{4}",
    "de": "[A-ZÄÖÜ]{1,3}[A-Z]{1,2}[1-9][0-9]{0,3}",
    "de-square": "[A-ZÄÖÜ]{1,3}|[A-Z]{1,2}[1-9][0-9]{0,3}",
    "eu": "[A-Z0-9]{3,9}",
    "fr": "[A-Z]{2}[0-9]{3}[A-Z]{2}",
    "uk": "[A-Z]{2}[0-9]{2}[A-Z]{3}",
    "uk-square": "[A-Z]{2}[0-9]{2}|[A-Z]{3}",
    "us": "[A-Z0-9]{6,8}",
}
OWN = """
size = [200, 50]
ground = "#ffffff"
ink = "#000000"
corner = 5
[[band]]
box = [0, 0, 40, 50]
colour = "#0000ff"
[[line]]
box = [50, 10, 140, 30]
character = 15
gap = 5
parts = [{ text = "[AB]{2}" }, { dash = 10 }, { text = "[0-9]{2}" }]
"""


@pytest.fixture(autouse=True)
def few_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking through hundreds takes seconds; what is drawn is a layout's matter."""
    few = [file for file in font_files() if Path(file).stem.startswith(("DejaVuSans", "LiberationSans"))]
    monkeypatch.setattr(faces, "font_files", lambda: few or font_files())


def config(*plates: str, alphabet: str | None = LETTERS, written: float = 1.0) -> TrainConfig:
    return TrainConfig("d", "o", task="read", alphabet=alphabet, written=written, plates=plates)


def plates(*names: str, alphabet: str = LETTERS) -> Plates:
    made = Plates.of(config(*names, alphabet=alphabet))
    assert made is not None
    return made


def own(folder: Path, text: str = OWN) -> str:
    path = folder / "own.toml"
    path.write_text(text)
    return str(path)


def flat_of(said: str, seed: int, alphabet: str = LETTERS) -> Flat:
    made = plates(said, alphabet=alphabet)
    return drawn(made.layouts[0], made.faces[0], made.unread[0], np.random.default_rng(seed))


def test_the_layouts_that_are_known_are_all_tried_here() -> None:
    assert set(layout_names()) == set(TEXTS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_known_layout_has_its_proportions_and_its_texts(name: str) -> None:
    layout, made = load_layout(name), plates(name)
    for seed in range(8):
        flat = drawn(layout, made.faces[0], made.unread[0], np.random.default_rng(seed))
        assert re.fullmatch(TEXTS[name], flat.text), flat.text
        high, wide = flat.image.shape[:2]
        assert wide / high == pytest.approx(layout.size[0] / layout.size[1], rel=0.03)
        picture = hung(flat, (32, 128), np.random.default_rng(seed))
        assert picture.shape == (32, 128, 3)
        assert picture.dtype == np.uint8
        assert picture.std() > 4


def test_ground_band_and_ink_are_where_and_as_the_file_says(tmp_path: Path) -> None:
    flat = flat_of(own(tmp_path), 0)
    scale = flat.image.shape[0] / 50
    band, bare = flat.image[:, : round(38 * scale)], flat.image[: round(8 * scale), round(45 * scale) :]
    assert (band.mean((0, 1)) - (0, 0, 255)).max() < 30
    assert bare.mean() > 220
    ink = (flat.image.mean(2) < 60) & (np.arange(flat.image.shape[1]) > 45 * scale)
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert rows[0] / scale == pytest.approx(10, abs=1.5)
    assert (rows[-1] + 1) / scale == pytest.approx(40, abs=1.5)
    assert columns[0] / scale > 49
    assert (columns[0] + columns[-1] + 1) / 2 / scale == pytest.approx(120, abs=4), "in the middle of its line"
    assert flat.shape[0, 0] < 0.2 < flat.shape[25, 25], "its corners are round"


def test_a_long_text_is_narrower_and_stays_in_its_line(tmp_path: Path) -> None:
    flat = flat_of(own(tmp_path, OWN.replace("[0-9]{2}", "[0-9]{12}")), 0)
    scale = flat.image.shape[0] / 50
    ink = (flat.image.mean(2) < 60).any(0)
    assert len(flat.text) == 14
    assert not ink[round(192 * scale) :].any()
    assert ink[round(180 * scale) : round(192 * scale)].any()


def test_a_plate_of_two_lines_is_read_a_line_at_a_time() -> None:
    found = [flat_of("uk-square", seed) for seed in range(12)]
    above = [flat for flat in found if flat.part[1] < 10]
    below = [flat for flat in found if flat.part[1] > 30]
    assert len(above) + len(below) == len(found)
    assert all(len(flat.text) == 4 for flat in above)
    assert all(len(flat.text) == 3 for flat in below)
    assert above and below
    assert all(flat.part[3] < 0.65 * flat.image.shape[0] for flat in found)


def test_signs_that_no_font_here_knows_are_drawn_where_they_are_not_read_and_refused_where_they_are(
    tmp_path: Path,
) -> None:
    unknown = OWN.replace("[AB]{2}", "\ue123|\ue124")
    flat = flat_of(own(tmp_path, unknown), 3)
    assert re.fullmatch("[0-9]{2}", flat.text)
    first = flat.image[:, round(50 * flat.image.shape[0] / 50) : round(110 * flat.image.shape[0] / 50)]
    assert first.min() < 60, "something is scribbled there"
    with pytest.raises(DataError, match=r"--plates own: no font here has all of .*or leave them out of --alphabet"):
        Plates.of(config(own(tmp_path, unknown), alphabet=LETTERS + "\ue123"))


def test_marks_before_an_empty_end_are_left_out(tmp_path: Path) -> None:
    said = own(tmp_path, OWN.replace('"[0-9]{2}"', '"[0-9]?"'))
    found = {len(flat.text): flat for flat in (flat_of(said, seed) for seed in range(10))}
    assert set(found) == {2, 3}
    flat = found[2]
    ink = (flat.image.mean(2) < 60) & (np.arange(flat.image.shape[1]) > 45 * flat.image.shape[0] / 50)
    columns = np.flatnonzero(ink.any(0))
    assert (columns[-1] - columns[0]) * 50 / flat.image.shape[0] < 40, "two signs and no dash"


def test_the_alphabet_holds_what_the_layouts_may_say(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((24, 96, 3), np.uint8))
    (tmp_path / "labels.csv").write_text("file,text\na.png,9X\n")
    images = open_texts(DataConfig(str(tmp_path)))
    asked = replace(config(own(tmp_path), alphabet=None), data=str(tmp_path))
    assert with_alphabet(asked, images).alphabet == "0123456789ABX"
    assert with_alphabet(replace(asked, alphabet="9xab"), images).alphabet == "9xab"
    (tmp_path / "labels.csv").write_text("file,text\na.png,9xab\n")
    lower = with_alphabet(asked, open_texts(DataConfig(str(tmp_path)))).alphabet
    assert lower == "0123456789abx", "no second case of what is read in one"


def test_a_share_of_a_batch_are_plates_seen_by_a_camera_and_the_same_again() -> None:
    made = replace(plates("uk", "us"), share=0.5)
    for channels in (1, 3):
        pixels, targets = torch.zeros(24, channels, 32, 96, dtype=torch.uint8), targets_of(["0"] * 24, LETTERS)
        draw = Draw(0, 3, torch.arange(24))
        first, second = made.mixed_in(pixels, targets, draw), made.mixed_in(pixels, targets, draw)
        texts = texts_of(first[1], LETTERS)
        changed = [bool(picture.any()) for picture in first[0]]
        assert 4 < sum(changed) < 20
        assert [text != "0" for text in texts] == changed
        assert bool((first[0] == second[0]).all())
        assert texts == texts_of(second[1], LETTERS)
        assert pixels.sum() == 0


def test_they_are_written_instead_of_texts_and_a_run_remembers_where_its_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((24, 96, 3), np.uint8))
    (tmp_path / "labels.csv").write_text("file,text\na.png,9A\n")
    own(tmp_path)
    asked = replace(config("own.toml", "fr"), data=str(tmp_path))
    assert Writing.of(asked) is None
    task = make_task(asked)
    made = task.completed(asked, task.open_data(asked.data_config()))
    assert made.plates == (str(tmp_path / "own.toml"), "fr")
    assert TrainConfig.from_json(made.as_json()) == made
    assert re.fullmatch(r"draws plates \(own, fr\) with \d+ fonts", make_task(made).notes()[-1])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"written": 0.0}, "--plates: goes with --written SHARE"),
        ({"task": "classify"}, "--plates: is for --task read"),
        ({"mirror": True}, "--mirror: --task read has no use for it"),
        ({"texts": "[A-Z]"}, "--texts: goes with --written SHARE, and not with --plates"),
    ],
)
def test_what_does_not_go_with_it_is_refused(given: dict[str, object], said: str) -> None:
    asked = replace(config("uk"), model="reader", **given)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=re.escape(said)):
        refuse_useless({name: flag(name) for name in ("plates", *given)}, asked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("size = [200, 50]", "size = [200]"), "size: must be 2 numbers"),
        (("size = [200, 50]", "size = [2000, 50]"), "size: must be width and height of a plate"),
        (("size = [200, 50]", ""), "size: is missing"),
        (('ground = "#ffffff"', ""), "ground: is missing"),
        (('ink = "#000000"', 'ink = "black"'), 'ink: must be a colour such as "#f4c81e"'),
        (('ink = "#000000"', "ink = []"), "ink: must be a colour"),
        (("corner = 5", "corner = nan"), "corner: must be a number from 0 to 25"),
        (("corner = 5", "rivets = 3"), "rivets: must be a list of places"),
        (("corner = 5", "cornr = 5"), "cornr: is not known here"),
        (("corner = 5", 'fonts = "Narrow"'), "fonts: must be a list of texts"),
        (("corner = 5", "border = 5"), "border: must be a list of tables"),
        (("box = [0, 0, 40, 50]", "box = [0, 0, 40, 60]"), "band 1: box: must be x, y, width, height within 200 by 50"),
        (("box = [50, 10, 140, 30]", "box = [90, 10, 140, 30]"), "line 1: box: must be x, y, width, height within"),
        (("character = 15", "character = 0"), "line 1: character: must be the width"),
        (("character = 15", 'character = "wide"'), "line 1: character: must be a number"),
        (("character = 15", "character = 15\nread = false"), r"has no \[\[line\]\] that is read"),
        (("character = 15", "character = 15\nread = 1"), "line 1: read: must be true or false"),
        (("{ dash = 10 }", "{ dash = 10, dot = 3 }"), "line 1: parts 2: must have one of text, space, dot, dash, seal"),
        (("{ dash = 10 }", "7"), "line 1: parts 2: must be a table"),
        (("{ dash = 10 }", "{ dash = 10, chance = 2 }"), "line 1: parts 2: chance: must be a number from 0 to 1"),
        (("[AB]{2}", "[AB"), r"line 1: parts 1: text: \[AB: ends in the middle"),
        (("[AB]{2}", "([AB]{99}C){99}"), "line 1: parts 1: text: .* allows texts that no plate has room for"),
        (("[AB]{2}", "A{0}"), r"line 1: parts 1: text: 'A\{0\}' fits no letter"),
        (('[{ text = "[AB]{2}" }, { dash = 10 }, { text = "[0-9]{2}" }]', "[]"), "line 1: parts: must hold a text"),
    ],
)
def test_what_a_layout_says_wrong_is_one_line_with_its_place(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    assert change[0] in OWN
    path = own(tmp_path, OWN.replace(*change))
    with pytest.raises(UsageError, match=said) as raised:
        load_layout(path)
    assert str(raised.value).startswith(f"--plates {path}: ")
    assert "\n" not in str(raised.value)


def test_what_is_no_layout_at_all_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--plates mars: is none of cn-blue, .*; a file of your own ends in \.toml"):
        load_layout("mars")
    with pytest.raises(UsageError, match=r"none\.toml: could not be read"):
        load_layout(str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="is no valid TOML"):
        load_layout(own(tmp_path, "size = [\n"))
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is no valid TOML"):
        load_layout(str(tmp_path / "own.toml"))


def test_texts_are_made_up_of_all_that_fits() -> None:
    signs = Signs("[A-C]{2}·(x|yz)?")
    assert signs.characters == "".join(sorted("ABC·xyz"))
    draw = np.random.default_rng(0)
    found = {signs.made_up(draw) for _ in range(200)}
    assert all(re.fullmatch("[A-C]{2}·(x|yz)?", text) for text in found)
    assert len(found) > 20


def test_the_command_line_shows_them_without_training(tmp_path: Path) -> None:
    for i in range(10):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.zeros((24, 96, 3), np.uint8))
    table = "file,text,split\n" + "".join(f"{i}.png,A1,{'train' if i else 'val'}\n" for i in range(10))
    (tmp_path / "labels.csv").write_text(table)
    sheet = tmp_path / "sheet.png"
    asked = f"train {tmp_path} --task read --written 1 --plates {own(tmp_path)} --show-augmented {sheet}"
    done = CliRunner().invoke(cli, asked.split())
    assert done.exit_code == 0, (done.output, done.exception)
    shown = cv2.imread(str(sheet))
    assert shown is not None
    right = shown[:, shown.shape[1] // 9 :]
    assert right.std() > 30, "beside black pictures stand plates"
    done = CliRunner().invoke(cli, ["train", str(tmp_path), "--written", "1", "--plates", "mars", "--out", "x"])
    assert isinstance(done.exception, UsageError)
    assert not Path("x").exists()
