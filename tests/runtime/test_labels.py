"""Names that stand for nothing of interest: one list, which training, compressing and running share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgelens.runtime.labels import BACKGROUND_NAMES, background_labels
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
