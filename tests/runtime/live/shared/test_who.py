"""Who is known, over HTTP: seen, renamed, forgotten, with the newest picture of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from staged_scenes import named


@pytest.fixture
def client(staged: Callable[..., Any], teachable: Callable[..., Any]) -> Iterator[httpx.Client]:
    """A page on which Anna is seen, and was taught."""
    loop = staged(fps=0, scene=named)
    teachable(loop)
    loop.show()
    with httpx.Client(base_url=loop.base, timeout=20) as client:
        assert client.get("/live/gallery").json() == {"source": "camera", "names": []}
        for name in ("Bob", "Anna"):
            client.post("/v1/teach", json={"name": name})
        yield client


def test_names_with_when_they_were_taught_and_seen_and_their_pictures(client: httpx.Client) -> None:
    told = client.get("/live/gallery?source=camera").json()["names"]
    assert [(row["name"], row["pictures"], row["portrait"]) for row in told] == [("Anna", 1, True), ("Bob", 1, True)]
    assert told[0]["taught"]["source"] == "camera" and told[0]["taught"]["time"] > 0
    assert told[0]["seen"]["source"] == "camera" and told[1]["seen"] is None
    picture = client.get("/live/gallery/portrait", params={"name": "Anna", "source": "camera"})
    assert picture.status_code == 200 and picture.content[:2] == b"\xff\xd8"
    assert picture.headers["content-type"] == "image/jpeg"


def test_a_name_is_changed_and_forgotten(client: httpx.Client) -> None:
    renamed = client.post("/live/gallery", json={"rename": "Bob", "to": "Robert", "source": "camera"}).json()
    assert {row["name"] for row in renamed["names"]} == {"Anna", "Robert"}
    forgotten = client.post("/live/gallery", json={"forget": "Robert"}).json()
    assert [row["name"] for row in forgotten["names"]] == ["Anna"]
    assert client.get("/live/gallery/portrait", params={"name": "Robert"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "send a JSON object"),
        ([], "send a JSON object"),
        ({"rename": "Bob"}, "send a JSON object"),
        ({"forget": 7}, "send a JSON object"),
        ({"forget": "Bob", "rename": "Anna", "to": "x"}, "send a JSON object"),
        ({"forget": "nobody"}, "no such name"),
        ({"rename": "Bob", "to": "Anna"}, "is there already"),
        ({"rename": "Bob", "to": "../x"}, "path"),
        ({"forget": "Bob", "source": "no such"}, "no source of that name"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(client: httpx.Client, body: Any, said: str) -> None:
    answer = client.post("/live/gallery", json=body)
    assert answer.status_code == 400 and said in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert {row["name"] for row in client.get("/live/gallery").json()["names"]} == {"Anna", "Bob"}


def test_where_nothing_is_watched_nobody_is_known(staged: Callable[..., Any]) -> None:
    loop = staged(fps=0)
    loop.show()
    answer = httpx.get(loop.base + "/live/gallery")
    assert answer.status_code == 400 and "nothing is watched here" in answer.json()["error"]
