"""`POST /v1/teach`: what a camera shows gets a name over HTTP, and loses it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import staged_scenes as scenes

from edgelens.runtime.loop.model_slot import ModelSlot


@pytest.fixture
def taught(staged: Callable[..., Any], teachable: Callable[..., ModelSlot]) -> Iterator[tuple[httpx.Client, ModelSlot]]:
    """A page whose source's model is a real one, with a picture to be taught from."""
    loop = staged(fps=0)
    model = teachable(loop)
    loop.show()
    with httpx.Client(base_url=loop.base, timeout=20) as client:
        yield client, model


def test_a_lesson_over_http_and_back(taught: tuple[httpx.Client, ModelSlot]) -> None:
    client, model = taught
    assert client.get("/live/state").json()["teaches"] is True
    told = client.post("/v1/teach", json={"name": "paper"})
    assert told.status_code == 200, told.text
    assert told.json()["name"] == "paper" and told.json()["pictures"] == 1
    boxed = client.post("/v1/teach", json={"name": "corner", "box": [0, 0, 60, 40], "source": "camera"})
    assert boxed.json()["pictures"] == 1
    with model.in_use() as recognizer:
        gallery = next(iter(recognizer.networks.values())).taught.gallery(3)
        assert [named.name for named in gallery.names] == ["paper", "corner"]
        assert len(gallery.picture("corner")) < len(gallery.picture("paper")), "a box is all that is kept of the frame"
    assert client.post("/v1/teach", json={"undo": boxed.json()["lesson"]}).json() == {"undone": 1}
    assert [named.name for named in gallery.names] == ["paper"]


def pictures_kept(model: ModelSlot, name: str) -> bytes:
    with model.in_use() as recognizer:
        return bytes(next(iter(recognizer.networks.values())).taught.gallery(3).picture(name))


def test_no_small_copy_is_kept_where_none_is_wanted(taught: tuple[httpx.Client, ModelSlot]) -> None:
    client, model = taught
    client.post("/v1/teach", json={"name": "paper", "photos": False})
    assert pictures_kept(model, "paper") == b""
    client.post("/v1/teach", json={"name": "paper", "photos": True})
    assert pictures_kept(model, "paper") != b""


def test_of_a_device_that_keeps_no_photos_no_lesson_does(
    staged: Callable[..., Any], teachable: Callable[..., ModelSlot]
) -> None:
    loop = staged(fps=0, photos=False)
    model = teachable(loop)
    loop.show()
    assert httpx.get(f"{loop.base}/live/state").json()["photos"] is False
    assert httpx.post(f"{loop.base}/v1/teach", json={"name": "paper", "photos": True}).status_code == 200
    assert pictures_kept(model, "paper") == b""


def test_what_will_seldom_be_the_answer_is_doubted(taught: tuple[httpx.Client, ModelSlot]) -> None:
    """The very picture that has a name already."""
    client, _ = taught
    client.post("/v1/teach", json={"name": "paper"})
    told = client.post("/v1/teach", json={"name": "card"}).json()
    assert told["doubt"].startswith("card is the answer for 0 of these pictures"), told


def shape_kept(model: ModelSlot, name: str) -> tuple[int, ...]:
    return cv2.imdecode(np.frombuffer(pictures_kept(model, name), np.uint8), cv2.IMREAD_COLOR).shape[:2]


def test_what_is_followed_is_taught_by_its_number(
    staged: Callable[..., Any], teachable: Callable[..., ModelSlot]
) -> None:
    followed = lambda *at: dataclasses.replace(scenes.things(*at), track_ids=np.array([4, 7], np.int32))  # noqa: E731
    loop = staged(fps=0, scene=followed)
    model = teachable(loop)
    loop.show()
    assert httpx.post(f"{loop.base}/v1/teach", json={"name": "flask", "track": 7}).status_code == 200
    assert shape_kept(model, "flask") == (80, 80), "the middle of its box, which the network looks at"
    gone = httpx.post(f"{loop.base}/v1/teach", json={"name": "flask", "track": 5})
    assert gone.status_code == 400 and gone.json()["error"] == "track 5: is not seen now"


def test_what_an_event_was_about_is_taught_from_its_picture(
    staged: Callable[..., Any], teachable: Callable[..., ModelSlot]
) -> None:
    loop = staged(fps=0, scene=scenes.things)
    model = teachable(loop)
    while not (events := httpx.get(f"{loop.base}/v1/events").json()["events"]):
        loop.show()
    asked = {"name": "Ada", "event": events[0]["id"], "source": "camera"}
    assert httpx.post(f"{loop.base}/v1/teach", json=asked).status_code == 200
    narrow = round(640 * events[0]["box"][2])
    assert shape_kept(model, "Ada") == (narrow, narrow)


def test_without_a_source_it_is_the_first_on_the_page_not_the_first_to_come(
    staged: Callable[..., Any], teachable: Callable[..., ModelSlot]
) -> None:
    loop = staged("camera", "back", fps=0)
    teachable(loop)
    loop.show("back")
    assert loop.preview.shared.newest(None).frame.source == "back", "of the others nothing has come yet"
    loop.show("camera")
    told = httpx.post(f"{loop.base}/v1/teach", json={"name": "paper"})
    assert told.status_code == 200, told.text
    assert httpx.get(f"{loop.base}/live/gallery").json()["names"][0]["taught"]["source"] == "camera"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "send a JSON object"),
        ({"name": 5}, "send a JSON object"),
        ({"name": "../x"}, "path"),
        ({"name": "x" * 1000}, "1,000 characters"),
        ({"name": "x", "box": [0, 0, 1]}, "a box is"),
        ({"name": "x", "box": [9000, 9000, 5, 5]}, "lies in the frame"),
        ({"name": "x", "box": [0, 0, 1, 10**400]}, "a box is"),
        ({"name": "x", "source": ["camera"]}, "the name of one"),
        ({"name": "x", "source": "no such"}, "no frame of such a source"),
        ({"undo": "ffff"}, "no lesson"),
        ({"name": "x", "event": 99}, "event 99: its picture is no longer kept"),
        ({"name": "x", "event": "1"}, "a whole number"),
        ({"name": "x", "track": 1}, "nothing is followed"),
        ({"name": "x", "track": True}, "a whole number"),
        ({"name": "x", "track": 1, "box": [0, 0, 9, 9]}, "say one of box and track"),
        ({"name": "x", "photos": "no"}, "true or false"),
        ({"name": "x", "photo": False}, "photo: is no part of a lesson"),
    ],
)
def test_what_cannot_be_taught_is_one_line(
    taught: tuple[httpx.Client, ModelSlot], body: dict[str, Any], said: str
) -> None:
    client, _ = taught
    client.post("/v1/teach", json={"name": "paper"})
    answer = client.post("/v1/teach", json=body)
    assert answer.status_code == 400 and said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_box_of_no_numbers_is_one_line(taught: tuple[httpx.Client, ModelSlot], number: str) -> None:
    body = f'{{"name": "x", "box": [{number}, 0, 5, 5]}}'
    answer = taught[0].post("/v1/teach", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and "a box is" in answer.json()["error"]


def test_a_service_that_watches_nothing_says_so(staged: Callable[..., Any]) -> None:
    loop = staged(fps=0)
    loop.show()
    answer = httpx.post(loop.base + "/v1/teach", json={"name": "paper"})
    assert answer.status_code == 400 and "nothing is watched here" in answer.json()["error"]
    assert httpx.get(loop.base + "/live/state").json()["teaches"] is False
