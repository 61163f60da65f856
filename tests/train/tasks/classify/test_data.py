"""What a classifier cannot learn from is refused in one line that says what to do."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import DataError
from edgelens.train import TrainConfig, fit


def photos(folder: Path, *classes: str) -> None:
    """Three small photos a class."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(3):
            cv2.imwrite(str(folder / name / f"{i}.png"), np.full((20, 20, 3), 40 * i, np.uint8))


@pytest.mark.parametrize("kind", ["one class", "beside a table"])
def test_one_class_alone_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "data"
    if kind == "one class":
        photos(folder, "cat")
        message = r"one class \(cat\); the task classify needs.*: add a"
    else:
        photos(folder, "images")
        (folder / "labels.csv").write_text("")
        message = r"if labels.csv says what they show, give .*/labels.csv$"
    with pytest.raises(DataError, match=message) as error:
        fit(TrainConfig(str(folder), str(tmp_path / "run")), quiet=True)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()
