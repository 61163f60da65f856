"""What goes and what stays: by size, by the time that has passed, never by a clock that leaps or a disk others fill."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgelens.runtime.sinks.lived_time import LivedTime
from edgelens.runtime.sinks.options.record import RecordOptions
from edgelens.runtime.sinks.quota import Quota
from edgelens.runtime.sinks.record import RecordSink

DAY = 86400.0
NAMES = re.compile(r"\d+\.jpg")


class Clock:
    """A wall clock that is set by hand, and goes on by itself."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead, self._time = 0.0, time.time
        monkeypatch.setattr(time, "time", lambda: self._time() + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def archive(folder: Path, *ages_days: float) -> list[Path]:
    files = []
    for number, age in enumerate(ages_days):
        path = folder / f"{number}.jpg"
        path.write_bytes(bytes(1000))
        os.utime(path, (time.time() - age * DAY,) * 2)
        files.append(path)
    return files


def quota(folder: Path, most_bytes: int = 10**9, days: float = 30) -> Quota:
    return Quota(folder, NAMES, most_bytes, days * DAY, 0, LivedTime(folder / ".clock.json"))


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.jpg")}


def test_what_is_too_old_goes_and_the_rest_stays(tmp_path: Path) -> None:
    archive(tmp_path, 29, 31, 0.1)
    assert quota(tmp_path).make_room(0)
    assert there(tmp_path) == {"0.jpg", "2.jpg"}


@pytest.mark.parametrize("days", [32, 400, 20_000])
def test_a_clock_that_leaps_ahead_while_it_runs_deletes_nothing(tmp_path: Path, clock: Clock, days: int) -> None:
    archive(tmp_path, 29, 10, 0.1)
    kept = quota(tmp_path)
    kept.make_room(0)
    clock.ahead = days * DAY
    kept.make_room(0)
    assert len(there(tmp_path)) == 3
    again = quota(tmp_path)  # the next run knows of the leap
    again.make_room(0)
    assert len(there(tmp_path)) == 3
    clock.ahead += 2 * DAY  # and two days that have really passed count: the one of 29 days is too old now
    again.lived._last = again.lived._last.__class__(time.time(), "", 0.0)
    again.make_room(0)
    assert len(there(tmp_path)) == 2


def test_a_clock_that_is_wrong_from_the_start_deletes_nothing(tmp_path: Path, clock: Clock) -> None:
    archive(tmp_path, 29, 10, 0.1)
    clock.ahead = 32 * DAY
    quota(tmp_path).make_room(0)
    assert len(there(tmp_path)) == 3


def test_a_clock_that_goes_wrong_and_is_set_right_again(tmp_path: Path, clock: Clock) -> None:
    archive(tmp_path, 31, 29, 0.1)
    kept = quota(tmp_path, days=40)
    for ahead in (0, 50 * DAY, 0, -20_000 * DAY, 0):
        clock.ahead = ahead
        kept.make_room(0)
        assert len(there(tmp_path)) == 3
    assert kept.lived.age(time.time() - 31 * DAY) == pytest.approx(31 * DAY, abs=60)


def test_a_clock_that_has_fallen_back_does_not_make_the_newest_the_oldest(tmp_path: Path, clock: Clock) -> None:
    archive(tmp_path, 3, 2, 1)
    clock.ahead = -20_000 * DAY
    new = tmp_path / "9.jpg"
    new.write_bytes(bytes(1000))
    os.utime(new, (time.time(),) * 2)
    assert quota(tmp_path, most_bytes=4 * 4096).make_room(1000)
    assert there(tmp_path) == {"1.jpg", "2.jpg", "9.jpg"}


def test_a_recorder_says_that_the_clock_has_leapt(tmp_path: Path, clock: Clock) -> None:
    said: list[str] = []
    (tmp_path / "clips").mkdir()
    old = tmp_path / "clips" / "20260101-000000-000000-camera-cup.webm"
    old.write_bytes(b"x")
    clock.ahead = 32 * DAY
    with RecordSink(RecordOptions(tmp_path, keep_free_bytes=0), say=said.append):
        assert old.exists()
    assert said == ["record: the clock leapt by +32.0 days; nothing that is kept is older for it"]


def test_nothing_is_deleted_for_what_would_not_fit_all_the_same(tmp_path: Path) -> None:
    archive(tmp_path, 3, 2, 1)
    assert not quota(tmp_path, most_bytes=5 * 4096).make_room(6 * 4096)
    full = Quota(tmp_path, NAMES, 4 * 4096, keep_free_bytes=10**18)
    assert not full.make_room(8192)
    assert len(there(tmp_path)) == 3


def test_a_disk_that_was_full_at_the_start_is_used_when_there_is_room(tmp_path: Path, monkeypatch: Any) -> None:
    free = [100_000]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free[0]))
    kept = Quota(tmp_path, NAMES, 10**6, keep_free_bytes=100_000).settled()
    assert (kept.most_bytes, kept.make_room(5000)) == (0, False)
    free[0] = 10**9
    assert kept.make_room(5000) and not kept.make_room(10**6 + 1)
    archive(tmp_path, 3, 2, 1)
    free[0] = 100_000  # what others have taken since it goes without; what was its own stays so
    assert not kept.make_room(4 * 4096)
    assert kept.make_room(4096)
    assert there(tmp_path) == {"1.jpg", "2.jpg"}


def test_a_small_disk_makes_the_limit_smaller_but_never_than_what_is_there(tmp_path: Path) -> None:
    archive(tmp_path, 3, 2, 1)
    assert Quota(tmp_path, NAMES, 10**6, keep_free_bytes=10**18).settled().most_bytes == 3 * 4096
    assert Quota(tmp_path, NAMES, 10**6, keep_free_bytes=0).settled().most_bytes == 10**6
