"""What a model proposes for the picture that is looked at and, in the time that is left, for the next ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..bundle.bundle import Bundle
from ..errors import EdgelensError
from ..frame import Frame
from ..images.read import read_image
from ..model.recognizer import BundleRecognizer
from ..recognitions import UNKNOWN_ID

__all__ = ["Proposals"]

_KEPT = 256  # pictures


class Proposals:
    """A model's rows by picture; a context manager that owns the engine and a thread that works ahead."""

    def __init__(self, bundle: Bundle, paths: Sequence[Path]) -> None:
        self._recognizer, self._paths = BundleRecognizer(bundle), paths
        self._known: OrderedDict[int, list[dict[str, Any]]] = OrderedDict()
        self._wanted: list[int] = []
        self._lock, self._news, self._over = threading.Lock(), threading.Condition(), False
        self._ahead = threading.Thread(target=self._work, name="edgelens-proposals", daemon=True)

    def of(self, number: int) -> list[dict[str, Any]]:
        """What the model finds in a picture: rows of a label, a score and, of a detector, a box."""
        with self._lock:  # one at a time, and a picture that the thread is at is not looked at twice
            if number not in self._known:
                self._known[number] = self._found(self._paths[number])
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)
            return self._known[number]

    def prepare(self, numbers: Sequence[int]) -> None:
        """Look at these next, in this order, where nobody waits for another."""
        with self._news:
            self._wanted = [number for number in numbers if number not in self._known]
            self._news.notify()

    def __enter__(self) -> Proposals:
        self._recognizer.__enter__()
        self._ahead.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with self._news:
            self._over = True
            self._news.notify()
        self._ahead.join()
        self._recognizer.__exit__(*exc)

    def _found(self, path: Path) -> list[dict[str, Any]]:
        try:
            seen = self._recognizer.recognize(Frame(read_image(path))).recognitions
        except EdgelensError:  # the page shows why the picture cannot be read
            return []
        rows = [row for row in seen if row.id != UNKNOWN_ID and row.parent is None]
        return [{"label": row.label, "score": round(row.score, 3), "box": row.box and list(row.box)} for row in rows]

    def _work(self) -> None:
        while True:
            with self._news:
                while not self._wanted and not self._over:
                    self._news.wait()
                if self._over:
                    return
                number = self._wanted.pop(0)
            self.of(number)
