"""A run's folder is passed on: what lies in it is data, and nothing there runs."""

from __future__ import annotations

import io
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from edgelens.runtime.errors import EdgelensError
from edgelens.train.runs.checkpoint import State, load_state


class Runs:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("how", ["pickle", "torch", "network"])
def test_nothing_in_a_checkpoint_runs(tmp_path: Path, how: str) -> None:
    network = nn.Linear(2, 2)
    state, mark, stream = State(network, torch.optim.SGD(network.parameters())), tmp_path / "executed", io.BytesIO()
    if how == "pickle":
        stream.write(pickle.dumps({"network": Runs(mark)}, protocol=2))
    elif how == "torch":
        torch.save({"network": network.state_dict(), "optimizer": Runs(mark)}, stream)
    else:
        torch.save(network, stream)
    with warnings.catch_warnings(), pytest.raises(EdgelensError) as refused:
        warnings.simplefilter("ignore")
        load_state(state, stream.getvalue(), tmp_path / "last.pt")
    assert "\n" not in str(refused.value)
    assert not mark.exists()
