"""Several looks at one thing make one answer: texts by characters, names by mean similarity; nobody is an answer."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network
from edgelens.runtime.decode.ctc import CHARACTER_SCORES
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.space import Space
from edgelens.runtime.model.taught import Taught
from edgelens.runtime.model.voting import NetworkVoter
from edgelens.runtime.preprocess import PixelContract
from edgelens.runtime.recognitions import AGREED, LOOKS, Recognitions
from edgelens.runtime.tasks.task import Teachable
from edgelens.runtime.track.look import Look, is_whole

WIDTH = 16
BOX = np.array([0, 0, 40, 10], np.float32)


def voter(task: str, *, threshold: float = 0.3, taught: Taught | None = None) -> NetworkVoter:
    network = Network(task, ("text",), PixelContract(32, 96), (), Decode("ctc", threshold), ())
    return NetworkVoter(SimpleNamespace(network=network, taught=taught))


def read(text: str, sure: float = 0.9, *, clearness: float = 1.0, whole: bool = True) -> Look:
    if not text:
        return Look(Recognitions.nothing(("text",), "read"), None, BOX, 0.0, clearness, whole)
    scores = np.full((1, len(text)), sure, np.float32)
    score = float(sure ** len(text))
    row = Recognitions(
        ("text",), [0 if score >= 0.3 else -1], [score], texts=(text,), extra={CHARACTER_SCORES: scores}, task="read"
    )
    return Look(row, None, BOX, 0.0, clearness, whole)


def test_characters_are_voted_for_and_no_single_look_need_be_right():
    seen = voter("read", threshold=0.05).vote([read("AB1284"), read("A81234"), read("AB1235"), read("AB7234")])
    assert seen.texts == ("AB1234",) and int(seen.ids[0]) == 0
    assert seen.extra[LOOKS].tolist() == [4] and seen.extra[AGREED].tolist() == [0]


def test_a_clear_look_weighs_more_than_two_that_are_not():
    looks = [read("AB1238", clearness=1.0), read("AB1238", clearness=1.0), read("AB1234", clearness=5.0)]
    assert voter("read").vote(looks).texts == ("AB1234",)
    assert voter("read").vote([*looks[:2], read("AB1234")]).texts == ("AB1238",)


def test_what_the_pictures_edge_cuts_off_agrees_on_nothing_while_there_are_whole_looks():
    looks = [*[read("AB12", whole=False)] * 3, read("AB1234", clearness=9.0)]
    seen = voter("read").vote(looks)
    assert seen.texts == ("AB1234",) and seen.extra[AGREED].tolist() == [1]


def test_what_stays_at_the_pictures_edge_is_agreed_on_all_the_same():
    seen = voter("read").vote([read("AB1234", whole=False)] * 3)
    assert seen.texts == ("AB1234",) and seen.extra[AGREED].tolist() == [3]


@pytest.mark.parametrize(
    ("box", "whole"),
    [((20, 20, 40, 10), True), ((10, 20, 40, 10), False), ((3, 2, 40, 10), False), ((58, 30, 40, 10), False),
     ((12, 12, 40, 10), True), ((20, 59, 40, 10), False)],
)  # fmt: skip
def test_a_thing_at_the_edge_of_what_is_looked_at_is_not_whole(box, whole):
    assert is_whole(np.array(box, np.float32), (10, 10, 89, 60)) is whole


def test_looks_that_read_nothing_do_not_vote():
    seen = voter("read").vote([read("AB1234"), read("AB1234"), read("")])
    assert seen.texts == ("AB1234",) and seen.extra[LOOKS].tolist() == [2] == seen.extra[AGREED].tolist()
    assert len(voter("read").vote([read(""), read("")])) == 0


def test_what_an_older_look_found_is_where_the_newest_look_knows_the_thing_to_be():
    plate = Recognitions(("plate",), [0], [0.9], boxes=[[30, 40, 20, 10]], task="detect")
    older = Look(plate, None, np.array([0, 0, 100, 100], np.float32), 0.0, 1.0)
    newest = Look(plate.select(np.empty(0)), None, np.array([200, 0, 200, 200], np.float32), 0.2, 1.0)
    assert voter("detect").vote([older]).boxes.tolist() == [[30, 40, 20, 10]]
    assert voter("detect").vote([older, newest]).boxes.tolist() == [[260, 80, 40, 20]]


def test_a_newest_look_that_is_unsure_takes_nothing_back():
    looks = [read("AB1234"), read("AB1234"), read("AB1234", 0.7)]
    assert int(looks[-1].seen.ids[0]) == -1 == int(voter("read").vote(looks[-1:]).ids[0])
    assert int(voter("read").vote(looks).ids[0]) == 0


def test_what_may_not_be_read_stays_unknown_however_sure():
    likely = read("AB1234")
    refused = replace(likely, seen=replace(likely.seen, ids=np.array([-1], np.int32)))  # by a pattern or a lexicon
    assert int(voter("read").vote([refused] * 3).ids[0]) == -1


def test_what_stays_doubtful_stays_unknown():
    seen = voter("read").vote([read("AB1234", 0.5), read("XY9876", 0.5), read("MN5555", 0.5)])
    assert int(seen.ids[0]) == -1 and seen.announced_as(0) is None


def person(number: int, shot: int, noise: float) -> np.ndarray:
    center = np.random.default_rng(number).normal(size=WIDTH)
    return (center + noise * np.random.default_rng(1000 * number + shot).normal(size=WIDTH)).astype(np.float32)


@pytest.fixture
def who(tmp_path) -> NetworkVoter:
    """Asks a gallery in which ann and bob were taught."""
    taught = Taught(Teachable("embedding"), "s" * 64, lambda: np.empty((0, 0), np.float32))
    taught._gallery = Gallery(tmp_path / "x.gallery", Space("s" * 64, WIDTH))
    for number, name in enumerate(("ann", "bob"), 1):
        taught._gallery.teach(name, np.stack([person(number, i, 0.2) for i in range(4)]))
    return voter("identify", taught=taught)


def face(number: int, shot: int, noise: float) -> Look:
    row = person(number, shot, noise)
    seen = Recognitions(("",), [-1], [0.0], embeddings=row[None], task="identify")
    return Look(seen, row, BOX, 0.0, 1.0)


def test_a_face_that_no_look_is_sure_of_is_known_by_all_together(who):
    looks = [face(1, 50 + i, 0.9) for i in range(8)]
    sure = [who.vote([look]).called(0) for look in looks]
    seen = who.vote(looks)
    assert seen.identities == ("ann",) and float(seen.similarities[0]) == pytest.approx(float(seen.scores[0]))
    assert sure.count("ann") < len(looks) and int(seen.extra[AGREED][0]) == sure.count("ann")


def test_a_stranger_of_whom_one_look_is_like_somebody_stays_nobody(who):
    looks = [face(2, 9, 0.1), *[face(7, i, 0.3) for i in range(4)]]
    assert who.vote(looks[:1]).identities == ("bob",)
    seen = who.vote(looks)
    assert seen.identities is None and seen.called(0) is None and seen.extra[LOOKS].tolist() == [5]


def test_what_is_forgotten_makes_another_edition(who):
    before = who.edition
    assert who.edition == before
    who.loaded.taught._gallery.remove("ann")
    assert who.edition != before and who.vote([face(1, 9, 0.1)]).identities is None
