"""What one measuring process is asked to do; travels to it as JSON on its stdin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["MeasureSpec", "PairSpec", "Target", "pair_from_json", "spec_from_json", "to_json"]


@dataclass(frozen=True)
class Target:
    """One model file on one engine."""

    path: str  # the model file itself, taken out of its bundle
    engine: str
    threads: int = 1
    shape: tuple[int, ...] = ()  # of the image input, for files that leave axes open


@dataclass(frozen=True)
class MeasureSpec:
    """Cold start, warm-up and steady state of one target, and the whole way from a frame where a model is named."""

    target: Target
    duration_s: float = 1.0
    most_runs: int = 20_000
    warmup_s: float = 2.0  # at most; it ends when the median has settled
    end_to_end: Mapping[str, Any] | None = None  # what `end_to_end.py` opens the recognizer with
    operators: bool = False
    spawned_s: float = field(default=0.0)  # the monotonic clock when the process was started


@dataclass(frozen=True)
class PairSpec:
    """Two targets measured in turn in one process, loaded anew several times: where they lie in memory matters."""

    a: Target
    b: Target
    duration_s: float = 0.12  # of each load
    loads: int = 3
    seed: int = 0  # of where they lie, and of which comes first


def to_json(spec: MeasureSpec | PairSpec) -> str:
    """A spec on one line."""
    return json.dumps({"what": "measure" if isinstance(spec, MeasureSpec) else "pair", **asdict(spec)})


def spec_from_json(values: Mapping[str, Any]) -> MeasureSpec:
    """A measuring spec from its JSON."""
    rest = {key: value for key, value in values.items() if key not in ("what", "target")}
    return MeasureSpec(target=_target(values["target"]), **rest)


def pair_from_json(values: Mapping[str, Any]) -> PairSpec:
    """A pair's spec from its JSON."""
    rest = {key: value for key, value in values.items() if key not in ("what", "a", "b")}
    return PairSpec(_target(values["a"]), _target(values["b"]), **rest)


def _target(values: Mapping[str, Any]) -> Target:
    return Target(str(values["path"]), str(values["engine"]), int(values["threads"]), tuple(values["shape"]))
