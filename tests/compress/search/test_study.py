"""A study is a folder that people pass on: its weights are read, and nothing in it runs."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgelens.compress.search.budget import Budget
from edgelens.compress.search.search import SearchConfig, search_run
from edgelens.compress.search.space import Attempt
from edgelens.compress.search.study import Study, check_folder
from edgelens.runtime.errors import UsageError

PLAN = Attempt("pruned", 0.5)


def made(width: int = 4) -> nn.Module:
    layers = nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten(), nn.Linear(36 * width, 2)
    return nn.Sequential(*layers).eval()


class Runs:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_weights_come_back_in_the_plans_network(tmp_path: Path) -> None:
    study, learned, bare = Study.open(tmp_path, "id"), made(), made()
    study.keep_network(PLAN, "long", learned)
    found = study.network(PLAN, "long", bare)
    assert found is not None
    picture = torch.rand(1, 3, 8, 8)
    assert torch.equal(found(picture), learned(picture))
    assert not torch.equal(bare(picture), learned(picture)), "the bare one stays bare"
    assert study.network(PLAN, "short", bare) is None
    assert study.network(PLAN, "long", made(8)) is None, "weights of another shape are none of this plan's"


def test_a_folder_of_other_things_takes_no_candidates(tmp_path: Path) -> None:
    photos, study = tmp_path / "photos", tmp_path / "study"
    (photos / "cup").mkdir(parents=True)
    config = SearchConfig(Budget(size_bytes=1), study=str(photos))
    with pytest.raises(UsageError, match=r"--study .*photos: holds other things than a study"):
        search_run("no-such-run", tmp_path / "x.edge", config)
    check_folder(study)
    Study.open(study, "0" * 64)
    check_folder(study)


@pytest.mark.parametrize("how", ["pickle", "torch", "module", "rubbish", "list", "folder"])
def test_nothing_that_lies_in_a_study_runs(tmp_path: Path, how: str) -> None:
    study, mark = Study.open(tmp_path, "id"), tmp_path / "executed"
    place = study.folder / f"{PLAN.key}.long.pt"
    if how == "pickle":
        place.write_bytes(pickle.dumps(Runs(mark)))
    elif how == "torch":
        torch.save({"0.weight": Runs(mark)}, place)
    elif how == "module":
        torch.save(made(), place)
    elif how == "list":
        torch.save([1, 2], place)
    elif how == "folder":
        place.mkdir()
    else:
        place.write_bytes(b"PK\x03\x04 rubbish")
    assert study.network(PLAN, "long", made()) is None
    assert not mark.exists()


ODD = ["", "[]", "{}", '{"accuracy": "x"}', '{"accuracy": NaN}', '{"accuracy": null}', "[" * 100_000]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_facts_are_no_facts(tmp_path: Path, text: str) -> None:
    study = Study.open(tmp_path, "id")
    study.keep_accuracy(PLAN, "short", 0.75)
    assert study.accuracy(PLAN, "short") == 0.75
    (study.folder / f"{PLAN.key}.short.json").write_text(text)
    assert study.accuracy(PLAN, "short") is None
