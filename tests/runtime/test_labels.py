"""Names of classes: which stand for nothing of interest, and files of names that are odd, huge or hostile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelens.runtime.errors import EdgelensError, UsageError
from edgelens.runtime.labels import (
    BACKGROUND_NAMES,
    background_labels,
    fit_labels,
    labels_from_metadata,
    parse_names,
    read_labels,
)
from edgelens.runtime.model.open import open_model


@pytest.mark.parametrize("name", sorted(BACKGROUND_NAMES))
def test_every_name_of_the_list_is_background_however_it_is_written(name: str) -> None:
    written = (name, name.upper(), f" {name} ", f"__{name}__", name.replace(" ", "_"), name.replace(" ", "-"))
    assert background_labels(("cat", *written)) == written


def test_what_only_begins_so_is_none() -> None:
    assert background_labels(("nothing special", "motherboard", "empty bottle", "", "???!", "no")) == ()


def test_a_bare_model_announces_nothing_of_the_kind_either(tmp_path: Path, color_onnx: Callable[..., bytes]) -> None:
    (tmp_path / "names.txt").write_text("cup\nNothing here\npen\n")
    model = tmp_path / "cups.onnx"
    model.write_bytes(color_onnx())
    assert open_model(str(model), labels=str(tmp_path / "names.txt")).manifest.main.decode.background == (
        "Nothing here",
    )


def test_a_label_map_is_read_once_from_front_to_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgelens.runtime import labels

    seen: list[int] = []
    pattern = labels._PBTXT_ITEM

    class Watched:
        """The pattern, and how many characters each search had before it."""

        def search(self, text: str, at: int) -> re.Match[str] | None:
            seen.append(len(text) - at)
            return pattern.search(text, at)

    monkeypatch.setattr(labels, "_PBTXT_ITEM", Watched())
    (tmp_path / "map.pbtxt").write_text("item {" * 60_000)
    assert read_labels(str(tmp_path / "map.pbtxt")) == ("item {" * 60_000,)  # one line, as of any other list
    assert len(seen) == 1
    (tmp_path / "map.pbtxt").write_text("item { id: 1 name: 'a' }" * 3 + "item {" * 60_000)
    assert read_labels(str(tmp_path / "map.pbtxt")) == ("a",)


@pytest.mark.parametrize(
    "text",
    ["{[]: 1}", "[" * 9000, "{" + "9" * 5000 + ": 'a'}", "[0x" + "f" * 9000 + "]", '{"' + "1" * 5000 + '": "a"}'],
)
def test_what_is_no_list_of_names_is_none(text: str) -> None:
    assert parse_names(text) == ()
    assert labels_from_metadata({"names": text}) == ()


def test_numbers_that_are_too_long_are_names(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("9" * 5000 + " cat\n")
    assert read_labels(str(tmp_path / "l.txt")) == ("9" * 5000 + " cat",)


def test_what_never_ends_is_no_list_of_names() -> None:
    with pytest.raises(UsageError, match="larger than 16 MB"):
        read_labels("/dev/zero")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cat\ndog\n", ("cat", "dog")),
        ("\ufeffcat\r\ndog\r\n", ("cat", "dog")),
        ("0 cat\n1 dog big\n", ("cat", "dog big")),
        ("0: cat\n2: dog\n", ("cat", "", "dog")),
        ("0  person\n1  bicycle\n3  car\n", ("person", "bicycle", "", "car")),
        ("7 segment display\ncat\n", ("7 segment display", "cat")),
        ('["cat", "dog"]', ("cat", "dog")),
        ('{"0": "cat", "1": "dog"}', ("cat", "dog")),
        ('{"names": {"0": "cat", "1": "dog"}}', ("cat", "dog")),
        ('{"dog": 1, "cat": 0}', ("cat", "dog")),  # Keras' class_indices, torchvision's class_to_idx
        ('{"0": 0, "10": 1, "2": 2}', ("0", "10", "2")),
        ("path: .\nnc: 2\nnames: [cat, 'dog']\n", ("cat", "dog")),
        ("train: images\nnames:\n  0: cat\n  1: dog  # big\n", ("cat", "dog")),
        ("names:\n- cat\n- dog\nnc: 2\n", ("cat", "dog")),
        ("item {\n id: 1\n name: 'n1'\n display_name: \"cat\"\n}\nitem { id: 3 name: 'dog' }", ("cat", "", "dog")),
        ("a\n\nb\n", ("a", "", "b")),
        ("\u3000\na\n \nb\nc\nd\ne\nf\ng\nh\n \n", ("\u3000", "a", " ", "b", "c", "d", "e", "f", "g", "h", " ")),
        ("dog \n cat\n \n", ("dog", "cat")),
    ],
)
def test_label_files_of_every_form(tmp_path: Path, text: str, names: tuple[str, ...]) -> None:
    (tmp_path / "l.txt").write_bytes(text.encode())
    assert read_labels(str(tmp_path / "l.txt")) == names


def test_label_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x80")
    for name, match in (("empty.txt", "no names"), ("binary.txt", "no UTF-8"), ("gone.txt", "could not be read")):
        with pytest.raises(UsageError, match=match):
            read_labels(str(tmp_path / name))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"categories": [{"id": 1, "name": "cat"}]}', "is JSON, but no list of names"),
        ('[{"id": 1, "name": "cat"}]', "is JSON, but no list of names"),
        ('{"cat": 0, "dog": 0}', "is JSON, but no list of names"),
        ("names: {1: cat, 2: dog}", "class numbers must run from 0"),
    ],
)
def test_what_holds_other_things_than_names_is_not_taken_for_names(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "l.txt").write_text(text)
    with pytest.raises(EdgelensError, match=match):
        read_labels(str(tmp_path / "l.txt"))


def test_background_rows_are_put_right() -> None:
    assert fit_labels(["background", "a", "b"], 2, "l")[0] == ("a", "b")
    assert fit_labels(["a", "b"], 3, "l")[0] == ("background", "a", "b")
    assert fit_labels(["a", "b"], 2, "l") == (("a", "b"), ())
    with pytest.raises(UsageError, match="l: 2 names for a model of 3 classes"):  # as of detectors without such a row
        fit_labels(["a", "b"], 3, "l", background=False)
    assert parse_names("__import__('os').system('true')") == ()
    assert parse_names("[" * 100_000) == ()
