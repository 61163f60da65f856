"""The demo scene: reproducible, true to its bounds, and judged fairly."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from edgelens.runtime.frame import Frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sources.catalog import open_source
from edgelens.runtime.sources.demo import DemoJudge, DemoSource
from edgelens.runtime.sources.demo_scene import DemoScene
from edgelens.runtime.sources.protocol import SourceContext


def announce(scene: DemoScene, index: int, label: str | None) -> Result:
    frame = Frame(np.zeros((2, 2, 3), np.uint8), index, source="demo")
    return Result(frame, Recognitions.nothing(), announced=label)


def test_same_seed_same_pixels_in_any_order() -> None:
    first, second = DemoScene(5), DemoScene(5)
    indices = [0, 200, 37]
    pictures = {i: first.render(i) for i in indices}
    for i in reversed(indices):
        assert np.array_equal(second.render(i), pictures[i])
    assert not np.array_equal(DemoScene(6).render(37), pictures[37])


def test_the_digit_is_there_while_it_stays_and_gone_between() -> None:
    scene = DemoScene(1)
    for k in range(20):
        turn = scene.presentation(k)
        empty = scene.render(turn.start).astype(int)
        present = scene.render((turn.arrived + turn.leaving) // 2).astype(int)
        changed = np.abs(present - empty).max(axis=2) > 50
        assert changed.mean() > 0.001, f"presentation {k} shows no digit"
        columns, rows = changed.any(axis=0), changed.any(axis=1)
        centre_square = columns[80:560].sum() / max(columns.sum(), 1)
        assert centre_square > 0.97, f"presentation {k} leaves the centre square"
        height = np.flatnonzero(rows)[-1] - np.flatnonzero(rows)[0]
        assert 0.2 * 480 < height <= 480


def test_turns_follow_one_another() -> None:
    scene = DemoScene(2)
    turns = [scene.presentation(k) for k in range(50)]
    for before, after in itertools.pairwise(turns):
        assert before.start < before.entering < before.arrived < before.leaving < before.end == after.start
    assert {turn.digit for turn in turns} == set(range(10))
    assert [scene.turn_at(turn.start) for turn in turns] == list(range(50))
    assert [scene.turn_at(turn.end - 1) for turn in turns] == list(range(50))


def test_judge_counts_right_wrong_missed_and_extra() -> None:
    scene = DemoScene(3)
    judge = DemoJudge(scene)
    turns = [scene.presentation(k) for k in range(6)]
    digits = [str(turn.digit) for turn in turns]
    wrong = str((turns[1].digit + 1) % 10)
    judge.hear(announce(scene, turns[0].arrived + 3, digits[0]))
    judge.hear(announce(scene, turns[1].arrived + 3, wrong))
    judge.hear(announce(scene, turns[1].arrived + 9, digits[1]))  # corrected: still wrong, and one extra
    judge.hear(announce(scene, turns[3].end + 2, digits[3]))  # just after it left
    judge.hear(announce(scene, turns[5].entering - 1, "4"))  # out of nothing
    judge.hear(announce(scene, turns[5].start + 12, None))
    score = judge.score()
    assert (score.right, score.wrong, score.missed, score.extra, score.total) == (2, 1, 2, 2, 5)
    assert str(score) == "2 of 5 digits right"


def test_source_keeps_time_and_is_interrupted() -> None:
    with DemoSource(0, size=(120, 160), fps=100) as source:
        frames = [source.read() for _ in range(10)]
        assert all(frame is not None for frame in frames)
        kept = [frame for frame in frames if frame is not None]
        assert [frame.index for frame in kept] == sorted({frame.index for frame in kept})
        assert kept[-1].captured - kept[0].captured >= 0.08
        source.interrupt()
        assert source.read() is None


def test_two_demos_have_their_names_and_are_judged_apart() -> None:
    with open_source("demo", {"size": (160, 120)}, SourceContext("door")) as source:
        frame = source.read()
    assert frame is not None
    assert (source.name, frame.source) == ("door", "door")
    scene = DemoScene(0)
    judge = DemoJudge(scene, "demo")
    for k in range(3):
        turn = scene.presentation(k)
        judge.hear(announce(scene, turn.arrived, str(turn.digit)))
        judge.hear(replace(announce(scene, turn.arrived, "9"), frame=replace(frame, index=turn.arrived)))
    judge.hear(announce(scene, scene.presentation(3).arrived, None))
    assert (judge.score().right, judge.score().extra) == (3, 0)
