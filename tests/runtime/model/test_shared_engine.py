"""Many threads, one engine: batches that form by themselves, and errors that stay with those who asked."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.shared_engine import SharedEngine, batch_pays


def test_batches_form_while_the_engine_is_busy_and_answers_stay_with_their_pictures(colour_bundle: Any) -> None:
    with BundleRecognizer(colour_bundle) as recognizer:
        network = recognizer.networks["main"]
        shared = SharedEngine(network.outputs, most=8)
        found: dict[int, int] = {}

        def ask(i: int) -> None:
            pixels = np.zeros((8, 8, 3), np.uint8)
            pixels[..., i % 3] = 200
            found[i] = int(shared.outputs(pixels)["logits"].argmax())

        with shared._engine:  # busy: everybody else gathers
            threads = [threading.Thread(target=ask, args=(i,)) for i in range(12)]
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 5
            while len(shared._waiting) < 12 and time.monotonic() < deadline:
                time.sleep(0.005)
        for thread in threads:
            thread.join()
        assert found == {i: i % 3 for i in range(12)}
        assert shared.batches == {8: 1, 4: 1}
        assert batch_pays(network.outputs, np.zeros((8, 8, 3), np.uint8)) in (1, 8)


def test_an_engine_that_fails_fails_only_those_who_asked(colour_bundle: Any) -> None:
    with BundleRecognizer(colour_bundle) as recognizer:
        shared = SharedEngine(recognizer.networks["main"].outputs, most=4)
        with pytest.raises(Exception, match=r"(?i)invalid|rank|dimension|shape"):
            shared.outputs(np.zeros((3, 3, 5), np.uint8))
        assert shared.outputs(np.zeros((8, 8, 3), np.uint8))["logits"].shape == (1, 3)
