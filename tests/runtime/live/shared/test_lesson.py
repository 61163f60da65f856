"""`POST /v1/teach`: what a camera shows gets a name over HTTP, and loses it again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.loop.control import Control, Settings
from edgelens.runtime.loop.lane import Lane
from edgelens.runtime.loop.loop import LoopOptions, run
from edgelens.runtime.loop.model_slot import ModelSlot
from edgelens.runtime.loop.pace import Pace
from edgelens.runtime.sources.catalog import open_source


@pytest.fixture
def watched(color_bundle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real loop over the demo's camera with a page; its address."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    source = open_source("demo")
    lane = Lane(source, ModelSlot(color_bundle))
    control = Control([source.name], Settings(smoothing=1.0))
    page, stop = LivePreview(control, port=0, say=lambda _: None), threading.Event()
    with page:
        pace, options = Pace(), LoopOptions(30.0, "test")
        arguments: Any = ([lane], [page], control, options)
        thread = threading.Thread(target=run, args=arguments, kwargs={"pace": pace, "log": print, "stop": stop.is_set})
        thread.start()
        try:
            yield page.link
        finally:
            stop.set()
            thread.join()


def base(link: str) -> tuple[str, dict[str, str]]:
    address, _, token = link.partition("?token=")
    return address.rstrip("/"), {"authorization": f"Bearer {token}"} if token else {}


def test_a_lesson_over_http_and_back(watched: str) -> None:
    address, headers = base(watched)
    with httpx.Client(base_url=address, headers=headers, timeout=20) as client:
        while client.get("/live/snapshot").status_code != 200:
            pass
        assert client.get("/live/state").json()["teaches"] is True
        taught = client.post("/v1/teach", json={"name": "paper"})
        assert taught.status_code == 200, taught.text
        assert taught.json()["name"] == "paper" and taught.json()["pictures"] == 1
        boxed = client.post("/v1/teach", json={"name": "corner", "box": [0, 0, 60, 40]})
        assert boxed.json()["pictures"] == 1
        assert client.post("/v1/teach", json={"undo": boxed.json()["lesson"]}).json() == {"undone": 1}
        with client.stream("GET", "/v1/results") as results:
            names = [line for line, _ in zip(results.iter_lines(), range(60), strict=False) if '"name"' in line]
        assert names and all('"name": "paper"' in line for line in names)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "send a JSON object"),
        ({"name": 5}, "send a JSON object"),
        ({"name": "../x"}, "path"),
        ({"name": "x" * 1000}, "1,000 characters"),
        ({"name": "x", "box": [0, 0, 1]}, "a box is"),
        ({"name": "x", "box": [9000, 9000, 5, 5]}, "lies in the frame"),
        ({"name": "x", "source": "no such"}, "no frame of such a source"),
        ({"undo": "ffff"}, "no lesson"),
    ],
)
def test_what_cannot_be_taught_is_one_line(watched: str, body: dict[str, Any], said: str) -> None:
    address, headers = base(watched)
    with httpx.Client(base_url=address, headers=headers, timeout=20) as client:
        while client.get("/live/snapshot").status_code != 200:
            pass
        if "undo" in body:
            client.post("/v1/teach", json={"name": "paper"})
        answer = client.post("/v1/teach", json=body)
    assert answer.status_code == 400 and said in answer.json()["error"]
    assert np.char.count(answer.json()["error"], "\n") == 0
