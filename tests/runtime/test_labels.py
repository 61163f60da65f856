"""Names of classes: which stand for nothing of interest, and files of names that are odd, huge or hostile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.labels import BACKGROUND_NAMES, background_labels, labels_from_metadata, parse_names, read_labels
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
