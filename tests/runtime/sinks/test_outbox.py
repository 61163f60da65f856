"""What waits for a broker: bounded, in order, and told from damage."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from edgelens.runtime.sinks.losses import Losses
from edgelens.runtime.sinks.outbox import Message, Outbox


def test_the_outbox_is_bounded_ordered_and_survives(tmp_path: Path) -> None:
    with Outbox(tmp_path / "box", most=5) as box:
        box.put([Message("t", str(i).encode()) for i in range(8)])
        assert (len(box), box.losses.lost) == (5, 3)
        first = box.next(0, 2)
        assert [message.payload for message in first] == [b"3", b"4"]
        box.done([message.row for message in first])
    with Outbox(tmp_path / "box", most=5) as box:
        assert [message.payload for message in box.next(0, 9)] == [b"5", b"6", b"7"]
    with Outbox(tmp_path / "box", most_bytes=2) as box:
        box.put([Message("t", b"8")])
        assert [message.payload for message in box.next(0, 9)] == [b"7", b"8"]


def test_a_damaged_outbox_is_put_aside_under_a_name_of_its_own(tmp_path: Path) -> None:
    for name in ("box.damaged", "box.damaged-2"):
        (tmp_path / "box.sqlite").write_bytes(b"not a data base" * 100)
        (tmp_path / "box.sqlite-wal").write_bytes(b"what is beside it")
        said: list[str] = []
        with Outbox(tmp_path / "box.sqlite", losses=Losses("mqtt", said.append)) as box:
            box.put([Message("t", b"1")])
            assert len(box) == 1
        assert (tmp_path / name).read_bytes() == b"not a data base" * 100
        assert said == [f"mqtt: {tmp_path / 'box.sqlite'} is damaged; put aside as {tmp_path / name}"]
        (tmp_path / "box.sqlite").unlink()


def test_an_outbox_that_is_damaged_while_it_is_used_goes_on_with_a_new_one(tmp_path: Path) -> None:
    with Outbox(tmp_path / "box.sqlite", losses=Losses("mqtt", lambda line: None)) as box:
        box.put([Message("t", str(i).encode() * 3000) for i in range(50)])
        sent = max(message.row for message in box.next(0, 30))
        box._close()
        data = bytearray((tmp_path / "box.sqlite").read_bytes())
        data[4096:] = bytes(255 - byte for byte in data[4096:])
        (tmp_path / "box.sqlite").write_bytes(data)
        box.put([Message("t", b"new")])
        box.put([Message("t", b"newer")])
        assert [message.payload for message in box.next(sent, 9)] == [b"new", b"newer"], "numbers go on"
    assert (tmp_path / "box.damaged").exists()


@pytest.mark.parametrize("error", ["database is locked", "disk I/O error", "unable to open database file"])
def test_a_healthy_outbox_is_never_taken_for_a_damaged_one(
    tmp_path: Path, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Outbox(tmp_path / "box.sqlite") as box:
        box.put([Message("t", b"kept")])

    def failing(*args: Any, **kwargs: Any) -> None:
        raise sqlite3.OperationalError(error)

    with monkeypatch.context() as broken:
        broken.setattr("edgelens.runtime.sinks.outbox_file._connected", failing)
        with Outbox(tmp_path / "box.sqlite", losses=Losses("mqtt", lambda line: None)) as box:
            box.put([Message("t", b"held")])
            assert "messages" in box.losses.error
            broken.undo()
            box.put([Message("t", b"more")])
            assert box.losses.error == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["box.sqlite", "box.sqlite.lock"]
    with Outbox(tmp_path / "box.sqlite") as box:
        assert [message.payload for message in box.next(0, 9)] == [b"kept", b"held", b"more"]
