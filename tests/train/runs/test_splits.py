"""Which picture is in which split is found again, of data in which one is listed twice as well."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import DataError
from edgelens.train import Run, TrainConfig


def test_a_picture_that_is_listed_twice_is_not_missing(tmp_path: Path) -> None:
    for n in range(4):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((8, 8, 3), 40 * n, np.uint8))
    table = tmp_path / "labels.csv"
    rows = ["0.png,a", "1.png,b", "2.png,a", "3.png,b", "1.png,b"]
    table.write_text("\n".join(["file,label", *rows]) + "\n")
    run = Run(tmp_path / "run", TrainConfig(str(table), ""), None)  # type: ignore[arg-type]
    run.path.mkdir()
    names = [row.partition(",")[0] for row in rows]
    run.write_splits(names, np.array(["train", "train", "val", "val", "train"]), names)
    parts = run.split_all(("train", "val"))
    assert [list(parts[name].names) for name in ("train", "val")] == [["0.png", "1.png", "1.png"], ["2.png", "3.png"]]
    table.write_text("\n".join(["file,label", *rows[1:]]) + "\n")
    with pytest.raises(DataError, match="1 images of the run's train split are no longer there"):
        run.split_all(("train",))
