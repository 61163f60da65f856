"""Files that are the old ones or the new ones, never half of one, whatever the disk does."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.files import check_place, write_text, write_together


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_files_written_together_are_all_new(tmp_path):
    (tmp_path / "b").write_text("old")
    write_together([(tmp_path / "a", b"new"), (tmp_path / "b", b"new")])
    assert contents(tmp_path) == {"a": "new", "b": "new"}


@pytest.mark.parametrize("names", [("/dev/full", "b", "c"), ("b", "/dev/full", "c"), ("b", "c", "/dev/full")])
def test_one_that_cannot_be_written_leaves_the_others_old(tmp_path, names):
    for name in ("b", "c"):
        (tmp_path / name).write_text("old")
    with pytest.raises(WorkError, match="/dev/full: could not be written"):
        write_together((tmp_path / name, b"new") for name in names)
    assert contents(tmp_path) == {"b": "old", "c": "old"}


def test_the_last_keeps_its_old_file_where_another_cannot_take_its_place(tmp_path):
    (tmp_path / "b").mkdir()  # written beside it, and then a folder is in the way
    (tmp_path / "c").write_text("old")
    with pytest.raises(WorkError, match="b: could not be written"):
        write_together([(tmp_path / "b", b"new"), (tmp_path / "c", b"new")])
    assert contents(tmp_path) == {"c": "old"}


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path):
    (tmp_path / "old.json").write_text("old")
    os.mkfifo(tmp_path / "pipe")
    for name in ("old.json", "new.json", "pipe"):
        check_place(tmp_path / name, "--json")
    assert contents(tmp_path) == {"old.json": "old"}


@pytest.mark.parametrize(("name", "words"), [("", "is a folder"), ("nowhere/x.json", "there is no folder")])
def test_a_place_that_cannot_be_is_an_input_error(tmp_path, name, words):
    with pytest.raises(UsageError, match=f"--json {tmp_path}.*{words}"):
        check_place(tmp_path / name, "--json")


def test_a_folder_that_takes_no_files_is_said_before_the_work(tmp_path):
    locked = "/proc/self" if os.geteuid() == 0 else str(tmp_path)  # root may write to any folder of a disk
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(WorkError, match=r"--json .*x\.json: cannot be written there"):
        check_place(f"{locked}/x.json", "--json")
    tmp_path.chmod(stat.S_IRWXU)


def test_only_a_file_that_a_person_names_is_written_through_a_link(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in ("kept", "named"):
        (tmp_path / name).symlink_to(precious)
    write_text(tmp_path / "kept", "new")
    assert (precious.read_text(), (tmp_path / "kept").read_text()) == ("mine", "new")
    write_text(tmp_path / "named", "new", named=True)
    assert precious.read_text() == "new" and (tmp_path / "named").is_symlink()


def test_a_link_to_what_is_no_file_is_written_through_where_it_is_named(tmp_path):
    for name in ("kept", "named"):
        (tmp_path / name).symlink_to("/dev/null")
        write_text(tmp_path / name, "new", named=name == "named")
    assert [(tmp_path / name).is_symlink() for name in ("kept", "named")] == [False, True]


def test_a_link_put_where_a_file_is_written_first_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for place in (tmp_path / "out.json", tmp_path / "tried.json"):
        place.with_name(f".{place.name}.{os.getpid()}.partial").symlink_to(precious)
    write_text(tmp_path / "out.json", "new")
    check_place(tmp_path / "tried.json", "--json")
    assert (precious.read_text(), (tmp_path / "out.json").read_text()) == ("mine", "new")
