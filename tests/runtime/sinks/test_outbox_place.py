"""Messages that wait are kept where nobody else can read them or have put them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgelens.runtime.errors import WorkError
from edgelens.runtime.host.places import state_folder
from edgelens.runtime.sinks.outbox import Outbox


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return state_folder()


def test_the_state_is_made_for_this_user_alone(place: Path) -> None:
    with Outbox(place / "box.sqlite"):
        assert place.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("how", ["link", "others may write it", "another user's"])
def test_a_state_that_others_prepared_is_refused(place: Path, tmp_path: Path, how: str) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    if how == "link":
        place.symlink_to(theirs)
    else:
        place.mkdir(mode=0o700)
        if how == "another user's":
            if os.geteuid():
                pytest.skip("only root can make another user's folder")
            os.chown(place, 65534, 65534)
        else:
            place.chmod(0o777)
    with pytest.raises(WorkError, match=r"remove|chmod"), Outbox(place / "box.sqlite"):
        pass
    assert not list(theirs.iterdir())
