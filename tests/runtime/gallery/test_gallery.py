"""A gallery: what is taught is known, strangers are not, and taking away leaves nothing behind."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.gallery.gallery import Gallery
from edgelens.runtime.gallery.space import Space, space_with_cohort
from edgelens.runtime.gallery.thin import MOST_EXEMPLARS, standing_for_all

WIDTH = 32
SPACE = Space("a" * 64, WIDTH)


def people(count: int, each: int = 6, seed: int = 0, noise: float = 0.5) -> NDArray[np.float32]:
    """(count, each, WIDTH): directions of their own with some noise a picture."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(count, 1, WIDTH))
    return np.asarray(centers + noise * rng.normal(size=(count, each, WIDTH)), np.float32)


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery(tmp_path / "state" / "x.gallery", SPACE)


def test_what_was_taught_is_known_and_strangers_are_not(gallery: Gallery) -> None:
    rows = people(12)
    for i in range(8):
        gallery.teach(f"name {i}", rows[i, :3])
    found = [gallery.match(rows[i, k]).name for i in range(8) for k in (3, 4, 5)]
    assert found == [f"name {i}" for i in range(8) for _ in range(3)]
    strangers = [gallery.match(rows[i, k]) for i in range(8, 12) for k in range(6)]
    assert not any(match.known for match in strangers)
    assert all(match.nearest for match in strangers)  # whom it is most like is still told


def test_a_gallery_is_there_again_after_it_was_closed(gallery: Gallery) -> None:
    rows = people(2)
    gallery.teach("one", rows[0, :3], pictures=[b"jpeg"] * 3, source="camera", when=5.0)
    again = Gallery(gallery.path, SPACE)
    assert [(n.name, n.exemplars, n.last) for n in again.names] == [("one", 3, 5.0)]
    assert again.picture("one") == b"jpeg"
    assert again.match(rows[0, 3]).name == "one"


def test_a_source_whose_name_is_no_utf_8_can_be_learned_from(gallery: Gallery) -> None:
    gallery.teach("one", people(1)[0, :1], source="caf\udce9.mp4")
    assert [each.source for each in Gallery(gallery.path, SPACE).exemplars()] == ["caf.mp4"]


def test_what_another_process_taught_is_taken_in(gallery: Gallery) -> None:
    rows = people(2)
    gallery.teach("one", rows[0, :3])
    other = Gallery(gallery.path, SPACE)
    assert len(other.names) == 1
    gallery.teach("two", rows[1, :3])
    assert [n.name for n in other.names] == ["one", "two"]
    gallery.remove("one")
    assert [n.name for n in other.names] == ["two"]


def test_names_may_be_listed_while_another_process_teaches(gallery: Gallery) -> None:
    rows, wrong, over, other = people(2), list[str](), threading.Event(), Gallery(gallery.path, SPACE)
    gallery.teach("one", rows[0])

    def list_names() -> None:
        while not over.is_set():
            try:
                assert gallery.names[0].exemplars == len(rows[0])
            except BufferError as error:
                wrong.append(str(error))

    listing, before = [threading.Thread(target=list_names) for _ in range(4)], sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in listing:
            thread.start()
        for i in range(300):
            other.teach(f"more {i % 5}", rows[1, i % 6])
    finally:
        over.set()
        for thread in listing:
            thread.join()
        sys.setswitchinterval(before)
    assert wrong == []
    assert gallery.names == Gallery(gallery.path, SPACE).names


def test_an_older_copy_that_is_brought_back_is_all_there_is(gallery: Gallery) -> None:
    rows = people(2)
    gallery.teach("one", rows[0, :3])
    before = gallery.path.read_bytes()
    gallery.teach("two", rows[1, :3])
    assert gallery.match(rows[1, 5]).name == "two"
    gallery.path.write_bytes(before)
    assert [(n.name, n.exemplars) for n in gallery.names] == [("one", 3)]
    assert gallery.match(rows[1, 5]).nearest == "one"
    gallery.teach("three", rows[1, :3])
    assert [(n.name, n.exemplars) for n in gallery.names] == [("one", 3), ("three", 3)]


def test_another_networks_features_are_refused_in_a_line(gallery: Gallery) -> None:
    gallery.teach("one", people(1)[0])
    with pytest.raises(UsageError, match="another network") as raised:
        Gallery(gallery.path, Space("b" * 64, WIDTH)).teach("two", people(1)[0])
    assert "\n" not in str(raised.value)
    with pytest.raises(UsageError, match="another network"):
        _ = Gallery(gallery.path, Space("b" * 64, WIDTH)).names


def test_forgetting_leaves_neither_name_nor_picture_nor_features_in_the_file(gallery: Gallery) -> None:
    rows = people(2)
    gallery.teach("Somebody", rows[0, :3], pictures=[b"a face"] * 3)
    gallery.teach("other", rows[1, :3], pictures=[b"another"] * 3)
    features = rows[0, 0].astype(np.float16).tobytes()
    assert features in gallery.path.read_bytes()
    assert gallery.remove("Somebody") == 3
    left = gallery.path.read_bytes()
    assert b"Somebody" not in left and b"a face" not in left and features not in left
    assert [p.name for p in gallery.path.parent.iterdir() if p.suffix == ".partial"] == []
    assert gallery.match(rows[1, 4]).name == "other"


def test_rename_merge_and_undo(gallery: Gallery) -> None:
    rows = people(3)
    gallery.teach("one", rows[0, :3])
    gallery.teach("two", rows[1, :3])
    lesson = gallery.teach("three", rows[2, :2])
    with pytest.raises(UsageError, match="there already"):
        gallery.rename("one", "two")
    with pytest.raises(UsageError, match="one: is called so already"):
        gallery.rename("one", "one")
    gallery.rename("one", "uno")
    assert gallery.match(rows[0, 4]).name == "uno"
    assert gallery.undo(lesson) == 2
    assert [n.name for n in gallery.names] == ["uno", "two"]
    gallery.merge("two", "uno")
    assert [(n.name, n.exemplars) for n in gallery.names] == [("uno", 6)]
    with pytest.raises(UsageError, match="no such name"):
        gallery.remove("nobody")
    with pytest.raises(UsageError, match="no lesson"):
        gallery.undo("ffff")


def test_a_name_with_far_more_pictures_than_it_needs_keeps_those_that_matter(gallery: Gallery) -> None:
    rows = people(2, each=2 * MOST_EXEMPLARS + 12)
    gallery.teach("other", rows[1, :3])
    for start in range(0, 2 * MOST_EXEMPLARS + 2, 4):
        gallery.teach("one", rows[0, start : start + 4])
    counts = {n.name: n.exemplars for n in gallery.names}
    assert counts["one"] <= 2 * MOST_EXEMPLARS and counts["other"] == 3
    assert gallery.match(rows[0, -1]).name == "one"


def test_taking_back_the_last_lesson_leaves_what_was_there_before_it(gallery: Gallery) -> None:
    rows = people(1, each=2 * MOST_EXEMPLARS + 10)[0]
    gallery.teach("one", rows[: 2 * MOST_EXEMPLARS])
    wrong = gallery.teach("one", rows[-10:-5])
    gallery.teach("other", people(2)[1])
    assert gallery.undo(wrong) == 5
    assert gallery.names[0].exemplars == 2 * MOST_EXEMPLARS
    last = [gallery.teach("one", rows[[i]]) for i in (-2, -1)][-1]
    assert gallery.names[0].exemplars == MOST_EXEMPLARS + 2
    gallery.undo(last)
    assert gallery.names[0].exemplars == MOST_EXEMPLARS + 1


def test_thinning_takes_nobody_elses_pictures_while_another_process_forgets(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(3, each=2 * MOST_EXEMPLARS + 2)
    gallery.teach("gone", rows[0, :40])
    gallery.teach("one", rows[1, :-12])
    gallery.teach("one", rows[1, -12:-2])
    gallery.teach("two", rows[2, :30])
    other = Gallery(gallery.path, SPACE)

    def slowly(found: NDArray[np.float32]) -> NDArray[np.intp]:
        other.remove("gone")
        return standing_for_all(found)

    monkeypatch.setattr("edgelens.runtime.gallery.gallery.standing_for_all", slowly)
    gallery.teach("one", rows[1, -2:])
    assert {n.name: n.exemplars for n in gallery.names} == {"one": len(rows[1]), "two": 30}


def test_trained_classes_stay_what_they_were_beside_taught_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(size=WIDTH) * 3  # what all pictures have in common
    rows = people(9, each=20) + shared.astype(np.float32)
    bank = rows[:6, :10].reshape(-1, WIDTH)
    gallery = Gallery(
        tmp_path / "x.gallery", space_with_cohort("c" * 64, bank / np.linalg.norm(bank, axis=1, keepdims=True))
    )
    for i in (6, 7, 8):
        gallery.teach(f"new {i}", rows[i, :5])
    trained = [gallery.match(rows[i, k]).known for i in range(6) for k in range(10, 20)]
    assert sum(trained) <= 1
    taught = [gallery.match(rows[i, k]).name == f"new {i}" for i in (6, 7, 8) for k in range(5, 20)]
    assert sum(taught) >= 0.95 * len(taught)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 10_000, "10,000 characters"),
        ("../../etc/passwd", "path"),
        ("a/b", "path"),
        ("-rf", "path"),
        (" \n ", "empty"),
        ("a\x00b", "nobody can see"),
        ("a\u2028b", "nobody can see"),
        ("Ada\u202egpj", "nobody can see"),
    ],
)
def test_names_that_nobody_should_have_are_refused_in_a_line(gallery: Gallery, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        gallery.teach(name, people(1)[0])
    assert len(str(raised.value)) < 200 and "\n" not in str(raised.value)
    assert not gallery.path.exists()


def test_a_name_is_not_joined_with_itself(gallery: Gallery) -> None:
    gallery.teach("Ada", people(1)[0])
    with pytest.raises(UsageError, match="is one name already"):
        gallery.merge("Ada", " Ada ")
    assert [(each.name, each.exemplars) for each in gallery.names] == [("Ada", 6)]


def test_names_of_all_writings_are_names(gallery: Gallery) -> None:
    rows = people(4)
    spelled = ["🦊🫖", "Zoë", "王小明", "Zoe\u0308"]  # the last is the second, spelled otherwise
    for row, name in zip(rows, spelled, strict=True):
        gallery.teach(name, row[:3])
    assert [n.name for n in gallery.names] == spelled[:3]
    assert gallery.match(rows[0, 4]).name == "🦊🫖"


@pytest.mark.parametrize("bad", [np.full((1, WIDTH), np.nan), np.zeros((1, WIDTH)), np.full((1, WIDTH), 1e9)])
def test_features_that_compare_with_nothing_are_refused(gallery: Gallery, bad: NDArray[np.float32]) -> None:
    with pytest.raises(UsageError, match="show another"):
        gallery.teach("one", bad)
    with pytest.raises(UsageError, match="do not fit"):
        gallery.teach("one", np.ones((1, WIDTH + 1), np.float32))


def test_a_gallery_that_is_not_there_knows_nobody(gallery: Gallery) -> None:
    assert gallery.names == () and not gallery.match(people(1)[0, 0]).known
    with pytest.raises(UsageError, match="nothing to take back"):
        gallery.undo()


def test_a_foreign_file_in_its_place_is_one_line(gallery: Gallery) -> None:
    gallery.path.parent.mkdir()
    gallery.path.write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(DataError, match="is no gallery") as raised:
        gallery.teach("one", people(1)[0])
    assert "\n" not in str(raised.value)
    assert gallery.path.read_bytes().startswith(b"PK")
