"""Data says for which task it is made, as far as it shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.runtime.tasks.catalog import task_for


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    for name in ("cup", "spoon"):
        picture(tmp_path / "classes" / name / "a.png")
    return tmp_path / "classes"


def test_boxes_are_a_detectors(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    written(tmp_path / "labels" / "a.txt", "0 .5 .5 .2 .2\n")
    written(tmp_path / "data.yaml", "names: [cup]\n")
    assert task_for(tmp_path) == "detect"


def test_a_table_of_texts_is_a_readers_whether_named_or_in_its_folder(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    table = written(tmp_path / "labels.csv", "file,text\nimages/a.png,AB12\n")
    assert task_for(tmp_path) == task_for(table) == "read"


def test_class_folders_and_tables_of_labels_are_a_classifiers(classes: Path, tmp_path: Path) -> None:
    table = written(classes / "labels.csv", "file,label,text\ncup/a.png,cup,a red one\n")
    assert task_for(classes) == task_for(table) == "classify"
    assert task_for(written(tmp_path / "plain.csv", "classes/cup/a.png,cup\n")) == "classify"
    assert task_for(tmp_path / "mnist") == "classify"  # a named set is no path


def test_a_format_that_is_named_says_it(classes: Path) -> None:
    assert task_for(classes, "yolo") == "detect"
    assert task_for(classes, "folders") == "classify"
