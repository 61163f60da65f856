"""A run's folder has one training at a time, and none is left that nothing came to lie in."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgelens.runtime.errors import UsageError
from edgelens.train.runs.place import free_folder, held


def test_a_folder_that_stays_empty_is_taken_away_with_those_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such data"), held(tmp_path / "runs" / "cups"):
        raise UsageError("no such data")
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path / "runs" / "cups"):
        (tmp_path / "runs" / "cups" / "run.json").write_text("{}")
    with held(tmp_path / "runs" / "cups"):
        pass
    assert (tmp_path / "runs" / "cups" / "run.json").read_text() == "{}"


def test_a_second_training_in_it_is_refused_until_the_first_is_over(tmp_path: Path) -> None:
    with held(tmp_path / "run"), pytest.raises(UsageError, match="a training is at work in it"):  # noqa: SIM117
        with held(tmp_path / "run"):
            raise AssertionError
    with held(tmp_path / "run"):
        pass


def test_trainings_that_begin_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    first = tmp_path / "runs" / "cups"
    with free_folder(first) as one, free_folder(first) as two:
        assert (one, two) == (first, tmp_path / "runs" / "cups-2")
        (two / "run.json").write_text("{}")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["cups-2"]
