"""What parity says of each file, judged by intervals: few pictures, or one of many, decide nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgelens.runtime.metrics.interval import wilson

from .parity import FileParity, Parity

__all__ = ["Verdict", "verdict_of"]

LEAST_SNR_DB = {"float32": 60.0, "float16": 40.0}
LEAST_AGREEMENT = 0.995  # of a file that only rounds
SOMETHING_ELSE = 0.5  # a file that surely agrees on less answers something else


@dataclass(frozen=True)
class Verdict:
    """Sentences by file: `broken` ones do not ship, `poorer` ones ship but are not what runs unasked."""

    broken: Mapping[str, str]
    poorer: Mapping[str, str]


def verdict_of(parity: Parity, *, max_drop: float = 1.0, least_between: float = 0.99) -> Verdict:
    """Which files are not the trained network, and which lost more than `max_drop` points of its accuracy for sure."""
    broken = {row.path: said for row in parity.files if (said := _broken(row, parity))}
    poorer = {
        row.path: said for row in parity.files if row.path not in broken and (said := _poorer(row, parity, max_drop))
    }
    between = parity.between_formats
    if between is not None and wilson(between, parity.images)[1] < least_between:
        worse = min((row for row in parity.files if row.precision == "int8"), key=lambda row: row.agreement)
        said = (
            f"int8 ONNX and int8 TFLite agree on {100 * between:.2f} % of the {parity.counted} only;"
            f" {worse.title} is further off"
        )
        if worse.path not in broken:
            poorer.setdefault(worse.path, said)
    return Verdict(broken, poorer)


def _broken(row: FileParity, parity: Parity) -> str:
    surely_below = wilson(row.agreement, parity.images)[1]
    limit = LEAST_SNR_DB.get(row.precision)
    if limit is not None and (row.snr_db < limit or surely_below < LEAST_AGREEMENT):
        return f"{row.title} is not the trained network: {row.snr_db:.1f} dB, {_agreement(row)}"
    if limit is None and surely_below < SOMETHING_ELSE:
        where = f"; first far off at {row.parts_at}" if row.parts_at else ""
        return f"{row.title} answers something else: {_agreement(row)} with the float network{where}"
    return ""


def _poorer(row: FileParity, parity: Parity, max_drop: float) -> str:
    """Why a file is not preferred: a loss that is past the limit by more than chance, where chance can be told."""
    points = 100 * (parity.torch_accuracy - row.accuracy)
    if row.lost is None:
        return f"{row.title} loses {points:.2f} points, more than {max_drop:g}" if points > max_drop else ""
    low, high = (100 * bound for bound in row.lost)
    if low <= max_drop or points <= max_drop:
        return ""
    return f"{row.title} loses {points:.2f} points of accuracy ({low:.1f} to {high:.1f}), more than {max_drop:g}"


def _agreement(row: FileParity) -> str:
    return f"{100 * row.agreement:.2f} % agreement"
