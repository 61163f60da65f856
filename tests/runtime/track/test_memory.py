"""Steps of `every: track`: a thing that is followed is looked into once, and again when it has changed."""

import dataclasses

import numpy as np
import pytest

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.track.follower import TrackFollower
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


def test_what_grew_or_is_called_otherwise_is_looked_into_again():
    memory = TrackMemory()
    inside = Recognitions(("logo",), [0], [0.8], boxes=[[12, 14, 4, 6]])
    memory.keep("reads", things(1), 0, inside)
    moved = memory.recall("reads", things(1, box=(110, 10, 24, 24)))[0]
    assert moved.boxes.tolist() == pytest.approx(np.array([[112.4, 14.8, 4.8, 7.2]]))
    assert not memory.recall("reads", things(1, box=(10, 10, 40, 40)))
    assert not memory.recall("reads", things(1, label=1))
    assert not memory.recall("reads", things(2))
    assert not memory.recall("other", things(1))


def test_what_was_not_known_is_looked_into_again():
    memory = TrackMemory()
    memory.keep("who", things(1), 0, Recognitions(("ann",), [-1], [0.2]))
    assert not memory.recall("who", things(1))


def test_how_often_is_one_of_two():
    with pytest.raises(UsageError, match="--every never: must be frame or track"):
        ChainOptions(every="never")
