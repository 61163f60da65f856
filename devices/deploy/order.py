"""What a deploy asks a device for, and what the device answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .settle import Settled
from .slots import Slot

__all__ = ["Answer", "Order"]


@dataclass(frozen=True)
class Order:
    """What a deploy asks for; what of a slot is None stays as the current one has it."""

    bundle: str  # the file as it arrived
    layers: tuple[str, ...]
    layer_hashes: Mapping[str, str] = field(default_factory=dict)  # of what was sent, by the one who sent it
    engine: str = "auto"
    precision: str | None = None
    frames: int = 20  # of the smoke run
    service: bool = False
    arguments: tuple[str, ...] = ()
    config: str | None = None  # a file as it arrived; "" takes the slot's away
    environment: str | None = None  # likewise
    keys: str | None = None  # a file of keys to accept from now on
    replace_keys: bool = False

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Order:
        """From an order's JSON."""
        return cls(**{**plain, "layers": tuple(plain["layers"]), "arguments": tuple(plain["arguments"])})


@dataclass(frozen=True)
class Answer:
    """What came of it: the slot that was asked for, and the one that runs."""

    asked: Slot
    runs: Slot | None
    slot: str | None
    settled: Settled

    def to_json(self) -> dict[str, Any]:
        """For `--json`; `files` and `smoke` are of the bundle that was asked for."""
        answer: dict[str, Any] = {
            "name": self.asked.name,
            "content_version": self.asked.content_version,
            "slot": self.slot,
            **self.asked.report,
            "ok": not self.settled.went_back,
            "went_back": self.settled.went_back,
            "why": self.settled.why,
            "service": {"state": self.settled.state, "says": self.settled.says},
            "runs": None,
        }
        if self.runs is not None:
            answer["runs"] = {"name": self.runs.name, "content_version": self.runs.content_version, "slot": self.slot}
        return answer
