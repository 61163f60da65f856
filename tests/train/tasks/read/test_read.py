"""Learning to read: what is learned from, how it is spliced and bent, and a small network that learns in seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from colour_letters import letters

from edgelens.cli import cli
from edgelens.runtime.decode.spelling.alignment import spoken
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.model.open import open_model
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.augment import recipe
from edgelens.train.augment.random.draws import Draws
from edgelens.train.config import TrainConfig
from edgelens.train.data.config import DataConfig
from edgelens.train.models.catalog import build
from edgelens.train.models.options import ModelOptions
from edgelens.train.opening.choice import chosen_for, pixels_of
from edgelens.train.opening.given import flag, refuse_useless
from edgelens.train.opening.preview import show_augmented_data
from edgelens.train.runs.facts import RunFacts
from edgelens.train.runs.run import Run
from edgelens.train.task import Draw
from edgelens.train.tasks.catalog import make_task
from edgelens.train.tasks.read.bend import bent
from edgelens.train.tasks.read.data import (
    TextImages,
    characters_of,
    open_texts,
    targets_of,
    texts_of,
    with_alphabet,
)
from edgelens.train.tasks.read.spelled import ReadingMeter, ctc_losses
from edgelens.train.tasks.read.splice import Splicing


def written_down(folder: Path, texts: list[str], **drawn: Any) -> Path:
    """A folder of pictures and their labels.csv."""
    draw = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    for i, text in enumerate(texts):
        image = letters(text, high=24, wide=16, **drawn).astype(np.int32)
        image += draw.integers(0, 60, image.shape)
        cv2.imwrite(str(folder / f"{i}.png"), np.clip(image, 0, 255).astype(np.uint8))
    (folder / "labels.csv").write_text("file,text\n" + "".join(f"{i}.png,{text}\n" for i, text in enumerate(texts)))
    return folder


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(1)
    texts = ["".join(draw.choice(list("RGB"), draw.integers(1, 4))) for _ in range(120)]
    return written_down(tmp_path_factory.mktemp("colours"), texts)


def config(photos: Path, **given: Any) -> TrainConfig:
    return TrainConfig(str(photos), "out", task="read", **given)


def chosen(asked: TrainConfig) -> tuple[TrainConfig, PixelContract]:
    """What reading chooses where nothing was said: network and alphabet, and the picture."""
    task = make_task(asked)
    images = task.open_data(asked.data_config())
    made, task, _ = chosen_for(asked, task, images)
    return made, pixels_of(made, images, task.looks)


def test_pictures_keep_their_texts_when_some_are_picked(photos: Path) -> None:
    images = open_texts(DataConfig(str(photos)))
    assert images.classes == ("text",)
    chosen = images.select(np.array([5, 2]))
    none = chosen.split("train")
    assert isinstance(chosen, TextImages)
    assert isinstance(none, TextImages)
    assert list(chosen.texts) == [images.texts[5], images.texts[2]]
    assert list(none.texts) == []


def test_what_was_not_said_suits_the_texts(photos: Path) -> None:
    made, seen = chosen(config(photos))
    assert (made.model, made.alphabet) == ("reader", "BGR")
    assert (seen.height, seen.width, seen.resize) == (32, 64, "stretch")
    kept, seen = chosen(config(photos, model="crnn", size=(16, 64), resize="letterbox"))
    assert kept.model == "crnn"
    assert (seen.height, seen.width, seen.resize) == (16, 64, "letterbox")


def test_narrow_characters_get_room(tmp_path: Path) -> None:
    _, seen = chosen(config(written_down(tmp_path / "narrow", ["RGBRGB"] * 20)))
    assert (seen.height, seen.width) == (32, 144)  # 128 wide as they stand


def test_the_sheet_of_augmented_pictures_shows_whole_texts_the_right_way_round(tmp_path: Path) -> None:
    show_augmented_data(config(written_down(tmp_path / "pairs", ["RB"] * 20)), str(tmp_path / "sheet.png"))
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet is not None
    high = sheet.shape[0] // 10  # ten pictures
    assert high < 96 < sheet.shape[1] // 9, "a text is wider than it is high"
    for row in np.split(sheet, 10):
        for tile in np.split(row[18:], 9, axis=1):  # below the caption
            left, right = tile[:, :30].mean((0, 1)), tile[:, 50:80].mean((0, 1))
            assert left[2] > right[2]
            assert left[0] < right[0]


def test_an_alphabet_is_a_file_or_its_characters_and_must_hold_what_is_written(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "abc.txt").write_text("r\ng\nb\n")
    assert characters_of(str(tmp_path / "abc.txt")) == "rgb"
    images = open_texts(DataConfig(str(photos)))
    assert with_alphabet(config(photos, alphabet="rgb"), images).alphabet == "rgb"  # of the other case
    with pytest.raises(UsageError, match="lacks 'B'"):
        with_alphabet(config(photos, alphabet="RG"), images)
    with pytest.raises(DataError, match="no such file"):
        characters_of("none.txt")
    with pytest.raises(DataError, match="holds texts rather than an alphabet"):
        characters_of(str(photos / "labels.csv"))


def test_texts_that_have_no_room_are_refused_with_the_size_that_has(tmp_path: Path) -> None:
    lines = open_texts(DataConfig(str(written_down(tmp_path / "lines", ["RG" * 30, "RGB" * 21, "GB" * 31, "R"]))))
    with pytest.raises(
        UsageError, match=r"--size 32x192: most texts need more width.*--size 32x256 has room"
    ) as raised:
        with_alphabet(config(tmp_path), lines)
    assert "\n" not in str(raised.value)
    assert with_alphabet(config(tmp_path, size=(32, 256)), lines).size == (32, 256)


def test_targets_are_texts_again() -> None:
    texts = ["AB1", "B", "1A"]
    targets = targets_of(texts, "1AB")
    assert texts_of(targets, "1AB") == texts
    assert texts_of(targets.select(np.array([2, 0])), "1AB") == ["1A", "AB1"]


def test_the_loss_is_least_and_the_meter_counts_where_the_text_is_said() -> None:
    targets = targets_of(["AB", "BB"], "AB")
    scores = torch.full((2, 5, 3), -4.0)
    for step, (first, second) in enumerate([(1, 2), (0, 2), (2, 0), (2, 2), (0, 0)]):
        scores[0, step, first] = scores[1, step, second] = 4.0
    right, wrong = ctc_losses({"scores": scores}, targets), ctc_losses({"scores": scores.roll(1, 2)}, targets)
    assert bool((right < 0.1).all())
    assert float(wrong[0]) > 1
    meter = ReadingMeter()
    meter.add({"scores": scores}, targets)
    assert meter.result()["accuracy"] == 1
    meter.add({"scores": scores}, targets_of(["AA", "B"], "AB"))
    assert meter.result()["accuracy"] == 0.5
    assert meter.result()["character_error_rate"] == pytest.approx(2 / 7)
    two = ReadingMeter()
    two.merge([meter.state(), meter.state()])
    assert two.result() == pytest.approx(meter.result())


@pytest.mark.parametrize("model", ["reader", "crnn"])
def test_a_network_gives_scores_for_every_step_of_four_pixels(model: str) -> None:
    network = build(model, ModelOptions(width=0.25), channels=1, classes=5, size=(32, 96)).eval()
    assert network(torch.zeros(2, 1, 32, 96)).shape == (2, 24, 5)


def test_pictures_are_spliced_between_characters_and_say_both_parts() -> None:
    class Knows(torch.nn.Module):
        """Says A, a blank and B, each for as many steps as the picture has columns of it."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            columns = ((x[:, 0].mean(1) + 1) * 2).round().long().clamp(0, 3)  # (B, W): 0 blank, then 1, 2, 3
            return torch.nn.functional.one_hot(columns, 4).float() * 20

    made = Splicing(1.0, "", "ABC")
    made.reader = Knows()
    pixels = torch.zeros(8, 1, 16, 32, dtype=torch.uint8)
    texts = ["AB", "CA"] * 4
    for row, text in enumerate(texts):
        for at, letter in enumerate(text):
            pixels[row, :, :, 2 + 16 * at : 14 + 16 * at] = {"A": 64, "B": 128, "C": 192}[letter]
    joined, targets = made.mixed_in(pixels, targets_of(texts, "ABC"), Draw(0, 0, torch.arange(8)))
    said = texts_of(targets, "ABC")
    assert set(said) <= {"AB", "CA", "AA", "CB"}
    assert set(said) - {"AB", "CA"}
    for picture, text in zip(joined, said, strict=True):
        steps = made.reader(picture[None].float() / 128 - 1).softmax(2)[0].numpy()
        assert "".join("ABC"[column - 1] for column in spoken(steps)) == text


def test_what_a_run_is_made_of_is_needed_where_it_is_trained_alone(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is compressed and looked at on machines without its fonts, from other folders than it was begun in."""
    (tmp_path / "letters.txt").write_text("R\nG\nB\n")
    (tmp_path / "words.txt").write_text("RGB\nBG\n")
    monkeypatch.chdir(tmp_path)
    asked = config(photos, alphabet="letters.txt", written=0.5, texts="words.txt")
    made, _ = chosen(asked)
    assert (made.alphabet, made.texts) == ("RGB", str(tmp_path / "words.txt"))
    assert "writes with" in make_task(made).notes()[-1]
    pixels, targets = torch.zeros(8, 3, 32, 64, dtype=torch.uint8), targets_of(["R"] * 8, "RGB")
    _, shown = make_task(made).augment(recipe("quick"), pixels, targets, Draw(0, 0, torch.arange(8)))
    assert "R" in texts_of(shown, "RGB") and set(texts_of(shown, "RGB")) & {"RGB", "BG"}
    (tmp_path / "others.txt").write_text("OXO\n")
    with pytest.raises(UsageError, match="none of its words"):
        chosen(replace(asked, texts="others.txt"))
    (tmp_path / "words.txt").unlink()
    assert make_task(made).name == "read"
    with pytest.raises(UsageError, match=r"--texts .*words\.txt: could not be read"):
        chosen(made)


def test_nothing_is_spliced_by_who_reads_other_characters(photos: Path, tmp_path: Path) -> None:
    facts = RunFacts(("text",), PixelContract(32, 64, "rgb", "stretch"), {}, {}, {})
    Run(tmp_path, config(photos, model="reader", alphabet="XYZ"), facts).write()
    made = replace(chosen(config(photos))[0], spliced=0.5, start=str(tmp_path))
    assert make_task(made).notes()[-1].startswith("warning: nothing is spliced")


def test_a_line_is_bent_and_stays_in_its_picture() -> None:
    pixels = torch.from_numpy(letters("RGB", high=32, wide=32).transpose(2, 0, 1).copy())[None].repeat(8, 1, 1, 1)
    moved = bent(pixels, Draws.of(0, 0, torch.arange(8)))
    assert moved.shape == pixels.shape
    assert moved.dtype == torch.uint8
    assert not bool((moved == pixels).all())
    assert float((moved.float().mean((2, 3)) - pixels.float().mean((2, 3))).abs().max()) < 25


def test_a_small_network_learns_is_compressed_and_reads(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def edgelens(*arguments: object) -> str:
        done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        return done.stdout

    run, bundle = tmp_path / "run", tmp_path / "colours.edge"
    how = "--width .25 --size 16x48 --resize letterbox --epochs 12 --batch 12 --rate 5e-3 --augment none --threads 1"
    edgelens("train", photos, "--task", "read", *how.split(), "--precision", "float32", "--out", run)
    edgelens("compress", run, "--out", bundle, "--calibration-images", 32, "--formats", "onnx", "--threads", 1)
    assert edgelens("verify", bundle).count(" ok") == 2
    edgelens("evaluate", bundle, photos, "--split", "all", "--precision", "int8", "--json", tmp_path / "e.json")
    told = json.loads((tmp_path / "e.json").read_text())
    assert told["task"] == "read"
    assert told["character_error_rate"] < 0.25
    lines = edgelens("run", bundle, "--source", photos, "--json", "-", "--quiet", "--no-preview", "--pattern", "[RGB]+")
    rows = [json.loads(line)["results"] for line in lines.splitlines()]
    held = open_model(str(bundle)).manifest.main.decode.threshold
    assert 0.05 <= held <= 0.95
    every = [row for found in rows for row in found]
    assert all(row["label"] == ("text" if row["score"] >= held else "unknown") for row in every)
    assert all(set(row["text"]) <= set("RGB") for row in every)
    assert sum(map(len, rows)) > 100
    picture = next(
        photos / f"{i}.png" for i, row in enumerate(open_texts(DataConfig(str(photos))).texts) if row == "RGB"
    )
    heat = tmp_path / "heat.png"
    told = json.loads(edgelens("explain", run, picture, "--class", "RGB", "--out", heat, "--json", "-"))
    assert [part["label"] for part in told["parts"]] == list("RGB")
    places = [part["hottest"][0] for part in told["parts"]]
    assert places == sorted(places) and places[-1] - places[0] > 12
    assert cv2.imread(str(heat)).shape[1] == 4 * 246
    for wrong, message in (("RX", "'X' is none of the characters"), ("RGB" * 9, "is too long for this network")):
        done = CliRunner().invoke(cli, ["explain", str(run), str(picture), "--class", wrong, "--out", str(heat)])
        assert message in str(done.exception)
    # stopped before it was settled, it is still a reader; without its splits it is said
    facts = json.loads((run / "run.json").read_text())
    facts["facts"] |= {"decode": {}, "metrics": None}
    (run / "run.json").write_text(json.dumps(facts))
    edgelens("compress", run, "--out", bundle, "--formats", "onnx", "--precisions", "float32", "--threads", 1)
    decode = open_model(str(bundle)).manifest.main.decode
    assert (decode.decoder, sorted(decode.options["alphabet"])) == ("ctc", list("BGR"))
    (run / "splits.npz").write_bytes((run / "splits.npz").read_bytes()[:100])
    done = CliRunner().invoke(cli, ["compress", str(run), "--out", str(bundle)])
    assert isinstance(done.exception, DataError) and "splits.npz: is not there or damaged" in str(done.exception)


def test_a_network_that_cannot_read_is_one_line(photos: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli, ["train", str(photos), "--task", "read", "--model", "lens-s", "--out", str(tmp_path / "r")]
    )
    assert isinstance(done.exception, UsageError)
    assert "lens-s: does not read; take reader" in str(done.exception)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"texts": "words.txt"}, "--texts: goes with --written SHARE"),
        ({"spliced": 0.5}, "--spliced: goes with --from RUN"),
        ({"spliced": 0.5, "start": "weights.safetensors"}, "--spliced: goes with --from RUN"),
    ],
)
def test_what_would_change_nothing_is_refused(photos: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        refuse_useless({name: flag(name) for name in given}, config(photos, model="reader", **given))


def test_an_alphabet_that_is_no_text_is_one_line_and_a_mark_at_its_begin_is_none(tmp_path: Path) -> None:
    latin, marked = tmp_path / "latin.txt", tmp_path / "marked.txt"
    latin.write_bytes(b"abc\xe4")
    marked.write_bytes("abc".encode("utf-8-sig"))
    with pytest.raises(DataError, match=r"latin\.txt: cannot be read as UTF-8 text"):
        characters_of(str(latin))
    assert characters_of(str(marked)) == "abc"


@pytest.mark.parametrize(("alphabet", "text"), [("abcς", "abΣ"), ("abcı", "I"), ("µ", "Μ"), ("RSTU", "ﬆ")])
def test_what_has_no_character_by_either_case_is_said(photos: Path, alphabet: str, text: str) -> None:
    config = TrainConfig(str(photos), "", task="read", alphabet=alphabet)
    images = replace(open_texts(DataConfig(str(photos))).select(np.arange(1)), texts=[text])
    try:
        targets = targets_of([text], with_alphabet(config, images).alphabet or "")
    except UsageError as error:
        assert "--alphabet: lacks" in str(error)
    else:
        assert len(targets) == 1
