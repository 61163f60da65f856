"""What a verb writes never takes the place of a file of another kind: a model, a picture that it reads."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import UsageError

OLD = b"PK\x03\x04somebody's"


@pytest.mark.parametrize(
    "words",
    [
        "evaluate {own} photos --json {own}",
        "verify {own} --json {own}",
        "inspect {own} --json {own}",
        "bench {own} --html {own}",
        "run digits --source demo --summary {own}",
        "train photos --out run --json {own}",
    ],
)
def test_a_file_that_is_no_result_is_not_replaced_by_one(words: str, tmp_path: Path) -> None:
    own = tmp_path / "door.edge"
    own.write_bytes(OLD)
    done = CliRunner().invoke(cli, words.format(own=own).split())
    assert isinstance(done.exception, UsageError), done.output
    assert f"{own}: is a file that is no" in str(done.exception)
    assert own.read_bytes() == OLD


def test_a_result_replaces_an_earlier_one(tmp_path: Path) -> None:
    there = tmp_path / "said.json"
    for _ in range(2):
        done = CliRunner().invoke(cli, ["inspect", "digits", "--json", str(there)])
        assert done.exit_code == 0, done.exception
    there.write_bytes(b"")  # as `touch` and `mktemp` leave it
    assert CliRunner().invoke(cli, ["inspect", "digits", "--json", str(there)]).exit_code == 0


def test_a_page_that_could_not_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["bench", "no-such-model", "--html", str(tmp_path / "nowhere" / "x.html")])
    assert "--html" in str(done.exception) and "there is no folder" in str(done.exception)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "photos" / "cup" / "1.png"
    file.parent.mkdir(parents=True)
    cv2.imwrite(str(file), np.zeros((32, 32, 3), np.uint8))
    return file


@pytest.mark.parametrize("verb", ["explain digits {photo} --out {photo}", "train {data} --show-augmented {photo}"])
def test_a_picture_that_is_looked_at_is_not_written_over(verb: str, photo: Path) -> None:
    before = photo.read_bytes()
    done = CliRunner().invoke(cli, verb.format(photo=photo, data=photo.parent.parent).split())
    assert isinstance(done.exception, UsageError), done.output
    assert "name another" in str(done.exception)
    assert photo.read_bytes() == before
