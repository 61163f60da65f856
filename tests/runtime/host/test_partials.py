"""What a killed writer left half-written is taken away, and never what somebody still writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edgelens.runtime.host.files import write_text
from edgelens.runtime.host.owned import create_own, replacing_own, write_own
from edgelens.runtime.host.partials import new_partial, partial_name, sweep

WRITER = """
import sys
from pathlib import Path
from edgelens.runtime.host.files import replacing
with replacing(Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".partial"))


def writing(path: Path) -> subprocess.Popen[bytes]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"writing\n"
    return writer


def test_a_killed_writers_half_goes_with_the_next_write_and_a_living_ones_stays(tmp_path: Path) -> None:
    with writing(tmp_path / "a.pt") as killed, writing(tmp_path / "a.pt") as living:
        assert len(left(tmp_path)) == 2
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        write_text(tmp_path / "a.pt", "mine")
        assert [name.split(".")[3] for name in left(tmp_path)] == [str(living.pid)]
        living.communicate(b"")
    assert (tmp_path / "a.pt").read_bytes() == b"half", "who lived wrote to the end"
    assert left(tmp_path) == []


def test_a_number_that_another_process_has_by_now_keeps_nothing(tmp_path: Path) -> None:
    own, older = f".a.{os.getpid()}.1.partial", f".a.{os.getppid()}.partial"
    for name in (own, older):
        (tmp_path / name).write_text("of a process that had this one's number")
    write_text(tmp_path / "a", "new")
    assert left(tmp_path) == []


def test_in_a_folder_of_others_only_what_is_written_is_swept(tmp_path: Path) -> None:
    for name in (".b.1.2.partial", ".a.partial", "a.1.2.partial", ".a.1.2.partial.txt"):
        (tmp_path / name).write_text("not ours to take")
    write_text(tmp_path / "a", "new")
    assert len(list(tmp_path.iterdir())) == 5


def test_in_a_folder_of_state_every_left_half_goes(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    write_own(folder / "a", b"1")
    (folder / ".gone.json.1.2.partial").write_text("half")
    (folder / ".link.1.2.partial").symlink_to(tmp_path)
    os.mkfifo(folder / ".pipe.1.2.partial")
    with replacing_own(folder / "b") as stream:
        stream.write(b"2")
        thread = threading.Thread(target=write_own, args=(folder / "b", b"3"))
        thread.start()
        thread.join()
        assert len(left(folder)) == 3, "the link, the pipe, and what is being written here"
    assert (folder / "b").read_bytes() == b"2"


def test_a_whole_file_is_not_swept_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def after_a_sweep(*args: str, **folders: int) -> None:
        sweep(tmp_path)
        link(*args, **folders)

    monkeypatch.setattr("edgelens.runtime.host.owned.os.link", after_a_sweep)
    assert create_own(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_half_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = tmp_path / partial_name("a")
    lock, tried = __import__("fcntl").flock, []

    def after_a_sweep(handle: int, how: int) -> None:
        if not tried:
            tried.append(handle)
            name.unlink()
        lock(handle, how)

    monkeypatch.setattr("edgelens.runtime.host.partials.fcntl.flock", after_a_sweep)
    handle = new_partial(name, 0o600)
    assert name.stat().st_ino == os.fstat(handle).st_ino
    sweep(tmp_path)
    assert name.exists()
    os.close(handle)
    sweep(tmp_path)
    assert not name.exists()
