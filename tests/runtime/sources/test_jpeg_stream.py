import cv2
import numpy as np
import pytest

from edgelens.runtime.sources import jpeg_stream
from edgelens.runtime.sources.jpeg_stream import JpegSplitter


def jpegs(count: int = 12) -> list[bytes]:
    rng = np.random.default_rng(0)
    pictures = []
    for i in range(count):
        image = cv2.resize(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8), (160, 120))
        kind = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1] if i % 3 == 0 else [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
        pictures.append(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90, *kind])[1].tobytes())
    return pictures


def with_thumbnail(picture: bytes, thumbnail: bytes) -> bytes:
    """A picture with another inside its APP1 segment, as cameras' EXIF has them: an end marker before the end."""
    body = b"Exif\0\0" + thumbnail
    return picture[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + picture[2:]


def part(picture: bytes, header: bytes) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\n" + header + b"\r\n" + picture + b"\r\n"


PICTURES = jpegs()
STREAMS = {
    "bare": b"".join(PICTURES),
    "parts": b"".join(part(p, b"") for p in PICTURES),
    "lengths": b"".join(part(p, b"Content-Length: %d\r\n" % len(p)) for p in PICTURES),
    "lower case": b"".join(part(p, b"content-length:%d\r\n" % len(p)) for p in PICTURES),
    "wrong lengths": b"".join(part(p, b"Content-Length: %d\r\n" % (len(p) - 9)) for p in PICTURES),
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("size", [1, 1400, 65536])
def test_every_picture_comes_out_whole(stream, size):
    data, splitter = STREAMS[stream], JpegSplitter()
    found = [p.data for i in range(0, len(data), size) for p in splitter.feed(data[i : i + size])]
    assert found == PICTURES


def test_a_thumbnail_inside_a_picture_is_not_a_picture():
    whole = with_thumbnail(PICTURES[0], jpegs(1)[0])
    splitter = JpegSplitter()
    assert [p.data for p in splitter.feed(whole * 2)] == [whole, whole]


def test_after_damage_the_next_picture_is_found():
    cut = PICTURES[1][:700]
    splitter = JpegSplitter()
    found = [p.data for p in splitter.feed(PICTURES[0] + b"noise" + PICTURES[2])]
    assert found == [PICTURES[0], PICTURES[2]]
    splitter = JpegSplitter()
    found = [p.data for p in splitter.feed(cut + PICTURES[2] + PICTURES[3])]
    assert found[-1] == PICTURES[3]


def test_a_picture_without_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(jpeg_stream, "LARGEST", 100_000)
    splitter = JpegSplitter()
    list(splitter.feed(PICTURES[0][:600]))
    for _ in range(100):
        list(splitter.feed(b"\x01" * 50_000))
    assert len(splitter._data) < 200_000
    assert [p.data for p in splitter.feed(PICTURES[1])] == [PICTURES[1]]


def test_a_picture_that_stood_still_on_its_way_is_old(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(jpeg_stream.time, "monotonic", lambda: now[0])
    splitter = JpegSplitter()
    list(splitter.feed(PICTURES[0][:500]))
    now[0] += 3
    assert list(splitter.feed(PICTURES[0][500:])) == []
    fresh = list(splitter.feed(PICTURES[1]))
    assert [(p.data, p.began) for p in fresh] == [(PICTURES[1], 103.0)]
