"""Exchanging the model of a source, or of all, without stopping them."""

from __future__ import annotations

from collections.abc import Sequence

from .lane import Lane, models_of
from .model_slot import ModelSlot

__all__ = ["swap_model"]


def swap_model(lanes: Sequence[Lane], name: str, source: str | None = None) -> None:
    """Run the model of that name on one source, or on all; where it fails its golden frames the old ones go on."""
    before = models_of(lanes)
    chosen = [lane for lane in lanes if source in (None, lane.source.name)]
    opened: list[ModelSlot] = []
    taken: list[tuple[Lane, ModelSlot]] = []
    try:
        for lane in chosen:
            asked = lane.asked(name)
            slot = next((slot for slot in (*before, *opened) if slot.is_still(asked)), None)
            if slot is None:
                slot = ModelSlot.proved(asked, lane.model.choice)
                opened.append(slot)
            taken.append((lane, slot))
    except BaseException:
        for slot in opened:
            slot.__exit__()
        raise
    for lane, slot in taken:
        lane.take(slot)
    for slot in before:
        if slot not in models_of(lanes):
            slot.__exit__()
