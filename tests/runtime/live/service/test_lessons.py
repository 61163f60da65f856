"""A service without a camera is taught by the pictures that are sent, and recognizes them from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from edgelens.runtime.gallery.file import GalleryFile
from edgelens.runtime.gallery.places import galleries_folder
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.service.service import RecognizeService, ServiceLimits
from edgelens.runtime.loop.control import Control, Settings


def yellow(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(-12, 13, (40, 40, 3))
    return bytes(cv2.imencode(".png", np.clip(np.array([10, 240, 240]) + noise, 0, 255).astype(np.uint8))[1])


@pytest.fixture
def client(color_bundle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with RecognizeService(color_bundle, limits=ServiceLimits(pictures=4, workers=2)) as service:
        page = LivePreview(Control((), Settings()), port=0, service=service, say=lambda line: None)
        with page, httpx.Client(base_url=f"http://127.0.0.1:{page.port}", timeout=10) as client:
            yield client


def name_of(client: httpx.Client, seed: int) -> str | None:
    (row,) = client.post("/v1/recognize", content=yellow(seed)).json()["results"]
    return row.get("name")


def test_what_is_sent_is_known_from_then_on_until_it_is_taken_back(client: httpx.Client) -> None:
    assert name_of(client, 9) is None
    many = [("image", (f"{i}.png", yellow(i))) for i in range(3)]
    told = client.post("/v1/teach", params={"name": "banana"}, files=many).json()
    assert (told["name"], told["pictures"]) == ("banana", 3)
    assert client.post("/v1/teach", params={"name": "banana"}, content=yellow(4)).json()["pictures"] == 4
    assert name_of(client, 9) == "banana"
    assert client.post("/v1/teach", json={"undo": told["lesson"]}).json() == {"undone": 3}


def copies(name: str) -> list[bytes]:
    (file,) = galleries_folder().glob("*.gallery")
    return [exemplar.picture for exemplar in GalleryFile(file).exemplars() if exemplar.name == name]


def test_no_small_copy_is_kept_where_none_is_wanted(client: httpx.Client) -> None:
    told = client.post("/v1/teach", params={"name": "banana", "photos": "false"}, content=yellow(1)).json()
    assert copies("banana") == [b""] and told["doubt"] is None
    assert client.post("/v1/teach", params={"name": "lemon"}, content=yellow(1)).json()["doubt"].startswith("lemon is")
    assert copies("lemon") != [b""]


def test_of_a_service_that_keeps_no_photos_no_lesson_does(
    color_bundle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with RecognizeService(color_bundle) as service:
        page = LivePreview(Control((), Settings()), port=0, service=service, photos=False, say=lambda line: None)
        with page:
            url = f"http://127.0.0.1:{page.port}/v1/teach?name=banana&photos=true"
            assert httpx.post(url, content=yellow(1)).status_code == 200
    assert copies("banana") == [b""]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"content": yellow(1)}, 400, "/v1/teach?name=NAME"),
        ({"json": {"name": "banana"}}, 400, "/v1/teach?name=NAME"),
        ({"params": {"name": "../x"}, "content": yellow(1)}, 400, "path"),
        ({"params": {"name": "banana"}, "content": b"no picture"}, 400, "upload"),
        ({"params": {"name": "banana"}, "files": [("image", yellow(i)) for i in range(5)]}, 413, "4"),
        ({"json": {"undo": "ffff"}}, 400, "no"),
        ({"params": {"name": "banana", "photos": "no"}, "content": yellow(1)}, 400, "true or false"),
    ],
)
def test_what_cannot_be_taught_is_one_line_and_teaches_nothing(
    client: httpx.Client, asked: dict[str, Any], status: int, said: str
) -> None:
    answer = client.post("/v1/teach", **asked)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert name_of(client, 9) is None
