"""Frames with what was seen drawn on them: a video file, or a folder of images."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import cv2

from ..errors import UsageError
from ..frame import Frame
from ..host.files import write_bytes
from ..host.numbered import numbered
from ..result import Result
from .losses import Losses, reason
from .overlay import drawn
from .protocol import Notice
from .video.choice import CONTAINERS, check_name, opened, played_by_browsers
from .video.protocol import Video

__all__ = ["AnnotatedImages", "AnnotatedVideo", "AnnotatedVideos", "annotated"]

IMAGES = (".jpg", ".jpeg", ".png", ".webp")
MEASURED = 8  # frames of a live source that are waited for to learn its rate
LONGEST_GAP_S = 2.0  # of a live source, that its last frame stands for
LONGEST_NAME = 100  # bytes of a source's name in a file's, of whose 255 others need some too


Rate = Callable[[str], float | None]


def annotated(path: str, fps: Rate, *, several: bool = False) -> AnnotatedVideo | AnnotatedVideos | AnnotatedImages:
    """A video or an image where the name ends so, else a folder; `fps` is a source's rate where it is known. Of
    `several` sources every one gets a video."""
    suffix = Path(path).suffix.lower()
    if suffix in CONTAINERS:
        return AnnotatedVideos(path, fps) if several else AnnotatedVideo(path, fps)
    if suffix in IMAGES:
        return AnnotatedImages(str(Path(path).parent), only=Path(path))
    if suffix:
        endings = ", ".join((*CONTAINERS, *IMAGES))
        raise UsageError(f"--save {path}: give a folder, or a video or image ending in {endings}")
    return AnnotatedImages(path)


class AnnotatedVideo:
    """One video that keeps the source's time: what was passed over is stood in for by the frame before it.

    Its size is the first frame's, its kind the one asked for where this machine can make it so that browsers play it.
    """

    name = "video"

    def __init__(self, path: str, fps: Rate, losses: Losses | None = None) -> None:
        self._path, self._rate = Path(path), fps
        self.losses = losses or Losses(self.name)
        self._fps: float | None = None
        self._video: Video | None = None
        self._waiting: deque[Result] = deque()
        self._moment = self._shown_s = 0.0
        self._kept = self._lost = 0

    def write(self, result: Result) -> None:
        """Draw and encode one frame."""
        self._waiting.append(result)
        if self._video is None:
            self._fps = self._fps or self._rate(result.frame.source)
            if self._fps is None and len(self._waiting) < MEASURED:
                return
        self._encode_waiting()

    def notice(self, notice: Notice) -> None:
        """The video holds frames only."""

    def __enter__(self) -> AnnotatedVideo:
        _check_place(self._path)
        return self

    def __exit__(self, *exc: object) -> None:
        self._encode_waiting()
        if self._video is not None:
            try:
                self._video.finish(self._shown_s + 1 / (self._fps or 10.0))
            except OSError as error:
                self._lose(error, least=1)

    def _encode_waiting(self) -> None:
        """Those that came before the rate was known, and the newest; without room they are lost, and said."""
        while self._waiting:
            try:
                if self._video is None:
                    self._video = self._opened(self._waiting[0])
                self._encode(self._video, self._waiting.popleft())
            except OSError as error:
                self._lose(error)
                return

    def _opened(self, first: Result) -> Video:
        if self._fps is None:
            self._fps = _usual_rate([result.frame.moment_s for result in self._waiting])
        image = drawn(first)
        path = played_by_browsers(self._path, (image.shape[1], image.shape[0]))
        if path != self._path:
            path = _free(path)  # nobody named that one
            self.losses.say(f"--save {self._path}: OpenCV has no H.264 encoder here; {path} (VP8) plays in browsers")
        self._path, self._moment = path, first.frame.moment_s
        threads = min(max((os.cpu_count() or 1) - 1, 1), 4)
        return opened(path, image, min(max(self._fps, 1.0), 120.0), threads=threads)

    def _encode(self, video: Video, result: Result) -> None:
        frame, moment = result.frame, result.frame.moment_s
        gap = max(moment - self._moment, 0.0)
        live = frame.position_s is None and frame.path is None
        self._shown_s += min(gap, LONGEST_GAP_S) if live else gap
        self._moment = moment
        video.add(drawn(result), self._shown_s)
        if video.kept > self._kept:
            self._kept = video.kept
            self.losses.keep("frames")

    def _lose(self, error: OSError, least: int = 0) -> None:
        lost = 0
        if self._video is not None:
            lost, self._lost = self._video.lost - self._lost, self._video.lost
        elif len(self._waiting) >= MEASURED:  # it could not even be begun
            self._waiting.popleft()
            lost = 1
        self.losses.lose("frames", reason(error), max(lost, least))


def _usual_rate(moments: Sequence[float]) -> float:
    """Frames a second by the usual gap: the first one is often longer, while the engine warms up."""
    gaps = sorted(b - a for a, b in itertools.pairwise(moments) if b > a)
    return 1 / gaps[len(gaps) // 2] if gaps else 10.0


def _free(path: Path) -> Path:
    """The path, or one beside it with a number, that is not there yet."""
    return next(way for name in numbered(path.stem) if not (way := path.with_stem(name)).exists())


class AnnotatedVideos:
    """A video a source, with the source's name in its own: cameras of different places do not belong in one."""

    name = "video"

    def __init__(self, path: str, fps: Rate) -> None:
        self._path, self._rate = Path(path), fps
        self._videos: dict[str, AnnotatedVideo] = {}
        self._paths: set[Path] = set()
        self.losses = Losses(self.name)
        self._stack = ExitStack()

    def write(self, result: Result) -> None:
        """Draw and encode one frame into its source's video."""
        source = result.frame.source
        if source not in self._videos:
            video = AnnotatedVideo(str(self._place(source)), self._rate, self.losses)
            self._videos[source] = self._stack.enter_context(video)
        self._videos[source].write(result)

    def _place(self, source: str) -> Path:
        """Two files of one name lie in different folders."""
        stem, suffix = f"{self._path.stem}-{_file_name(source)}", self._path.suffix
        places = (self._path.with_name(f"{name}{suffix}") for name in numbered(stem))
        place = next(place for place in places if place not in self._paths)
        self._paths.add(place)
        return place

    def notice(self, notice: Notice) -> None:
        """The videos hold frames only."""

    def __enter__(self) -> AnnotatedVideos:
        _check_place(self._path)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()


def _check_place(path: Path) -> None:
    check_name(path)
    folder = path.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"--save {path}: the folder {folder} is not there")


class AnnotatedImages:
    """A JPEG a frame, named for the file it came from, or for its source and number; or the newest in `only` one."""

    name = "images"

    def __init__(self, folder: str, *, only: Path | None = None) -> None:
        self._folder, self._only = Path(folder), only
        self._used: set[str] = set()
        self._stems: dict[str, str] = {}  # of sources that are no image files
        self._next: dict[str, int] = {}  # what their next frame is called at least: cameras that come back begin anew

    def write(self, result: Result) -> None:
        """Draw and write one image."""
        path = self._only or self._folder / f"{self._name(result.frame)}.jpg"
        good, data = cv2.imencode(path.suffix, drawn(result))
        if good:
            write_bytes(path, data.tobytes(), named=self._only is not None)

    def _name(self, frame: Frame) -> str:
        """A name that no earlier frame has: two folders may hold files of the same one."""
        if frame.path is not None:
            return self._unused(Path(frame.path).stem)
        if frame.source not in self._stems:
            self._stems[frame.source] = self._unused(_file_name(frame.source))
        number = max(frame.index, self._next.get(frame.source, 0))
        self._next[frame.source] = number + 1
        return f"{self._stems[frame.source]}-{number:06d}"

    def _unused(self, stem: str) -> str:
        """The stem, or with a number what was not used yet."""
        name = next(name for name in numbered(stem) if name not in self._used)
        self._used.add(name)
        return name

    def notice(self, notice: Notice) -> None:
        """The folder holds frames only."""

    def __enter__(self) -> AnnotatedImages:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--save {self._folder}: cannot be made ({error.strerror or error})") from None
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def _file_name(source: str) -> str:
    plain = "".join(c if c.isalnum() else "-" for c in Path(source).name).strip("-")
    return plain.encode()[:LONGEST_NAME].decode(errors="ignore") or "source"
