"""What is written in one step of the loop leaves as one piece, in order, and is never kept longer."""

from __future__ import annotations

import asyncio

from own_loop import ran

from edgelens.runtime.live.http.one_piece import OnePiece


class Sent(asyncio.Transport):
    """Notes what reaches the network, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.pieces.append(b"closed")

    def is_closing(self) -> bool:
        return b"closed" in self.pieces


def test_a_head_and_its_body_leave_together() -> None:
    async def answer() -> list[bytes]:
        sent = Sent()
        transport = OnePiece(sent, asyncio.get_running_loop())
        transport.write(b"head ")
        assert sent.pieces == []
        transport.write(b"body")
        await asyncio.sleep(0)
        return sent.pieces

    assert ran(answer) == [b"head body"]


def test_a_head_alone_leaves_when_the_step_is_over() -> None:
    async def answer() -> list[bytes]:
        sent = Sent()
        transport = OnePiece(sent, asyncio.get_running_loop())
        transport.write(b"head")
        await asyncio.sleep(0)
        transport.write(b"event 1")
        await asyncio.sleep(0)
        return sent.pieces

    assert ran(answer) == [b"head", b"event 1"]


def test_what_was_kept_leaves_before_the_close() -> None:
    async def answer() -> list[bytes]:
        sent = Sent()
        transport = OnePiece(sent, asyncio.get_running_loop())
        transport.write(b"last words")
        transport.close()
        await asyncio.sleep(0)
        assert transport.is_closing()
        return sent.pieces

    assert ran(answer) == [b"last words", b"closed"]
