"""Steps of `every: track`: a thing that is followed is looked into once, and again when it has changed."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Decode, Manifest, ModelFile, Network, Output, Step
from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import PixelContract, TensorContract
from edgelens.runtime.recognitions import AGREED, CORNERS, LOOKS, Recognitions
from edgelens.runtime.track.follower import TrackFollower
from edgelens.runtime.track.look import Look
from edgelens.runtime.track.memory import MOST, TrackMemory
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

    def limit(self, _others):
        return 0.6


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


def test_of_a_crowd_nobody_is_forgotten_while_in_sight():
    memory, count = TrackMemory(TrackOptions()), MOST + 88
    boxes, numbers = [[i, 0, 20, 20] for i in range(count)], np.arange(1, count + 1, dtype=np.int32)
    crowd = Recognitions(("cup",), [0] * count, [0.9] * count, boxes=boxes, track_ids=numbers)
    for row in range(count):
        memory.keep("reads", crowd, row, look(memory, LOGO), voter=VOTER)
    memory.begin(0.1)
    assert len(memory.recall("reads", crowd, VOTER)) == count
    memory.begin(0.15)
    told(memory, LOGO, things(count + 1))
    assert len(memory.recall("reads", crowd, VOTER)) == MOST - 1, "who is gone makes room"


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


def red_at(place: int, color: int = 2) -> np.ndarray:
    """A dark frame with a patch of a colour, at the left (0) or the right (1); nothing at -1."""
    image = np.zeros((40, 60, 3), np.uint8)
    if place >= 0:
        image[4:36, 36 * place + 3 : 36 * place + 21, color] = 200
    return image


@pytest.fixture
def who_is_it(tmp_path, onnx_graph, color_onnx):
    """A detector of what is bright at the left or at the right, and a network whose embedding is its colour."""
    helper = pytest.importorskip("onnx", reason="the onnx package builds the models of this test").helper
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=1),
        helper.make_node("Split", ["float", "widths"], ["left", "right"], axis=2),
        helper.make_node("ReduceMax", ["left"], ["bright_left"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("ReduceMax", ["right"], ["bright_right"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Concat", ["bright_left", "bright_right"], ["bright"], axis=0),
        helper.make_node("Mul", ["bright", "share"], ["sure"]),
        helper.make_node("Unsqueeze", ["sure", "first"], ["scores"]),
        helper.make_node("Identity", ["places"], ["boxes"]),
        helper.make_node("Identity", ["kinds"], ["classes"]),
    ]
    finds = onnx_graph(
        nodes,
        {"image": ("uint8", [1, 16, 16, 3])},
        {"boxes": ("float32", [1, 2, 4]), "classes": ("float32", [1, 2]), "scores": ("float32", [1, 2])},
        {
            "widths": np.array([8, 8], np.int64),
            "share": np.array(1 / 255, np.float32),
            "first": np.array([0], np.int64),
            "places": np.array([[[0.1, 0.05, 0.9, 0.35], [0.1, 0.65, 0.9, 0.95]]], np.float32),
            "kinds": np.zeros((1, 2), np.float32),
        },
    )
    square = PixelContract(16, 16, resize="stretch")
    files = [ModelFile(f"models/{name}.onnx", "onnxruntime", "float32", TensorContract("image")) for name in "ab"]
    files[1] = replace(files[1], outputs=("logits",))
    outputs = tuple(Output(name) for name in ("boxes", "classes", "scores"))
    networks = {
        "finds": Network("detect", ("thing",), square, outputs, Decode("ssd", threshold=0.5), (files[0],)),
        "knows": Network("identify", (), square, (Output("embedding", (3,)),), Decode("identify"), (files[1],)),
    }
    steps = (Step("frame", "finds", output="found"), Step("frame", "knows", "found", output="who", every="track"))
    entries = {"models/a.onnx": finds, "models/b.onnx": color_onnx()}
    return write_bundle(tmp_path / "who.edge", Manifest("who", networks, steps=steps), entries)


def numbers_of(bundle: Bundle, frames: list[np.ndarray]) -> list[list[int]]:
    follower = TrackFollower(TrackOptions(track_keep=1.0))
    with BundleRecognizer(bundle, engine="onnxruntime") as recognizer:
        shown = (Frame(image, i, position_s=i / 5) for i, image in enumerate(frames))
        rows = [recognizer.recognize(frame, follower=follower).recognitions for frame in shown]
    return [seen.track_ids[seen.parents < 0].tolist() for seen in rows]


def test_a_lost_thing_is_known_again_by_its_look(who_is_it):
    """It is gone for longer than --track-keep and comes back elsewhere; what looks otherwise is another."""
    gone = [red_at(-1)] * 8
    given = numbers_of(who_is_it, [*[red_at(0)] * 4, *gone, *[red_at(1)] * 4, *gone, *[red_at(0, color=1)] * 3])
    assert given[:4] == [[-1], [1], [1], [1]]
    assert given[12:16] == [[-1], [1], [1], [1]]
    assert given[24:] == [[-1], [3], [3]], "a number that was not needed is not used again"
    soon = numbers_of(who_is_it, [*[red_at(0)] * 4, *gone[:2], *[red_at(1)] * 8, *gone[:2], *[red_at(1)] * 2])
    assert [frame for frame in soon if frame][-9:] == [[1]] * 9, "while it is still waited for where it was"
    late = numbers_of(who_is_it, [*[red_at(0)] * 4, *[red_at(-1)] * 30, *[red_at(1)] * 3])
    assert late[34:] == [[-1], [2], [2]], "not after five times as long"


def test_what_is_seen_beside_it_is_no_lost_thing(who_is_it):
    both = np.maximum(red_at(0), red_at(1))
    assert numbers_of(who_is_it, [*[red_at(0)] * 4, *[both] * 3])[-1] == [1, 2]


def test_what_left_the_picture_does_not_come_back_as_itself():
    memory = TrackMemory()
    alike = Recognitions(("",), [-1], [0.0], embeddings=np.array([[1, 0]], np.float32))

    def seen_first(number: int, now: float) -> dict[int, int]:
        memory.begin(now)
        memory.recall("reads", things(number), VOTER)
        told(memory, alike, things(number))
        return memory.back

    assert [seen_first(1, 0.0), seen_first(2, 1.0)] == [{}, {2: 1}]
    memory.forget({1})
    assert seen_first(3, 2.0) == {}
