"""State is read and written only where no other user can have had a hand in it, and through no link."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from edgelens.runtime.errors import WorkError
from edgelens.runtime.host.owned import create_own, own_folder, read_own, read_secret, write_own

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's files")


def test_what_is_written_is_read_and_only_ours(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "state"
    write_own(path, b"one")
    write_own(path, b"two")
    assert read_own(path) == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["state"]


def test_no_link_is_followed(tmp_path: Path) -> None:
    theirs, folder = tmp_path / "theirs", tmp_path / "own"
    theirs.write_bytes(b"precious")
    folder.mkdir(mode=0o700)
    (folder / "state").symlink_to(theirs)
    with pytest.raises(OSError, match="symbolic links"):
        read_own(folder / "state")
    for name in (f".state.{os.getpid()}.partial", f".state.{os.getpid()}.{threading.get_ident()}.partial"):
        (folder / name).symlink_to(theirs)
    write_own(folder / "state", b"mine")
    assert theirs.read_bytes() == b"precious"
    assert read_own(folder / "state") == b"mine", "the link made room"
    (tmp_path / "linked").symlink_to(folder)
    with pytest.raises(WorkError, match="linked: is no folder of its own"):
        write_own(tmp_path / "linked" / "state", b"mine")


@as_root
def test_what_another_user_owns_is_refused(tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "theirs")
    write_own(folder / "state", b"x")
    os.chown(folder / "state", NOBODY, NOBODY)
    with pytest.raises(WorkError, match=r"state: belongs to another user of this machine \(number 65534\)"):
        read_own(folder / "state")
    with pytest.raises(WorkError, match="belongs to another user"):
        read_secret(folder / "state")
    os.chown(folder, NOBODY, NOBODY)
    for refused in (own_folder, lambda path: write_own(path / "state", b"y"), lambda path: create_own(path / "n", b"")):
        with pytest.raises(WorkError, match="belongs to another user"):
            refused(folder)
    assert (folder / "state").read_bytes() == b"x"


def test_what_others_may_write_is_refused(tmp_path: Path) -> None:
    folder = own_folder(tmp_path / "open")
    write_own(folder / "state", b"x")
    (folder / "state").chmod(0o606)
    with pytest.raises(WorkError, match="chmod go-w"):
        read_own(folder / "state")
    folder.chmod(0o777)
    with pytest.raises(WorkError, match="other users of this machine may write it"):
        write_own(folder / "state", b"y")


def test_pipes_folders_and_large_files_are_no_state(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "large").write_bytes(bytes(101))
    for name, words in (("pipe", "no regular file"), ("folder", "no regular file"), ("large", "larger than the 100")):
        with pytest.raises(WorkError, match=words):
            read_own(tmp_path / name, most=100)


def test_one_of_many_makes_it(tmp_path: Path) -> None:
    made: list[bool] = []
    start = lambda: made.append(create_own(tmp_path / "t" / "x", b"x"))  # noqa: E731
    starts = [threading.Thread(target=start) for _ in range(8)]
    for thread in starts:
        thread.start()
    for thread in starts:
        thread.join()
    assert made.count(True) == 1
    assert len(list((tmp_path / "t").iterdir())) == 1


def test_a_secret_may_be_named_by_a_link_and_read_by_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "secret").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(WorkError, match="others can read it; run: chmod 600"):
        read_secret(tmp_path / "link")
    (tmp_path / "secret").chmod(0o400)
    assert read_secret(tmp_path / "link") == b"s"
