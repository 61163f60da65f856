"""Reading as a task: what is right, what agrees, and one text of many frames."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from colour_letters import colour_reader, letters

from edgelens.cli import cli
from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.datasets.texts import load_texts
from edgelens.runtime.decode.ctc import CHARACTER_SCORES
from edgelens.runtime.errors import DataError
from edgelens.runtime.loop.smoothing import Announcer
from edgelens.runtime.metrics.text import alphanumeric, edits
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.tasks.read import TASK
from edgelens.runtime.tasks.reading_report import evaluate_reading
from edgelens.runtime.tasks.task import Answer, Closeness


def seen(text, sure=0.9, known=True):
    if not text:
        return Recognitions.nothing(("text",), "read")
    scores = np.full((1, len(text)), sure, np.float32)
    score = float(sure ** len(text))
    return Recognitions(
        ("text",), [0 if known else -1], [score], texts=(text,), extra={CHARACTER_SCORES: scores}, task="read"
    )


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    texts = ["RGB", "GG", "BRG", "RR"]
    for i, text in enumerate(texts):
        cv2.imwrite(str(folder / f"{i}.png"), letters(text))
    lines = [f"{i}.png,{text}" for i, text in enumerate(["RGB", "gg", "BRB", "RR"])]
    (folder / "labels.csv").write_text("file,text\n" + "\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("truth", "read", "changes"),
    [("AB", "AB", []), ("AB", "A", [("B", "")]), ("", "A", [("", "A")]), ("A8C", "ABC", [("8", "B")]),
     ("kitten", "sitting", [("k", "s"), ("e", "i"), ("", "g")])],
)  # fmt: skip
def test_the_fewest_changes(truth, read, changes):
    assert edits(truth, read) == changes


def test_letters_and_digits_alone():
    assert alphanumeric("A-52, ·É") == "a52é"


@pytest.mark.parametrize(("one", "other"), [("कि", "का"), ("กิ", "กี"), ("கொ", "கா")])
def test_vowel_signs_tell_words_apart(one, other):
    assert alphanumeric(one) != alphanumeric(other)


def test_the_report_counts_whole_texts_and_characters(photos):
    images = load_texts(photos)
    answers = [seen("RGB"), seen("GG"), seen("BRG"), seen("")]
    report = evaluate_reading(images, ((i, (1, 1), each) for i, each in enumerate(answers)))
    said = report.to_json()
    assert said["accuracy"] == 0.25
    assert said["accuracy_any_case"] == 0.5
    assert said["character_error_rate"] == pytest.approx(5 / 10)
    assert {row["length"]: row["images"] for row in said["by_length"]} == {2: 2, 3: 2}
    assert {"truth": "B", "read": "G", "count": 1} in said["confusions"]
    assert "exact 25" in report.lines()[-1]
    assert {row["image"] for row in said["wrong"]} == {"1.png", "2.png", "3.png"}


def test_evaluate_on_the_command_line(photos, tmp_path):
    (tmp_path / "m.onnx").write_bytes(colour_reader())
    done = CliRunner().invoke(cli, ["evaluate", str(tmp_path / "m.onnx"), str(photos), "--pattern", "[RGB]{2,3}"])
    assert done.exit_code == 0, (done.output, done.exception)
    assert "exact 50" in done.stdout
    assert "75.00% in any case" in done.stdout


def test_a_picture_without_a_text_has_nothing_written_in_it(photos, tmp_path):
    (tmp_path / "labels.csv").write_text("file,text\n1.png,\n2.png,AB\n")
    images = load_texts(tmp_path)
    assert [images.classes[i] for i in images.labels] == ["", "AB"]
    assert images.notes == ("pictures without a text: 1",)
    report = evaluate_reading(images, ((i, (1, 1), each) for i, each in enumerate([seen(""), seen("AC")])))
    assert (report.accuracy, report.error_rate) == (0.5, 0.5)
    (tmp_path / "labels.csv").write_text("file,text\n1.png,A\n,AB\n")
    with pytest.raises(DataError, match=r"row 2 \(,AB\) has no file or no text; it needs file,text"):
        load_texts(tmp_path)


def test_characters_that_the_model_cannot_read_are_said(tmp_path):
    (tmp_path / "labels.csv").write_text("file,text\n1.png,a#\n2.png,AÄ\n3.png,#B\n")
    images = load_texts(tmp_path)
    answers = [(i, (1, 1), seen("A")) for i in range(3)]
    lines = evaluate_reading(images, answers, "AB").lines()
    assert "not in the model's alphabet: # Ä; 3 texts with such characters count as wrong" in lines
    assert not any("alphabet" in line for line in evaluate_reading(images, answers, "AB#Ä").lines())
    assert not any("alphabet" in line for line in evaluate_reading(images, answers).lines())


def test_a_model_that_reads_nothing_is_right_about_nothing(tmp_path):
    (tmp_path / "labels.csv").write_text("file,text\n1.png,\n2.png,AB\n3.png,\n")
    images = load_texts(tmp_path)
    lines = evaluate_reading(images, [(i, (1, 1), seen("")) for i in range(3)]).lines()
    assert lines[0] == "not one text was read; right are the 2 without a text"
    assert not any(
        "not one" in line for line in evaluate_reading(images, [(i, (1, 1), seen("B")) for i in range(3)]).lines()
    )


@pytest.mark.parametrize("there", ["nothing", "two", "file"])
def test_a_folder_without_its_texts_is_one_line(tmp_path, there):
    (tmp_path / "class").mkdir()
    path = tmp_path
    if there == "two":
        for name in "ab":
            (tmp_path / f"{name}.csv").write_text("file,text\n")
    if there == "file":
        path = tmp_path / "x.png"
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"labels\.csv"):
        load_texts(path)


def test_agreement_is_the_share_of_the_same_texts():
    ours = [Answer({}, seen(text)) for text in ("AB", "C", "")]
    theirs = [Answer({}, seen(text)) for text in ("AB", "D", "")]
    assert TASK.agreement(ours, theirs) == pytest.approx(2 / 3)


def test_frames_vote_for_each_character():
    steady, decode = TASK.steady(), Decode("ctc")
    frames = [seen("AB12"), seen("A812", 0.6), seen("AB1Z", 0.6), seen("AB12"), seen("AB1", 0.4)]
    last = [steady(frame, 0.3, decode) for frame in frames][-1]
    assert last.texts == ("AB12",)
    assert last.extra[CHARACTER_SCORES].shape == (1, 4)
    assert 0 < float(last.scores[0]) < 1


def test_another_text_after_a_gap_owes_nothing_to_the_first():
    steady, decode = TASK.steady(), Decode("ctc")
    for frame in [*[seen("AB12")] * 5, *[seen("")] * 3]:
        steady(frame, 0.2, decode)
    assert steady(seen("XY34"), 0.2, decode).texts == ("XY34",)


def test_a_text_is_announced_once_frames_agree_on_it_and_counted_as_a_text():
    announcer = Announcer()
    said = [announcer.hear(frame, (2, 3)) for frame in (seen("AB1"), seen("AB7"), seen("AB1"), seen("AB1"))]
    assert said == [None, None, "AB1", None]
    assert seen("AB1").called(0) == "text"  # every misread text would be a count of its own
    assert seen("AB1", known=False).announced_as(0) is None


def test_what_is_drawn_and_said_is_the_text():
    assert TASK.describe(seen("AB12")) == "AB12 0.66"
    assert TASK.describe(seen("AB12", known=False)) == "AB12? 0.66"
    assert TASK.describe(seen("")) == "nothing"


def test_what_is_only_just_read_is_worth_a_look():
    assert TASK.uncertain(seen("AB", known=False), Decode(), Closeness())
    assert TASK.uncertain(seen("AB", 0.75), Decode(), Closeness())
    assert not TASK.uncertain(seen("AB", 0.99), Decode(), Closeness())
    assert not TASK.uncertain(seen(""), Decode(), Closeness())


def test_what_words_made_of_it_stays_known_over_frames():
    steady, decode = TASK.steady(), Decode("ctc", threshold=0.97)
    assert int([steady(seen("AB12", 0.8), 0.3, decode) for _ in range(3)][-1].ids[0]) == 0
    steady = TASK.steady()
    assert int([steady(seen("AB12", 0.8, known=False), 0.3, decode) for _ in range(3)][-1].ids[0]) == -1


def test_a_character_written_with_several_signs_votes():
    text, steady = "n\u0303B", TASK.steady()  # two characters of an alphabet
    for _ in range(3):
        last = steady(replace(seen("AB"), texts=(text,)), 0.3, Decode("ctc"))
    assert last.texts == (text,) and float(last.scores[0]) > 0.5


def test_a_text_that_faded_for_a_thousand_frames_leaves_no_trace():
    steady = TASK.steady()
    steady(seen("CAT", 0.95), 0.9, Decode("ctc"))
    for _ in range(400):
        last = steady(seen("X" * 30, 1e-6), 0.9, Decode("ctc"))
    assert last.texts == ("X" * 30,)
