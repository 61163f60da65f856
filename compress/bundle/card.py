"""The card: accuracy, size and latency before and after each step, as JSON and as a page for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgelens.runtime.metrics.interval import percent

__all__ = ["CARD_BEGINS", "Card", "CardRow", "share_of"]

CARD_BEGINS = b'{\n "name":'  # by which a file is known that the next card may replace
_SHOWN = 20  # rows of a list; the JSON has them all


@dataclass(frozen=True)
class CardRow:
    """One file after one step; None for what was not measured."""

    step: str  # "float32 ONNX", "int8 TFLite", ...
    accuracy: float | None = None
    size: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    snr_db: float | None = None
    agreement: float | None = None  # with the float torch network
    file: str = ""
    note: str = ""
    macs: int | None = None
    device_ms: float | None = None  # p50 on the device that `--on` names, or what is predicted of `--device`
    device_up_to_ms: float | None = None  # p95 there, or the upper end of the prediction's 80 % interval


@dataclass(frozen=True)
class Card:
    """What was done to a network, what each step cost, and how to see it again."""

    name: str
    task: str
    classes: int  # 0 where its answers are none of some classes
    network: str  # "resnet8, 78,666 parameters, 12.5 M multiply-adds"
    evaluated_on: str  # "180 validation images of digits.npz"
    device: str  # where the latencies were measured
    rows: tuple[CardRow, ...]
    command: str = ""
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)  # tables of single techniques: sensitivity, search, …
    on: str = ""  # the device whose timings decided
    images: int = 0  # that accuracy and agreement were measured on; 0 where they are no shares of pictures
    score: str = "accuracy"  # what is measured, in words
    threads: int = 1  # of the engine, when it was timed

    @property
    def what(self) -> str:
        """The network, how many classes it tells apart, and its task."""
        classes = f"; {self.classes} class{'es' if self.classes != 1 else ''}" if self.classes else ""
        return f"{self.network}{classes}; task {self.task}"

    def to_plain(self) -> dict[str, Any]:
        """The card as plain JSON types."""
        return {
            "name": self.name,
            "task": self.task,
            "classes": self.classes,
            "network": self.network,
            "evaluated_on": self.evaluated_on,
            **({"images": self.images} if self.images else {}),
            "device": self.device,
            **({"threads": self.threads} if self.threads != 1 else {}),
            "command": self.command,
            "steps": [{k: v for k, v in vars(row).items() if v not in (None, "")} for row in self.rows],
            "notes": list(self.notes),
            **self.extra,
        }

    def to_json(self) -> bytes:
        """The card for programs."""
        return (json.dumps(self.to_plain(), indent=1, ensure_ascii=False) + "\n").encode()

    def to_markdown(self) -> bytes:
        """The card for people."""
        lines = [f"# {self.name}", "", f"{self.what}.", ""]
        intervals = ", with 95 % intervals" if self.images else ""
        lines += [
            f"{self.said_of_score}{intervals}. {self.said_of_latency}",
            "",
        ]
        header, rows = self.columns()
        lines += _table(header, rows)
        if self.notes:
            lines += ["", *[f"- {note}" for note in self.notes]]
        lines += _some("Operators left in float:", ("operator", "why"), self.extra.get("left_float") or {})
        lines += _some("The score from which a label counts:", ("label", "score"), self.extra.get("thresholds") or {})
        if self.command:
            lines += ["", "Made with", "", f"    {self.command}"]
        return ("\n".join(lines) + "\n").encode()

    @property
    def said_of_score(self) -> str:
        """What is measured, on which pictures."""
        name = self.score.capitalize() if self.score.islower() else self.score  # mAP keeps its letters
        return f"{name} on {self.evaluated_on}"

    @property
    def said_of_latency(self) -> str:
        """What a latency is the time of."""
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        return f"Latency: the engine alone, one picture, {threads}, {self.device}."

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """The table of steps in words; columns that nothing was measured for are left out."""
        titles = [
            "step",
            self.score,
            "multiply-adds",
            "size",
            "p50",
            "p95",
            f"p50 on {self.on}",
            f"80 % interval up to, on {self.on}" if self.on.endswith("(predicted)") else f"p95 on {self.on}",
            "SNR",
            "agreement",
            "",
        ]
        cells = [
            [
                row.step,
                share_of(row.accuracy, self.images),
                "" if row.macs is None else f"{row.macs:,}",
                _bytes(row.size),
                _ms(row.p50_ms),
                _ms(row.p95_ms),
                _ms(row.device_ms),
                _ms(row.device_up_to_ms),
                "" if row.snr_db is None else f"{row.snr_db:.1f} dB",
                share_of(row.agreement, self.images),
                row.note,
            ]
            for row in self.rows
        ]
        kept = [i for i in range(len(titles)) if any(row[i] for row in cells)]
        return [titles[i] for i in kept], [[row[i] for i in kept] for row in cells]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = ([cell.replace("|", "\\|") for cell in row] for row in (header, ["---"] * len(header), *rows))
    return [f"| {' | '.join(row)} |" for row in cells]


def _some(title: str, header: Sequence[str], rows: Mapping[str, Any]) -> list[str]:
    """The first rows of a table under its title; nothing where it has none."""
    if not rows:
        return []
    shown = _table(header, [(name, str(value)) for name, value in list(rows.items())[:_SHOWN]])
    more = ["", f"and {len(rows) - _SHOWN} more, in card.json."] if len(rows) > _SHOWN else []
    return ["", title, "", *shown, *more]


def share_of(value: float | None, images: int) -> str:
    """A share in words, with its interval where it is one of so many images; empty where it was not measured."""
    if value is None or math.isnan(value):
        return ""
    return percent(value, images) if images else f"{100 * value:.2f} %"


def _bytes(value: int | None) -> str:
    return "" if value is None else f"{value:,} B"


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.3f} ms"
