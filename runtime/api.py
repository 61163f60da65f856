"""The kit in a Python program: `with Recognizer("digits") as r: for result in r.stream(0): ...`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .bundle.bundle import Bundle
from .frame import Frame
from .images.read import read_image
from .loop.control import Control, Settings
from .loop.feeds import Feeds
from .loop.lane import Lane
from .loop.loop import LoopOptions, watch
from .loop.model_slot import ModelChoice, ModelSlot
from .loop.pace import Pace
from .model.open import open_model
from .preprocess import Color, Region, Resize
from .recognitions import Recognitions
from .result import Result
from .sources.catalog import open_source
from .sources.images import ImageFiles
from .sources.protocol import Source

__all__ = ["Recognizer"]


class Recognizer:
    """A model that recognizes images, and what cameras, streams, videos and folders show; a context manager.

    A model file of somebody else's may need to be told what its picture is: the options from `labels` to `decoder`
    mean what they mean on the command line (the network's input is (pixel - mean) / std; `input_size` is width and
    height). `iou`, `max_det` and `classes` are for detectors.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Bundle = "digits",
        *,
        engine: str = "auto",
        precision: str | None = None,
        threads: int | None = None,
        threshold: float | None = None,
        region: tuple[float, float, float, float] | None = None,
        device_id: str | None = None,
        labels: str | Sequence[str] | None = None,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        color: Color | None = None,
        resize: Resize | None = None,
        pad: int | None = None,
        input_size: tuple[int, int] | None = None,
        decoder: str | None = None,
        iou: float | None = None,
        max_det: int | None = None,
        classes: Sequence[str | int] | None = None,
    ) -> None:
        self._bundle = open_model(
            model,
            labels=labels,
            mean=mean,
            std=std,
            color=color,
            resize=resize,
            pad=pad,
            input_size=input_size,
            decoder=decoder,
            iou=iou,
            max_det=max_det,
            classes=classes,
        )
        self._model = ModelSlot(self._bundle, ModelChoice(engine, precision, threads))
        self._threshold, self._region = threshold, Region(*region) if region else None
        self._device = device_id or os.uname().nodename

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes; of several steps the first one's, then the second one's, ..."""
        return self._bundle.manifest.labels

    def __call__(self, image: NDArray[np.uint8] | str | os.PathLike[str]) -> Recognitions:
        """What is in an image: a uint8 BGR array (H, W, 3), as OpenCV reads it, or a file."""
        pixels = read_image(os.fspath(image)) if isinstance(image, str | os.PathLike) else image
        self._model.load()
        with self._model.in_use() as recognizer:
            return recognizer.recognize(Frame(pixels), region=self._region, threshold=self._threshold).recognitions

    def stream(
        self,
        source: str | int | os.PathLike[str] | Source,
        *,
        smoothing: float | None = None,
        agree: tuple[int, int] = (3, 5),
        max_fps: float | None = None,
        duration_s: float | None = None,
    ) -> Iterator[Result]:
        """Results as they come; a camera's newest frame each time, every frame of a file.

        `smoothing` is the weight of the newest frame, 1 is none: .5 for what is live, 1 for files unless said.
        """
        opened = _source(source)
        weight = smoothing if smoothing is not None else (0.5 if opened.live else 1.0)
        settings = Settings(self._threshold, weight, agree, self._region, max_fps=max_fps)
        lane = Lane(opened, self._model, stills=isinstance(opened, ImageFiles))
        results = watch(
            [lane],
            Control([opened.name], settings),
            LoopOptions(duration_s, self._device),
            feeds=Feeds([opened], lambda _: None),
            pace=Pace(),
        )
        with contextlib.closing(results):
            yield from results

    def __enter__(self) -> Recognizer:
        self._model.load()
        return self

    def __exit__(self, *exc: object) -> None:
        self._model.__exit__(*exc)


def _source(source: str | int | os.PathLike[str] | Source) -> Source:
    if isinstance(source, int):
        return open_source(str(source))
    if isinstance(source, str | os.PathLike):
        return open_source(os.fspath(source))
    return source
