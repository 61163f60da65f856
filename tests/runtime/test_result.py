"""A result as JSON: one row a thing, each with what is known of it and nothing else."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import staged_scenes as scenes

from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Origin, Result

IMAGE = np.zeros((480, 640, 3), np.uint8)


def rows(seen: Recognitions) -> list[dict[str, Any]]:
    """As any program reads them: NaN is no JSON."""
    said = json.dumps(Result(Frame(IMAGE), seen).to_json(), allow_nan=False)
    found: list[dict[str, Any]] = json.loads(said)["results"]
    return found


def test_who_says_it_and_where_in_a_clip() -> None:
    frame = Frame(IMAGE, 7, source="door", position_s=1.23456)
    told = Result(frame, scenes.digits(3, 0, 0), events=({"kind": "entry"},), origin=Origin("bench", "x", 4)).to_json()
    assert (told["schema"], told["device"], told["bundle"]) == (2, "bench", {"name": "x", "version": 4})
    assert (told["position_s"], told["events"], "path" in told) == (1.235, [{"kind": "entry"}], False)


def test_a_classifier_is_one_row_with_rivals() -> None:
    (row,) = rows(scenes.digits(3, 0, 0))
    assert (row["label"], row["score"], len(row["rivals"])) == ("3", 0.86, 4)
    assert row["rivals"][0] == {"label": "6", "score": 0.06}
    (row,) = rows(scenes.unknown(3, 0, 0))
    assert (row["label"], row["id"], row["rivals"][0]["label"]) == ("unknown", -1, "3")


def test_a_row_says_nothing_of_what_other_rows_know() -> None:
    person, bottle, cup = rows(scenes.pipeline(0, 320, 240))
    assert set(person) == set(bottle) == {"label", "id", "score", "box"}
    assert (cup["parent"], "box" in cup, cup["rivals"]) == (0, False, [{"label": "hat", "score": 0.11}])
    face, plate = rows(scenes.named(0, 320, 240))
    assert (face["name"], face["similarity"], "text" in face) == ("Anna", 0.81, False)
    assert (plate["text"], "name" in plate, "similarity" in plate) == ("B-XY 12", False, False)


def test_values_keypoints_and_a_tasks_own_columns() -> None:
    (row,) = rows(scenes.measures(7, 0, 0))
    assert (row["value"], row["label"]) == (7.2, "dots")
    (row,) = rows(scenes.bodies(0, 320, 240))
    assert row["keypoints"][0] == [320, 180, 0.9]
    nothing = [np.nan] * 3
    padded = np.array([[[1, 2, 0.5], nothing, [3, 4, 0.5], nothing], [nothing] * 4], np.float32)
    seen = Recognitions(("a",), [0, 0], [1, 1], keypoints=padded, track_ids=np.array([4, -1]), extra={"age": [31, 8]})
    assert rows(seen) == [
        {"label": "a", "id": 0, "score": 1, "keypoints": [[1, 2, 0.5], [0] * 3, [3, 4, 0.5]], "track": 4, "age": 31},
        {"label": "a", "id": 0, "score": 1, "age": 8},
    ]
