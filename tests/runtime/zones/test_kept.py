"""Counts survive the process, also one that is killed."""

import json
import signal
import subprocess
import sys
import time

import pytest
from small_disk import SmallDisk, in_own_mounts

from edgelens.runtime.zones.kept import CountsKeeper, counts_file


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)


def test_what_was_put_is_read():
    path = counts_file("rtsp://door/1")
    assert path != counts_file("rtsp://door_1")
    with CountsKeeper(path) as keeper:
        assert keeper.read() == {}
        for i in range(50):
            keeper.put({"lines": {"door": {"in": {"person": i}}}})
    assert CountsKeeper(path).read() == {"lines": {"door": {"in": {"person": 49}}}}


def test_lines_that_are_not_watched_this_time_keep_their_counts():
    path = counts_file("door")
    with CountsKeeper(path) as keeper:
        keeper.put({"lines": {"a": {"in": {"person": 100}}}, "zones": {"old": {"entries": {"cup": 2}}}})
    with CountsKeeper(path) as keeper:
        keeper.put({"lines": {}, "zones": {"b": {"entries": {"cup": 1}}}})
    with CountsKeeper(path) as keeper:
        keeper.put({"lines": {"a": {"in": {"person": 101}}}, "zones": {"b": {"entries": {"cup": 5}}}})
        wait_for(lambda: keeper.read()["lines"]["a"]["in"] == {"person": 101})
        keeper.put({"lines": {}, "zones": {"b": {"entries": {"cup": 6}}}})  # taken away on the page
    zones = {"old": {"entries": {"cup": 2}}, "b": {"entries": {"cup": 6}}}
    assert CountsKeeper(path).read() == {"lines": {}, "zones": zones}


def test_a_process_that_is_killed_leaves_a_whole_file(tmp_path):
    script = (
        "import itertools, time\n"
        "from edgelens.runtime.zones.kept import CountsKeeper, counts_file\n"
        "with CountsKeeper(counts_file('door')) as keeper:\n"
        "    for i in itertools.count():\n"
        "        keeper.put({'lines': {'door': {'in': {'person': i}}}, 'room': 'x' * 20000})\n"
        "        time.sleep(.001)\n"
    )
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", script])
        path, deadline = counts_file("door"), time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert set(json.loads(path.read_bytes())) == {"lines", "room"}


def test_counts_that_cannot_be_read_begin_at_nought_and_that_is_said():
    path = counts_file("door")
    with CountsKeeper(path) as keeper:
        keeper.put({"lines": {}})
    path.write_text("{ half")
    said = []
    assert CountsKeeper(path, said.append).read() == {}
    assert "counts begin at 0" in said[0]


def test_counts_that_cannot_be_written_are_said_once(tmp_path):
    path = counts_file("door")
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("in the way")
    said = []
    with CountsKeeper(path, said.append) as keeper:
        for i in range(3):
            keeper.put({"i": i})
            time.sleep(0.05)
    assert len(said) == 1
    assert "counts are not kept" in said[0]


def test_counts_on_a_full_disk_are_kept_when_there_is_room_again(
    small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgelens.runtime.zones.kept._AGAIN_S", 0.05)
    monkeypatch.setenv("XDG_STATE_HOME", str(small_disk.folder))
    path, said = counts_file("door"), []
    with CountsKeeper(path, said.append) as keeper:
        keeper.put({"i": 0})
        wait_for(path.exists)
        small_disk.fill()
        keeper.put({"i": 1, "room": "x" * 5000})
        wait_for(lambda: said)
        time.sleep(0.2)
        assert keeper.read() == {"i": 0}, "what was there stays"
        small_disk.empty()
        wait_for(lambda: keeper.read()["i"] == 1)
    assert len(said) == 1
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_disk_in_a_namespace() -> None:
    in_own_mounts(__file__)


def wait_for(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    "damaged",
    ["[]", '{"lines": [], "zones": {}}', '{"lines": {"door": {"in": {"person": "x"}}}}', '{"zones": {"a": null}}',
     '{"zones": {"a": {"entries": {"cup": null}}}}', '{"zones": {"a": {"dwell_s": {"cup": NaN}}}}', "{",
     '{"zones": {"a": {"entries": {"cup": 1' + "0" * 400 + "}}}}"],
)  # fmt: skip
def test_a_damaged_file_is_said_and_counts_begin_at_0(damaged):
    path, said = counts_file("door"), []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(damaged)
    assert CountsKeeper(path, said.append).read() == {}
    assert len(said) == 1 and said[0].startswith("counts begin at 0: ")
