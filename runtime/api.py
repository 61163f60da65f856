"""The kit in a Python program: `with Recognizer("digits") as r: for result in r.stream(0): ...`."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from .bundle.bundle import Bundle
from .errors import SourceError, UsageError
from .frame import Frame
from .images.given import Picture, picture_of
from .loop.config import SourcePlan
from .loop.control import Control, Settings
from .loop.feeds import Feeds
from .loop.lane import Lane
from .loop.loop import LoopOptions, watch
from .loop.model_slot import ModelChoice, ModelSlot
from .loop.pace import Pace
from .model.arguments import spelled
from .model.open import open_model
from .preprocess import Color, Region, Resize
from .result import Result
from .said import Said, checked, spelled_in
from .sinks.protocol import Notice
from .sources.catalog import open_source
from .sources.images import ImageFiles
from .sources.protocol import Source, SourceContext
from .tasks.seen import Seen

__all__ = ["Recognizer"]

Watched: TypeAlias = "str | int | os.PathLike[str] | Source"


class Recognizer:
    """A model that recognizes images, and what cameras, streams, videos and folders show; a context manager.

    A model file of somebody else's may need to be told what its picture is: the options from `labels` to `decoder`
    mean what they mean on the command line (the network's input is (pixel - mean) / std; `input_size` is width and
    height). `false_accepts` is the share of strangers that may be taken for somebody who was taught.
    `iou`, `max_det`, `classes` and `tile` are for detectors; `lexicon` (a file or the words) and
    `pattern` for networks that read.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | Bundle = "digits",
        *,
        engine: str = "auto",
        precision: str | None = None,
        threads: int | None = None,
        threshold: float | None = None,
        false_accepts: float | None = None,
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
        tile: int | None = None,
        lexicon: str | Sequence[str] | None = None,
        pattern: str | None = None,
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
            false_accepts=false_accepts,
            iou=iou,
            max_det=max_det,
            classes=classes,
            tile=tile,
            lexicon=lexicon,
            pattern=pattern,
        )
        self._model = ModelSlot(self._bundle, ModelChoice(engine, precision, threads))
        self._threshold = None if threshold is None else checked(threshold, spelled()["threshold"], "threshold")
        self._region = None if region is None else Region.of(region, "region")
        self._device = device_id or os.uname().nodename

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes; of several steps the first one's, then the second one's, ..."""
        return self._bundle.manifest.labels

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed of the model and what had to fall back, in words: worth reading before the first result."""
        if self._threshold is None:
            return self._model.notes
        from .model.asked import idle_threshold

        return (*self._model.notes, *idle_threshold(self._bundle.manifest.main))

    @overload
    def __call__(self, image: Picture | int, *, threshold: float | None = None) -> Seen: ...

    @overload
    def __call__(self, image: list[Any] | tuple[Any, ...], *, threshold: float | None = None) -> list[Seen]: ...

    def __call__(
        self, image: Picture | int | list[Any] | tuple[Any, ...], *, threshold: float | None = None
    ) -> Seen | list[Seen]:
        """What is in a picture, or in each of a list of pictures.

        A picture is a uint8 array as OpenCV reads it (BGR, gray or with opacity), a PIL image, the bytes or the path of
        an image file, or the address or number of a camera, whose next frame is taken. `threshold` holds for this call.
        """
        held = self._threshold if threshold is None else checked(threshold, spelled()["threshold"], "threshold")
        with self._model.in_use() as recognizer:
            if isinstance(image, list | tuple):
                pictures = [self._shown(each) for each in image]
                many = recognizer.recognize_many(pictures, region=self._region, threshold=held)
                return [Seen.of(each) for each in many]
            answer = recognizer.recognize(Frame(self._shown(image)), region=self._region, threshold=held)
            return Seen.of(answer.recognitions)

    def stream(
        self,
        source: Watched | Sequence[Watched],
        *,
        smoothing: float | None = None,
        agree: tuple[int, int] = (3, 5),
        max_fps: float | None = None,
        duration_s: float | None = None,
    ) -> Iterator[Result]:
        """Results as they come; a camera's newest frame each time, every frame of a file.

        Of several sources in turn: `result.frame.source` says whose it is. `smoothing` is the weight of the newest
        frame, 1 is none: .5 for what is live, 1 for files unless said.
        """
        said = spelled_in(SourcePlan)
        agree = checked(agree, said["agree"], "agree")
        smoothing = None if smoothing is None else checked(smoothing, said["smoothing"], "smoothing")
        max_fps = None if max_fps is None else checked(max_fps, said["max_fps"], "max_fps")
        duration_s = None if duration_s is None else checked(duration_s, Said("Seconds.", above=0), "duration_s")
        sources = _sources(source)
        lanes = [Lane(each, self._model, stills=isinstance(each, ImageFiles)) for each in sources]
        control = Control([each.name for each in sources], Settings(agree=agree))
        for each in sources:
            weight = smoothing if smoothing is not None else (0.5 if each.live else 1.0)
            control.change(each.name, smoothing=weight, threshold=self._threshold, region=self._region, max_fps=max_fps)
        results = watch(
            lanes,
            control,
            LoopOptions(duration_s, self._device),
            feeds=Feeds(sources, _tell),
            pace=Pace(),
        )
        with contextlib.closing(results):
            for result in results:
                yield replace(result, seen=Seen.of(result.seen))

    def _shown(self, image: Picture | int) -> NDArray[np.uint8]:
        """A picture in which the region is, where there is one."""
        picture = _picture(image)
        if self._region is not None:
            self._region.check(picture.shape[0], picture.shape[1], "the picture")
        return picture

    def teach(self, picture: Picture | int | list[Any], name: str, *, photos: bool = True) -> str:
        """Show one picture of something, or several: from now on they are recognized under this name, here and later.

        The lesson is what `forget` takes back. Small copies of the pictures are kept with it, unless `photos` is False.
        """
        from .model.teaching import Teacher

        pictures = [_picture(each) for each in (picture if isinstance(picture, list | tuple) else [picture])]
        with self._model.in_use() as recognizer:
            teacher = Teacher(recognizer)
            shown = [seen for each in pictures if (seen := teacher.look(each, self._region)) is not None]
            lesson = teacher.teach(name, shown, source="python", photos=photos)
            doubt = teacher.doubt(name, teacher.recognized(name, shown), len(shown))
        if len(shown) < len(pictures):
            _warn(f"{name}: nothing was found in {len(pictures) - len(shown)} of {len(pictures)} pictures")
        if doubt:
            _warn(doubt)
        return lesson

    def forget(self, name: str | None = None, *, lesson: str | None = None) -> int:
        """Forget a taught name completely, or take back a lesson (the last one unless said); how many pictures."""
        from .model.teaching import Teacher

        with self._model.in_use() as recognizer:
            gallery = Teacher(recognizer).gallery()
            return gallery.undo(lesson) if name is None else gallery.remove(name)

    def close(self) -> None:
        """Let go of the model's memory; a later call loads it again."""
        self._model.__exit__(None, None, None)

    def __repr__(self) -> str:
        manifest = self._bundle.manifest
        engine, precision = self._model.running
        running = f"{engine} {precision}" if engine else "not loaded"
        return f"<Recognizer {manifest.name}: {manifest.main.task}, {len(manifest.labels)} labels, {running}>"

    def __enter__(self) -> Recognizer:
        self._model.load()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _picture(image: Picture | int) -> NDArray[np.uint8]:
    """A picture that was given, or the next frame of a camera that was."""
    camera = isinstance(image, str) and ("://" in image or image == "demo" or image.startswith(("csi:", "/dev/video")))
    if not camera and not isinstance(image, int):
        return picture_of(image)
    with open_source(str(image)) as source:
        frame = source.read()
    if frame is None:
        raise SourceError(f"{source.name}: shows nothing")
    return frame.image


def _sources(asked: Watched | Sequence[Watched]) -> list[Source]:
    """Every source, those that were named by their number or address under names of their own."""
    every: Sequence[Any] = asked if isinstance(asked, list | tuple) else [asked]
    if not every:
        raise UsageError("stream: name a source at least")
    opened: list[Source] = []
    for each in every:
        if not isinstance(each, str | int | os.PathLike):
            if not all(hasattr(each, word) for word in ("name", "live", "read")):
                raise UsageError(f"stream: a {type(each).__name__} is no source: name a camera, an address or a file")
            opened.append(each)
            continue
        spec = str(each) if isinstance(each, int) else os.fspath(each)
        source = open_source(spec, context=SourceContext(complain=_warn))
        again = sum(other.name.partition(" #")[0] == source.name for other in opened)
        if again:
            source = open_source(spec, context=SourceContext(f"{source.name} #{again + 1}", complain=_warn))
        opened.append(source)
    return opened


def _tell(notice: Notice) -> None:
    if notice.kind == "lost":
        _warn(notice.text)


def _warn(line: str) -> None:
    """What the command line would print: an image that is broken, a source that ends early."""
    warnings.warn(line, stacklevel=2)
