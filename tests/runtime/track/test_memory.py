"""Steps of `every: track`: a thing that is followed is looked into once, and again when it has changed."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.recognitions import AGREED, CORNERS, LOOKS, Recognitions
from edgelens.runtime.track.follower import TrackFollower
from edgelens.runtime.track.look import Look
from edgelens.runtime.track.memory import TrackMemory
from edgelens.runtime.track.options import TrackOptions


def colored(color: int) -> np.ndarray:
    image = np.zeros((40, 60, 3), np.uint8)
    image[..., color] = 200
    return image


def answers(bundle, colors, *, follow=True) -> list[list[str]]:
    """What is said of both halves of every frame."""
    follower = TrackFollower(TrackOptions()) if follow else None
    with BundleRecognizer(bundle, engine="onnxruntime") as recognizer:
        shown = (Frame(colored(color), i, position_s=i / 30) for i, color in enumerate(colors))
        rows = [recognizer.recognize(frame, follower=follower).recognitions for frame in shown]
    assert all(seen.parents.tolist() == [-1, -1, 0, 1] for seen in rows)
    return [[seen.label(2), seen.label(3)] for seen in rows]


@pytest.fixture
def pipeline(halves_bundle, color_bundle, tmp_path):
    return chain(halves_bundle, color_bundle, tmp_path / "both.edge", ChainOptions(every="track"))


def test_a_thing_is_looked_into_once_it_has_a_number_and_then_no_more(pipeline):
    assert Bundle.open(pipeline.path).manifest.steps[1].every == "track"
    blue, green, red = 0, 1, 2
    said = answers(pipeline, [blue, green, red, blue])
    assert said == [["blue"] * 2, ["green"] * 2, ["green"] * 2, ["green"] * 2]  # numbered from its second frame on


def test_without_numbers_and_of_every_frame_each_frame_is_looked_into(pipeline):
    changing = [["blue"] * 2, ["green"] * 2, ["red"] * 2]
    assert answers(pipeline, [0, 1, 2], follow=False) == changing
    manifest = pipeline.manifest
    steps = tuple(dataclasses.replace(step, every="frame") for step in manifest.steps)
    always = dataclasses.replace(pipeline, manifest=dataclasses.replace(manifest, steps=steps))
    assert answers(always, [0, 1, 2]) == changing


def things(number: int, label: int = 0, box: tuple = (10, 10, 20, 20)) -> Recognitions:
    return Recognitions(("cup", "fork"), [label], [0.9], boxes=[box], track_ids=np.array([number], np.int32))


class NewestSays:
    """A voter whose newest look decides, for a network and an edition of its gallery; so many looks agree at most."""

    def __init__(self, edition: object = None, *, agree: int = 99) -> None:
        self.network, self.edition, self.agree = NETWORK, edition, agree

    def vote(self, looks):
        rows = len(looks[-1].seen)
        counts = {LOOKS: np.full(rows, len(looks)), AGREED: np.full(rows, min(len(looks), self.agree))}
        return replace(looks[-1].seen, extra={**looks[-1].seen.extra, **counts})


NETWORK = object()
VOTER = NewestSays()


def look(memory: TrackMemory, seen: Recognitions, box: tuple = (10, 10, 20, 20), *, clearness: float = 1.0) -> Look:
    return Look(seen, None, np.array(box, np.float32), memory.now, clearness)


def told(memory: TrackMemory, seen: Recognitions, thing: Recognitions | None = None, **of_look) -> Recognitions:
    thing = things(1) if thing is None else thing
    return memory.keep("reads", thing, 0, look(memory, seen, tuple(thing.places[0]), **of_look), voter=VOTER)


LOGO = Recognitions(("logo",), [0], [0.8], boxes=[[12, 14, 4, 6]])
NOBODY = Recognitions(("ann",), [-1], [0.2])


def needs_no_look(memory: TrackMemory, thing: Recognitions | None = None, voter=VOTER) -> bool:
    return bool(memory.recall("reads", things(1) if thing is None else thing, voter))


def test_what_is_known_moves_along_with_its_thing():
    memory = TrackMemory(TrackOptions(track_looks=1))
    told(memory, LOGO)
    moved = memory.recall("reads", things(1, box=(110, 10, 22, 22)), VOTER)[0]
    assert moved.boxes.tolist() == pytest.approx(np.array([[112.2, 14.4, 4.4, 6.6]]))
    assert not needs_no_look(memory, things(1, label=1)) and not needs_no_look(memory, things(2))
    assert not memory.recall("other", things(1), VOTER)


def test_corners_and_keypoints_move_along_too():
    memory = TrackMemory(TrackOptions(track_looks=1))
    quad = np.array([[[12, 14], [16, 14], [16, 20], [12, 20]]], np.float32)
    points = np.concatenate([quad, np.ones((1, 4, 1), np.float32)], axis=2)
    told(memory, replace(LOGO, keypoints=points, extra={CORNERS: quad}))
    moved = memory.recall("reads", things(1, box=(110, 10, 22, 22)), VOTER)[0]
    wanted = [[[112.2, 14.4], [116.6, 14.4], [116.6, 21.0], [112.2, 21.0]]]
    assert moved.extra[CORNERS] == pytest.approx(np.array(wanted))
    assert moved.keypoints[..., :2] == pytest.approx(np.array(wanted)) and (moved.keypoints[..., 2] == 1).all()


def test_looks_are_spread_in_time_and_end_when_there_are_enough():
    memory = TrackMemory(TrackOptions(track_looks=3, track_look_every=0.2))
    counts = []
    for i in range(40):
        memory.now = i / 20
        if not needs_no_look(memory):
            counts.append((i, told(memory, LOGO).extra[LOOKS].tolist()))
    assert counts == [(0, [1]), (4, [2]), (8, [3])]


def test_where_looks_do_not_agree_more_are_taken_but_not_for_ever():
    memory, quarrel = TrackMemory(TrackOptions(track_looks=3, track_look_every=0.1)), NewestSays(agree=1)
    taken = []
    for i in range(60):
        memory.now = i / 10 + 0.01
        if not needs_no_look(memory, voter=quarrel):
            memory.keep("reads", things(1), 0, look(memory, LOGO), voter=quarrel)
            taken.append(i)
    assert len(taken) == 9 and taken[-1] < 20
    assert len(memory._things["reads", 1].looks) == 3, "the clearest vote"


def test_what_comes_nearer_is_looked_at_again_and_the_clear_looks_stay():
    memory = TrackMemory(TrackOptions(track_looks=2))
    for i, clearness in enumerate((3.0, 1.0)):
        memory.now = i / 2
        told(memory, LOGO, clearness=clearness)
    memory.now = 2.0
    assert needs_no_look(memory, things(1, box=(10, 10, 22, 22)))
    near = things(1, box=(10, 10, 40, 40))
    assert not needs_no_look(memory, near)
    told(memory, LOGO, near, clearness=9.0)
    assert [kept.clearness for kept in memory._things["reads", 1].looks] == [3.0, 9.0]
    memory.now = 2.5
    assert needs_no_look(memory, near)


def test_what_is_unknown_is_looked_at_again_now_and_then():
    memory = TrackMemory(TrackOptions(track_looks=1))
    told(memory, NOBODY)
    memory.now = 0.5
    assert needs_no_look(memory)
    memory.now = 1.0
    assert not needs_no_look(memory)


def test_a_thing_without_a_number_is_looked_at_every_time_and_votes_for_nothing():
    memory = TrackMemory()
    assert told(memory, LOGO, things(-1)).extra[LOOKS].tolist() == [0]
    assert not needs_no_look(memory, things(-1))


def test_what_was_taught_meanwhile_counts_without_a_new_look():
    memory = TrackMemory(TrackOptions(track_looks=1))
    told(memory, NOBODY)
    votes = []
    taught = NewestSays("another edition")
    taught.vote = lambda looks: votes.append(len(looks)) or LOGO
    memory.now = 0.1
    assert memory.recall("reads", things(1), taught)[0].label() == "logo"
    assert memory.recall("reads", things(1), taught) and votes == [1], "once an edition"


def test_another_network_or_a_clock_that_goes_back_begins_anew():
    memory, other = TrackMemory(TrackOptions(track_looks=1)), NewestSays()
    memory.now = 5.0
    told(memory, LOGO)
    other.network = object()
    assert needs_no_look(memory) and not needs_no_look(memory, voter=other)
    memory.now = 4.0
    assert not needs_no_look(memory)


def test_what_most_looks_say_stands_and_says_how_many_they_were(pipeline):
    """A followed half is green at first, in a bad light, then red three times: five looks in a second."""
    blue, green, red = 0, 1, 2
    follower = TrackFollower(TrackOptions())
    colors = [blue, green, *[red] * 4, green, green]
    with BundleRecognizer(pipeline, engine="onnxruntime") as recognizer:
        shown = [Frame(colored(color), i, position_s=i / 4) for i, color in enumerate(colors)]
        rows = [recognizer.recognize(frame, follower=follower).recognitions for frame in shown]
    assert [seen.label(2) for seen in rows[-3:]] == ["red"] * 3
    assert [seen.extra[LOOKS][2:].tolist() for seen in rows[:3]] == [[0, 0], [1, 1], [2, 2]]
    last = rows[-1].to_dict()["results"][2]
    assert (last["looks"], last["agreed"]) == (5, 4)
    assert "looks" not in rows[-1].to_dict()["results"][0]


def test_how_often_is_one_of_two():
    with pytest.raises(UsageError, match="--every never: must be frame or track"):
        ChainOptions(every="never")
