"""Messages and packets are found however their bytes come."""

import pytest

from edgelens.runtime.sources.interleaved import LONGEST_MESSAGE, InterleavedSplitter

ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-length:  9\r\n\r\nv=0\r\n$$\r\n"
PACKET = b"$\x00\x00\x06\x80\xe0$RTS"
EMPTY = b"$\x01\x00\x00"
PIECES = [ANSWER, PACKET, EMPTY, b"\r\n", b"RTSP/1.0 200 OK\r\n\r\n", PACKET, PACKET]
STREAM = b"".join(PIECES)


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_split_anywhere_the_pieces_are_the_same(at):
    splitter = InterleavedSplitter()
    found = [bytes(piece) for part in (STREAM[:at], STREAM[at:]) for piece in splitter.feed(part)]
    assert [piece for piece in found if piece.strip()] == [piece for piece in PIECES if piece.strip()]
    assert b"".join(found) == STREAM


def test_byte_by_byte():
    splitter = InterleavedSplitter()
    found = [bytes(piece) for i in range(len(STREAM)) for piece in splitter.feed(STREAM[i : i + 1])]
    assert [piece for piece in found if piece.strip()] == [piece for piece in PIECES if piece.strip()]


def test_what_is_not_complete_is_kept_back():
    splitter = InterleavedSplitter()
    assert list(splitter.feed(PACKET[:-1])) == []
    assert [bytes(piece) for piece in splitter.feed(PACKET[-1:])] == [PACKET]


@pytest.mark.parametrize(
    "endless", [b"x" * (LONGEST_MESSAGE + 1), b"RTSP/1.0 200 OK\r\nContent-Length: 999999999\r\n\r\n"]
)
def test_a_message_without_end_is_refused(endless):
    with pytest.raises(ValueError, match="without end"):
        list(InterleavedSplitter().feed(endless))
