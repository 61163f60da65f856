"""Names that stand for nothing of interest: one list, which training, compressing and running share."""

from __future__ import annotations

import pytest

from edgelens.runtime.labels import BACKGROUND_NAMES, background_labels


@pytest.mark.parametrize("name", sorted(BACKGROUND_NAMES))
def test_every_name_of_the_list_is_background_however_it_is_written(name: str) -> None:
    written = (name, name.upper(), f" {name} ", f"_{name}_")
    assert background_labels(("cat", *written)) == written


def test_what_only_begins_so_is_none() -> None:
    assert background_labels(("nothing special", "motherboard", "empty bottle", "")) == ()
