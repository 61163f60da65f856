"""Pictures are encoded once, only for viewers, and a slow viewer is nobody else's trouble."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import httpx
import numpy as np
from own_loop import ran

from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.live.viewers import hub as hub_module
from edgelens.runtime.live.viewers.stream import event, spelled
from edgelens.runtime.loop.control import Control, Settings


def records(loop: Any, count: int, asked: str = "") -> list[tuple[dict[str, Any], bytes]]:
    """The first frames a viewer gets."""
    found: list[tuple[dict[str, Any], bytes]] = []
    with httpx.stream("GET", loop.base + "/live/frames" + asked, timeout=5) as answer:
        buffer = b""
        for chunk in answer.iter_raw():
            buffer += chunk
            while len(buffer) >= 8:
                text, picture = struct.unpack_from(">II", buffer)
                if len(buffer) < 8 + text + picture:
                    break
                if text:
                    found.append((json.loads(buffer[8 : 8 + text]), buffer[8 + text : 8 + text + picture]))
                buffer = buffer[8 + text + picture :]
            if len(found) >= count:
                return found
    return found


def wait_for(condition: Any, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nothing_is_encoded_while_nobody_looks(staged: Any) -> None:
    loop = staged(fps=100)
    wait_for(lambda: loop.frames["camera"] > 40)
    assert loop.preview.shared.encoder.encoded == 0


def test_a_frame_carries_its_own_result(staged: Any) -> None:
    loop = staged()
    for meta, picture in records(loop, 3):
        expected = loop.written["camera", meta["frame"]]
        assert {key: meta[key] for key in expected} == expected
        image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert [image.shape[1], image.shape[0]] == meta["size"]


def test_names_that_are_no_utf8_are_spelled_with_escapes() -> None:
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert json.loads(spelled({"path": name})) == {"path": name}
    assert b"caf\\udce9.png" in event("result", {"path": name})


def test_many_viewers_cost_one_encode_a_frame(staged: Any) -> None:
    loop = staged()
    seen: list[int] = []

    def look() -> None:
        seen.extend(meta["frame"] for meta, _ in records(loop, 12))

    viewers = [threading.Thread(target=look) for _ in range(8)]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()
    encoder = loop.preview.shared.encoder
    assert encoder.encoded <= loop.frames["camera"]
    assert len(seen) >= 96
    assert encoder.encoded < len(seen) / 2
    wait_for(lambda: loop.preview.shared.hub.viewers == 0)
    before = encoder.encoded
    shown = loop.frames["camera"]
    wait_for(lambda: loop.frames["camera"] > shown + 5)
    assert encoder.encoded - before <= 1


def test_who_asks_for_small_pictures_gets_them_and_one_large(staged: Any) -> None:
    loop = staged("door", "hall")

    def widths(asked: str) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for meta, picture in records(loop, 8, asked):
            image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
            found.setdefault(meta["source"], set()).add(image.shape[1])
        return found

    assert widths("?size=small") == {"door": {480}, "hall": {480}}
    assert widths("?size=small&large=hall") == {"door": {480}, "hall": {640}}
    assert widths("") == {"door": {640}, "hall": {640}}
    refused = httpx.get(loop.base + "/live/frames?size=huge")
    assert (refused.status_code, refused.json()["error"]) == (400, "size is small or large")


def test_one_encode_a_frame_for_all_who_see_it_in_one_size(staged: Any) -> None:
    loop = staged()
    viewers = [threading.Thread(target=records, args=(loop, 12, "?size=small")) for _ in range(4)]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()
    assert 12 <= loop.preview.shared.encoder.encoded <= loop.frames["camera"]


def test_a_viewer_that_reads_nothing_is_cut_and_others_go_on(staged: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(hub_module, "STALLED_S", 0.6)
    loop = staged()
    with socket.socket() as asleep:
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asleep.connect(("127.0.0.1", loop.preview.port))
        asleep.sendall(b"GET /live/frames HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_for(lambda: loop.preview.shared.hub.viewers == 1)
        assert len(records(loop, 5)) >= 5
        wait_for(lambda: loop.preview.shared.hub.viewers == 0, 15)


def test_results_come_as_events(staged: Any) -> None:
    loop = staged()
    with httpx.stream("GET", loop.base + "/v1/results", timeout=5) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in answer.iter_lines() if line.startswith("data: "))
        for _ in range(3):
            result = json.loads(next(lines)[6:])
            assert result == loop.written["camera", result["frame"]]


def test_leaving_ends_open_streams_at_once() -> None:
    with LivePreview(Control(["camera"], Settings()), port=0, say=lambda line: None) as preview:
        ended = threading.Event()

        def look() -> None:
            with httpx.stream("GET", f"http://127.0.0.1:{preview.port}/live/events", timeout=10) as answer:
                for _ in answer.iter_raw():
                    pass
            ended.set()

        watching = threading.Thread(target=look)
        watching.start()
        wait_for(lambda: preview.shared.hub.listens("state"))
        start = time.monotonic()
    assert time.monotonic() - start < 1
    assert ended.wait(2)
    watching.join()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("edgelens")]


def test_metrics_are_prometheus_text(staged: Any) -> None:
    loop = staged('odd "name"\\', fps=0)
    loop.show('odd "name"\\')
    text = httpx.get(loop.base + "/metrics").text
    assert 'edgelens_frames_processed_total{source="odd \\"name\\"\\\\"} 1' in text
    assert "edgelens_temperature_celsius 61" in text
    assert 'edgelens_results_dropped_total{sink="mqtt"} 2' in text
    assert 'edgelens_sink_lost_total{sink="mqtt"} 0' in text
    assert 'edgelens_sink_ok{sink="mqtt"} 1' in text
    for line in text.splitlines():
        assert line.startswith("# ") or float(line.rsplit(" ", 1)[1]) is not None


def test_nothing_is_encoded_for_who_has_not_taken_the_last_frame(staged: Any) -> None:
    loop = staged()
    with socket.socket() as asleep:
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asleep.connect(("127.0.0.1", loop.preview.port))
        asleep.sendall(b"GET /live/frames HTTP/1.1\r\nHost: localhost\r\n\r\n")
        encoder = loop.preview.shared.encoder
        before = -1
        deadline = time.monotonic() + 15
        while before != encoder.encoded:  # until what lies between the two is full
            assert time.monotonic() < deadline
            before, shown = encoder.encoded, loop.frames["camera"]
            wait_for(lambda shown=shown: loop.frames["camera"] > shown + 20)
        assert encoder.encoded > 0
        assert len(records(loop, 5)) == 5, "who takes them gets them"


def test_a_frame_of_a_source_is_wanted_once_its_last_has_gone_through() -> None:
    ran(_take_and_ask)


async def _take_and_ask() -> None:
    hub = hub_module.Hub()
    told = []
    hub.when_taken = lambda: told.append(True)
    with hub.viewer(hub_module.Asks(small=True, large="hall")) as viewer:
        assert (hub.wanted("door"), hub.wanted("hall")) == ({True}, {False})
        hub.post_frame("door", b"1", small=True)
        assert (hub.wanted("door"), hub.wanted("hall")) == (set(), {False}), "it is on its way"
        viewer.put("door", b"1")
        assert viewer.take() == [b"1"]
        assert hub.wanted("door") == set(), "it is being sent"
        viewer.put("door", b"2")
        viewer.taken()
        assert (hub.wanted("door"), told) == (set(), [True]), "the next one waits already"
        viewer.take()
        viewer.taken()
        assert hub.wanted("door") == {True}


def test_who_tells_what_was_taken_gets_the_next_small_picture_then(staged: Any, monkeypatch: Any) -> None:
    loop = staged("door", "hall")
    assert len(records(loop, 2, "?size=small&key=mine")) == 2
    with httpx.stream("GET", loop.base + "/live/frames?size=small&large=hall&key=mine", timeout=5) as answer:
        chunks = answer.iter_raw()
        found = Frames(chunks)
        found.until(lambda: found.count["hall"] >= 12)
        assert found.count["door"] == 1, "nobody said that it was taken"
        for n in range(2, 5):
            told = httpx.post(loop.base + "/live/taken", json={"key": "mine", "sources": ["door", "nowhere"]})
            assert told.json() == {}
            found.until(lambda n=n: found.count["door"] == n)
        monkeypatch.setattr(hub_module, "FORGIVEN_S", 0.2)
        found.until(lambda: found.count["door"] == 6)
    refused = httpx.post(loop.base + "/live/taken", json={"key": "mine", "sources": "door"})
    assert (refused.status_code, refused.json()["error"]) == (400, 'send a JSON object with "sources", a list of texts')


class Frames:
    """What a viewer has got so far, counted by source."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.buffer, self.count = chunks, b"", Counter[str]()

    def until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self.buffer += next(self.chunks)
            while len(self.buffer) >= 8:
                text, picture = struct.unpack_from(">II", self.buffer)
                if len(self.buffer) < 8 + text + picture:
                    break
                if text:
                    self.count[json.loads(self.buffer[8 : 8 + text])["source"]] += 1
                self.buffer = self.buffer[8 + text + picture :]


def test_a_status_that_fails_once_does_not_end_the_pulse(staged: Any) -> None:
    loop = staged(fps=0)
    asked: list[float] = []

    def fails_once() -> Any:
        asked.append(time.monotonic())
        if len(asked) == 2:  # the first is the greeting's
            raise RuntimeError("dictionary changed size during iteration")
        return whole()

    whole = loop._status
    loop.control.attach(fails_once, loop._swap)
    with httpx.stream("GET", loop.base + "/live/events", timeout=5) as answer:
        told = (line for line in answer.iter_lines() if line == "event: state")
        next(told)
        next(told)
    assert len(asked) >= 3
