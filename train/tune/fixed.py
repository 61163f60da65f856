"""What all trials of a study were trained with: scores of other options are not to be compared with theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgelens.runtime.errors import UsageError

from ..config import TrainConfig
from .space import Space

__all__ = ["fix_options"]

_KEY = "options"  # of the study
# where things lie and what a machine can do: a study's processes may run on several
_OF_A_MACHINE = frozenset(
    ["out", "data", "data_dir", "cache", "ram_limit", "device", "threads", "precision", "compile", "checkpoint_s"]
)
_PATHS = ("start", "teacher", "unlabelled", "groups", "texts")  # known by their names, wherever they lie


def fix_options(study: Any, train: TrainConfig, space: Space, where: str) -> None:
    """Write down what is not searched at a study's first start; a later start with something else is refused."""
    asked = _fixed(train, space)
    stored = study.user_attrs.get(_KEY)
    if stored is None:
        study.set_user_attr(_KEY, asked)
        return
    for name in asked.keys() & stored.keys():  # an older kit may know fewer
        if stored[name] != asked[name]:
            raise UsageError(
                f"{where}: its trials have {name} {_said(stored[name])}, not {_said(asked[name])}; go on with that, or"
                " give this one another --name"
            )


def _fixed(train: TrainConfig, space: Space) -> dict[str, Any]:
    values = train.as_json()
    values |= {name: Path(values[name]).name for name in _PATHS if values[name]}
    values |= values.pop("options")
    searched = {*space, "rate"} if "rate_factor" in space else set(space)
    kept = {name: value for name, value in values.items() if name not in _OF_A_MACHINE | searched}
    return dict(json.loads(json.dumps(kept)))


def _said(value: Any) -> str:
    return "left to the data" if value is None else json.dumps(value)
