"""A loop that renders its own pictures, a small real model, a browser and a broker."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgelens.runtime.bundle.bundle import Bundle, complete
from edgelens.runtime.bundle.manifest import Decode, Manifest, ModelFile, Network, Output
from edgelens.runtime.errors import WorkError
from edgelens.runtime.frame import Frame
from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.loop.board import BoardReading
from edgelens.runtime.loop.control import Control, LoopStatus, Settings, SourceStatus
from edgelens.runtime.preprocess import PixelContract, TensorContract
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result

sys.path.insert(0, str(Path(__file__).parent / "servers"))  # benchmarks use the broker too
from mosquitto import Broker, has_mosquitto


class StagedLoop:
    """Moving pictures with their results, written to a live page as the camera loop does it."""

    def __init__(self, *sources: str, detect: bool = False, fps: float = 30, **preview: Any) -> None:
        self.control = Control(sources or ("camera",), Settings(threshold=0.6), models=("digits", "broken.edge"))
        self.fps, self.detect, self.model = fps, detect, "digits"
        self.frames = dict.fromkeys(self.control.sources, 0)
        self.written: dict[tuple[str, int], dict[str, Any]] = {}
        self.started = time.time()
        self.reading = BoardReading(61.0, 1800.0, False, None, 900.0)
        self.control.attach(self._status, self._swap)
        self.said: list[str] = []
        self.preview = LivePreview(self.control, **{"port": 0, "say": self.said.append, **preview})
        self._stop = threading.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.preview.port}"

    def result(self, source: str, label: int | None = None) -> Result:
        """The next picture of a source: a digit on paper that moves."""
        self.frames[source] = index = self.frames[source] + 1
        digit = index // 60 % 10 if label is None else label
        x, y = int(320 + 150 * math.sin(index / 20)), int(240 + 60 * math.cos(index / 15))
        image = np.full((480, 640, 3), (110, 118, 124), np.uint8)
        cv2.rectangle(image, (x - 90, y - 110), (x + 90, y + 110), (235, 240, 242), -1)
        cv2.putText(image, str(digit), (x - 60, y + 70), cv2.FONT_HERSHEY_DUPLEX, 6, (40, 30, 30), 14, cv2.LINE_AA)
        scores = np.full(10, 0.01, np.float32)
        scores[digit], scores[(digit + 3) % 10] = 0.86, 0.06
        order = np.argsort(-scores, kind="stable")[:5]
        seen = Recognitions(tuple("0123456789"), order, scores[order])
        if self.detect:
            seen = Recognitions(
                ("person", "bottle"), [0, 1], [0.91, 0.66], boxes=[[x - 90, y - 110, 180, 220], [9, 9, 80, 150]]
            )
        announced = seen.label() if index % 60 == 10 else None
        stages = {"capture": 1.2, "preprocess": 0.4, "infer": 0.08, "decode": 0.03}
        return Result(Frame(image, index, source=source), seen, stages, 6.2, announced, "bench")

    def show(self, source: str = "camera") -> Result:
        """Write one picture by hand."""
        result = self.result(source)
        self.written[source, result.frame.index] = result.to_json()
        self.preview.write(result)
        return result

    def __enter__(self) -> StagedLoop:
        self.preview.__enter__()
        self._thread = threading.Thread(target=self._work)
        if self.fps:
            self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        if self.fps:
            self._thread.join()
        self.preview.__exit__(*exc)

    def _work(self) -> None:
        due = time.monotonic()
        while not self._stop.is_set():
            for source in self.control.sources:
                if not self.control.settings(source).paused:
                    self.show(source)
            due += 1 / self.fps
            time.sleep(max(due - time.monotonic(), 0))

    def _status(self) -> LoopStatus:
        stages = {"capture": 1.2, "preprocess": 0.4, "infer": 0.08, "decode": 0.03}
        sources = tuple(
            SourceStatus(name, True, True, count + 3, count, 3, 1, 29.8, 6.2, stages)
            for name, count in self.frames.items()
        )
        return LoopStatus(self.model, "onnxruntime", "int8", self.started, sources, self.reading, {"mqtt": 2}, None)

    def _swap(self, model: str) -> None:
        if model == "broken.edge":
            raise WorkError("broken.edge: its golden frames disagree; digits goes on")
        self.model = model


@pytest.fixture
def staged() -> Iterator[Callable[..., StagedLoop]]:
    """Makes running loops that are stopped with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *sources, **options: stack.enter_context(StagedLoop(*sources, **options))


@pytest.fixture(scope="session")
def colour_bundle() -> Bundle:
    """A real .onnx model with a free batch axis: which of red, green and blue there is most of."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=kinds.FLOAT),
        helper.make_node("ReduceMean", ["real", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["logits"]),
    ]
    constants = [
        helper.make_tensor("axes", kinds.INT64, [2], [1, 2]),
        helper.make_tensor("scale", kinds.FLOAT, [1], [1 / 16]),
    ]
    graph = helper.make_graph(
        nodes,
        "colour",
        [helper.make_tensor_value_info("image", kinds.UINT8, ["N", 8, 8, 3])],
        [helper.make_tensor_value_info("logits", kinds.FLOAT, ["N", 3])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    file = ModelFile("models/colour.onnx", "onnxruntime", "float32", TensorContract())
    network = Network(
        "classify",
        ("red", "green", "blue"),
        PixelContract(8, 8),
        (Output("logits", (3,)),),
        Decode(threshold=0.5),
        (file,),
        preferred=file.path,
    )
    entries = {file.path: model.SerializeToString()}
    return Bundle(complete(Manifest("colour", {"main": network}), entries), None, entries)


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept: EDGELENS_ARTEFACTS, else a folder that goes away."""
    given = os.environ.get("EDGELENS_ARTEFACTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A running mosquitto."""
    if not has_mosquitto():
        pytest.skip("no mosquitto here")
    with Broker(tmp_path) as running:
        yield running


@pytest.fixture
def later() -> Callable[..., Result]:
    """A result with another capture time, label or announcement."""

    def changed(result: Result, *, captured: float, announced: str | None = None) -> Result:
        frame = dataclasses.replace(result.frame, captured=captured, time=1.7e9 + captured)
        return dataclasses.replace(result, frame=frame, announced=announced)

    return changed
