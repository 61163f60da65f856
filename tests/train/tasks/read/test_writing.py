"""Texts that are written on the fly: which, with which fonts, and what of them is to be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from edgelens.runtime.errors import DataError, UsageError
from edgelens.train.config import TrainConfig
from edgelens.train.task import Draw
from edgelens.train.tasks.read import fonts
from edgelens.train.tasks.read.data import in_cases, targets_of, texts_of
from edgelens.train.tasks.read.writing import Writing


def writing(texts: str | None, share: float = 1.0, alphabet: str = "ABCXYZ0123456789") -> Writing:
    made = Writing.of(TrainConfig("d", "o", alphabet=alphabet, written=share, texts=texts))
    assert made is not None
    return made


def test_what_is_written_fits_the_pattern_and_leaves_out_what_is_not_to_be_read() -> None:
    made = writing("□[A-C]·[0-9]{3}")
    draw = np.random.default_rng(0)
    for _ in range(10):
        image, text = made.picture((3, 32, 96), draw)
        assert image.shape == (3, 32, 96)
        assert image.std() > 5
        assert len(text) == 4
        assert text[0] in "ABC"


def test_words_of_a_file_are_written_in_any_case_where_the_alphabet_has_one(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("cab\nzoo\nxyz\n")  # zoo has an o
    made = writing(str(tmp_path / "words.txt"))
    draw = np.random.default_rng(0)
    assert {made.picture((1, 32, 64), draw)[1].lower() for _ in range(20)} == {"cab", "xyz"}
    (tmp_path / "none.txt").write_text("ooo\n")
    with pytest.raises(UsageError, match="none of its words"):
        writing(str(tmp_path / "none.txt"))


def test_turkish_words_are_written_only_in_the_cases_in_which_they_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("İSTANBUL\nIĞDIR\n", encoding="utf-8")
    capitals, draw = "".join(sorted(set("İSTANBULIĞDIR"))), np.random.default_rng(0)
    made = writing(str(tmp_path / "words.txt"), alphabet=capitals)
    written = {made.picture((1, 32, 64), draw)[1] for _ in range(40)}
    assert set(texts_of(targets_of([*written], capitals), capitals)) == {"İSTANBUL", "IĞDIR"}
    assert set(in_cases("ırı", "ıiğdr")) == {"ırı"}  # IRI would be read as iri


def test_a_text_of_nothing_or_of_an_accent_alone_is_a_picture_too() -> None:
    nothing, accent = writing("A?"), replace(writing(None), alphabet="\u0301")
    for seed in range(400):
        image, text = nothing.picture((3, 32, 64), np.random.default_rng(seed))
        assert (image.shape, text in ("", "A")) == ((3, 32, 64), True)
        assert accent.picture((3, 32, 64), np.random.default_rng(seed))[0].shape == (3, 32, 64)


def test_blanks_that_nobody_can_see_are_not_to_be_read() -> None:
    made, draw = writing(None, alphabet=" a"), np.random.default_rng(0)
    texts = [made.picture((1, 32, 64), draw)[1] for _ in range(60)]
    assert any(" " in text for text in texts)
    assert all(text == " ".join(text.split()) for text in texts)
    assert {writing("□ A").picture((1, 32, 64), draw)[1]} == {"A"}


def test_a_share_of_a_batch_is_written_and_the_same_again() -> None:
    made, pixels = writing("[A-C]{2}", 0.5), torch.zeros(16, 3, 32, 64, dtype=torch.uint8)
    targets = targets_of(["0"] * 16, made.alphabet)
    draw = Draw(0, 3, torch.arange(16))
    first, second = made.mixed_in(pixels, targets, draw), made.mixed_in(pixels, targets, draw)
    texts = texts_of(first[1], made.alphabet)
    changed = [bool(picture.any()) for picture in first[0]]
    assert 2 < sum(changed) < 14
    assert [text != "0" for text in texts] == changed
    assert bool((first[0] == second[0]).all())
    assert texts == texts_of(second[1], made.alphabet)


def test_a_machine_without_fonts_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    fonts.fonts_for.cache_clear()
    monkeypatch.setattr(fonts, "_FOLDERS", ())
    with pytest.raises(DataError, match="apt install fonts-dejavu"):
        fonts.fonts_for("ABC")
    fonts.fonts_for.cache_clear()


def test_few_fonts_are_said_and_that_more_teach_more() -> None:
    few = replace(writing(None), fonts=("a.ttf", "b.ttf"))
    assert few.told() == "writes with 2 fonts of this machine; more of them teach more (docs/reading.md names packages)"
    assert replace(few, fonts=("a.ttf",) * 100).told() == "writes with 100 fonts of this machine"


def test_an_alphabet_that_no_font_has_is_one_line() -> None:
    with pytest.raises(DataError, match=r"none of the .* fonts here"):
        fonts.fonts_for("A\ue123\ue124")
