"""A model that several threads ask for is there once."""

from __future__ import annotations

import threading

from edgelens.runtime.loop.model_slot import ModelSlot
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.model.open import open_model


def test_the_loop_and_the_page_share_the_one_recognizer_that_is_loaded(monkeypatch):
    opened, real = [], ModelSlot._opened
    monkeypatch.setattr(ModelSlot, "_opened", lambda slot, bundle: opened.append(slot) or real(slot, bundle))
    asked, seen = threading.Barrier(3), []

    def page() -> None:
        asked.wait()
        with slot.in_use() as recognizer:
            seen.append(recognizer)

    with ModelSlot(open_model("digits", ModelArguments())) as slot:
        pages = [threading.Thread(target=page) for _ in range(2)]
        for thread in pages:
            thread.start()
        asked.wait()
        slot.load()
        for thread in pages:
            thread.join()
        with slot.in_use() as recognizer:
            assert all(each is recognizer for each in seen)
    assert len(opened) == 1, "what is loaded twice takes twice the memory"
