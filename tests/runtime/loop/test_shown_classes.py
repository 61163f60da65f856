"""Only some classes: of a detector's rows, a pipeline's and a classifier's."""

from __future__ import annotations

import numpy as np
import staged_scenes as scenes

from edgelens.runtime.loop.shown_classes import only_classes
from edgelens.runtime.recognitions import Recognitions


def test_all_unless_said() -> None:
    seen = scenes.crowd(1, 300, 200)
    assert only_classes(seen, None) is seen


def test_a_detector_s_things() -> None:
    seen = only_classes(scenes.crowd(1, 300, 200), {"bottle"})
    assert [seen.label(row) for row in range(len(seen))] == ["bottle"]
    assert len(only_classes(scenes.crowd(1, 300, 200), {"cat"})) == 0


def test_a_thing_is_there_with_all_that_was_found_inside_it() -> None:
    for classes in ({"person"}, {"cup"}):
        seen = only_classes(scenes.pipeline(1, 300, 200), classes)
        assert [seen.label(row) for row in range(len(seen))] == ["person", "cup"]
        assert seen.parents is not None
        assert seen.parents.tolist() == [-1, 0]


def test_a_picture_that_is_none_of_them_is_unknown() -> None:
    seen = only_classes(scenes.digits(7, 0, 0), {"0", "1"})
    assert seen.label() == "unknown"
    assert {label for label, _ in seen.rivals_of()} <= {"0", "1"}
    seven = only_classes(scenes.digits(7, 0, 0), {"7", "0"})
    assert seven.label() == "7"
    assert [label for label, _ in seven.rivals_of()] == ["0"]


def test_classes_without_names_are_numbers() -> None:
    seen = Recognitions((), [39, 0], [0.9, 0.8], boxes=[[0, 0, 9, 9], [5, 5, 9, 9]], task="detect")
    assert only_classes(seen, {"39"}).ids.tolist() == [39]


def test_nothing_stays_nothing() -> None:
    assert len(only_classes(Recognitions(("a",), np.empty(0), np.empty(0)), {"a"})) == 0
