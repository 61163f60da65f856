"""A clip is sent whole or in the part that a player asks for."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from edgelens.runtime.live.http.clip_file import ClipFile

DATA = bytes(range(256)) * 2000


def sent(file: Path | None, asked: str | None = None) -> tuple[int, dict[bytes, bytes], bytes]:
    """The answer of the endpoint itself, on a thread of its own: a browser's tests leave a loop running on this one."""
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    headers = [] if asked is None else [(b"range", asked.encode())]
    scope: dict[str, Any] = {"type": "http", "headers": headers}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(ClipFile(lambda _: file)(scope, receive, send))).result()
    return said[0]["status"], dict(said[0]["headers"]), b"".join(message["body"] for message in said[1:])


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-", 0, None),
        ("bytes=100-199", 100, 200),
        ("bytes=500000-999999", 500000, None),
        ("bytes=-100", -100, None),
    ],
)
def test_a_part(tmp_path: Path, asked: str, begin: int, end: int | None) -> None:
    clip = tmp_path / "a.webm"
    clip.write_bytes(DATA)
    status, headers, body = sent(clip, asked)
    assert (status, headers[b"content-type"]) == (206, b"video/webm")
    assert body == DATA[begin:end]
    first = begin % len(DATA)
    assert headers[b"content-range"] == b"bytes %d-%d/%d" % (first, first + len(body) - 1, len(DATA))


def test_all_of_it(tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    clip.write_bytes(DATA)
    status, headers, body = sent(clip)
    assert (status, headers[b"content-type"], body) == (200, b"video/mp4", DATA)


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=a-b", ""])
def test_what_asks_for_no_part_or_several_gets_all_of_it(tmp_path: Path, asked: str) -> None:
    """As RFC 9110 has it (14.2): 416 is for a part that is not there, not for a range that is none."""
    clip = tmp_path / "a.mp4"
    clip.write_bytes(DATA)
    status, headers, body = sent(clip, asked)
    assert (status, body) == (200, DATA)
    assert b"content-range" not in headers


@pytest.mark.parametrize("asked", ["bytes=512000-", "bytes=512000-600000", "bytes=-0"])
def test_a_part_that_is_not_there(tmp_path: Path, asked: str) -> None:
    clip = tmp_path / "a.mp4"
    clip.write_bytes(DATA)
    assert sent(clip, asked)[0] == 416


def test_a_clip_that_is_gone(tmp_path: Path) -> None:
    assert sent(None)[0] == 404
    assert sent(tmp_path / "gone.mp4")[0] == 404
