"""Rows as programs use them: by index, by name, as boxes, as JSON, drawn, and short when they are printed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import staged_scenes as scenes

from edgelens.runtime.api import Recognizer
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.joined import joined
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.tasks.seen import Seen

BOXES = np.array([[10, 20, 30, 40], [1, 2, 3, 4]], np.float32)
SEEN = Recognitions(("cat", "dog"), [1, 0], [0.9, 0.5], boxes=BOXES, track_ids=np.array([7, -1]), task="detect")


def test_a_row_is_a_pair_that_knows_the_rest() -> None:
    dog, cat = SEEN
    assert dog == ("dog", pytest.approx(0.9))
    label, score = SEEN[0]
    assert (label, score) == (dog.label, dog.score) == ("dog", pytest.approx(0.9))
    assert (cat.id, cat.box, cat.xyxy) == (0, (1, 2, 3, 4), (1, 2, 4, 6))
    assert dog.columns["track_ids"] == 7
    assert SEEN[-1] == cat
    with pytest.raises(IndexError):
        _ = SEEN[2]


@pytest.mark.parametrize("rows", [slice(1, None), [1], np.array([False, True]), np.array([1])])
def test_several_rows_are_recognitions(rows: slice | list[int] | np.ndarray) -> None:
    part = SEEN[rows]
    assert isinstance(part, Recognitions)
    assert (part.names, part.xyxy.tolist()) == (("cat",), [[1, 2, 4, 6]])


def test_rows_counted_from_the_end_bring_no_parents_that_they_do_not_have() -> None:
    seen = replace(SEEN, parents=np.array([-1, 0], np.int32))
    assert [row.parent for row in seen[[-2, -1]]] == [row.parent for row in seen] == [None, 0]
    assert seen[[-1]][0].parent is None and seen[[-2]][0].parent is None
    assert len(seen[[]]) == 0
    for none in ([2], [-3], np.array([True, False, True])):
        with pytest.raises(IndexError):
            seen[none]


def test_keypoints_of_two_networks_are_each_rows_own() -> None:
    """Of a person 17 and of a face 5: side by side in one column, but no face has seventeen."""
    boxes = [[5, 5, 380, 380]]
    face_points = [[50, 50, 1], [350, 50, 1], [200, 200, 1], [50, 350, 1], [350, 350, 1]]
    points = np.array([face_points], np.float32)
    face = Recognitions(("face",), [0], [0.8], boxes=boxes, keypoints=points, task="detect")
    person = Recognitions(("person",), [0], [0.9], boxes=boxes, keypoints=np.full((1, 17, 3), 9, np.float32))
    both = joined([face, person], ("face", "person"), "detect")
    told = [row["keypoints"] for row in both.to_dict()["results"]]
    assert told[0] == face_points and len(told[1]) == 17
    image = np.zeros((400, 400, 3), np.uint8)
    assert (Seen.of(both[[0]]).draw(image) == Seen.of(face).draw(image)).all(), "a face has no limbs"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))])
def test_a_row_is_copied_and_carried_to_other_processes_with_what_it_knows(again: Callable[[Any], Any]) -> None:
    assert again(SEEN[0]).to_dict() == SEEN[0].to_dict()
    assert [row.box for row in again(list(Seen.of(SEEN)))] == [row.box for row in SEEN]


def test_corners_of_rows_without_a_place_are_no_numbers() -> None:
    digit = scenes.digits(3, 0, 0)
    assert digit.xyxy.shape == (1, 4)
    assert np.isnan(digit.xyxy).all()
    assert (digit[0].box, digit[0].xyxy) == (None, None)
    assert SEEN.xyxy.tolist() == [[10, 20, 40, 60], [1, 2, 4, 6]]
    assert SEEN.boxes is BOXES or (SEEN.boxes == BOXES).all()  # the corners are a copy


def test_names_are_who_it_is_where_that_is_known() -> None:
    assert scenes.named(0, 320, 240).names[0] == "Anna"
    assert scenes.named(0, 320, 240)[0].name == "Anna"
    assert SEEN.names == ("dog", "cat")


def test_rows_as_json_are_those_of_results() -> None:
    for seen in (SEEN, scenes.digits(3, 0, 0), scenes.pipeline(0, 320, 240), scenes.named(0, 320, 240)):
        told = json.loads(json.dumps(seen.to_dict(), allow_nan=False))
        result = Result(Frame(np.zeros((9, 9, 3), np.uint8)), seen).to_json()
        assert told == {"task": seen.task, "results": json.loads(json.dumps(result["results"]))}
        assert seen[0].to_dict() == result["results"][0]


def test_what_is_endlessly_far_away_is_a_number_in_json() -> None:
    points = np.array([[[np.inf, -np.inf, 0.5], [1, np.nan, 0.5]]], np.float32)
    seen = Recognitions(("dog",), np.array([0]), np.array([0.9]), boxes=np.ones((1, 4), np.float32), keypoints=points)
    (row,) = json.loads(json.dumps(seen.to_dict(), allow_nan=False))["results"]
    far = float(np.finfo(np.float32).max)
    assert row["keypoints"] == [[far, -far, 0.5], [1, 0, 0.5]]


def test_drawing_leaves_the_picture_as_it_was() -> None:
    image = np.full((400, 500, 3), 90, np.uint8)
    drawn = Seen.of(SEEN).draw(image)
    assert drawn.shape == image.shape
    assert (image == 90).all()
    assert (drawn[20:61, 10] != 90).any()  # the left side of the first box


def test_what_a_program_gets_stays_drawable_when_rows_are_picked() -> None:
    picked = Seen.of(SEEN)[SEEN.scores > 0.8]
    assert isinstance(picked, Seen)
    assert (picked.names, picked.task) == (("dog",), "detect")
    with Recognizer("digits") as recognizer:
        image = np.full((64, 64, 3), 90, np.uint8)
        for seen in (recognizer(image), *recognizer([image, image])):
            assert seen.draw(image).shape[2] == 3
        result = next(iter(recognizer.stream("demo", duration_s=5)))
        assert isinstance(result.seen, Seen)


def test_what_is_printed_is_short() -> None:
    labels = tuple(f"class {i}" for i in range(1000))
    many = Recognitions(labels, np.arange(20), np.full(20, 0.5), task="detect")
    assert (
        repr(many) == "<Recognitions: class 0 0.50, class 1 0.50, class 2 0.50, class 3 0.50, class 4 0.50, … 15 more>"
    )
    assert repr(Recognitions.nothing(labels)) == "<Recognitions: nothing>"
    assert repr(SEEN[0]) == "<dog 0.90 at 10, 20, 30, 40>"
    frame = Frame(np.zeros((900, 800, 3), np.uint8), 4, source="door")
    assert repr(frame) == "<Frame 800x900, number 4 of door>"
    assert len(repr(Result(frame, many))) < 400
