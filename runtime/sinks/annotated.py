"""Frames with what was seen drawn on them: a video file, or a folder of images."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cv2

from ..errors import UsageError, WorkError
from ..frame import Frame
from ..host.files import write_bytes
from ..result import Result
from .overlay import drawn
from .protocol import Notice

__all__ = ["AnnotatedImages", "AnnotatedVideo", "AnnotatedVideos", "annotated"]

CODECS = {".mp4": "mp4v", ".avi": "MJPG", ".mkv": "mp4v", ".mov": "mp4v"}
IMAGES = (".jpg", ".jpeg", ".png")
MEASURED = 8  # frames of a live source that are waited for to learn its rate


Rate = Callable[[str], float | None]


def annotated(path: str, fps: Rate, *, several: bool = False) -> AnnotatedVideo | AnnotatedVideos | AnnotatedImages:
    """A video or an image where the name ends so, else a folder; `fps` is a source's rate where it is known. Of
    `several` sources every one gets a video."""
    suffix = Path(path).suffix.lower()
    if suffix in CODECS:
        return AnnotatedVideos(path, fps) if several else AnnotatedVideo(path, fps)
    if suffix in IMAGES:
        return AnnotatedImages(str(Path(path).parent), only=Path(path))
    if suffix:
        raise UsageError(f"--save {path}: give a folder, or a video or image ending in {', '.join((*CODECS, *IMAGES))}")
    return AnnotatedImages(path)


class AnnotatedVideo:
    """One video; its size is the first frame's and its rate is the source's, measured where that is not known."""

    name = "video"

    def __init__(self, path: str, fps: Rate) -> None:
        self._path, self._rate = path, fps
        self._fps: float | None = None
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._waiting: deque[Result] = deque()

    def write(self, result: Result) -> None:
        """Draw and encode one frame."""
        if self._writer is None:
            self._fps = self._fps or self._rate(result.frame.source)
            self._waiting.append(result)
            if self._fps is None and len(self._waiting) < MEASURED:
                return
            self._open()
        else:
            self._encode(result)

    def notice(self, notice: Notice) -> None:
        """The video holds frames only."""

    def __enter__(self) -> AnnotatedVideo:
        _check_folder(self._path)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._writer is None and self._waiting:
            self._open()
        if self._writer is not None:
            self._writer.release()

    def _open(self) -> None:
        first, last = self._waiting[0], self._waiting[-1]
        span = last.frame.captured - first.frame.captured
        fps = self._fps or (len(self._waiting) - 1) / span if span > 0 or self._fps else 10.0
        image = drawn(first)
        self._size = (image.shape[1] // 2 * 2, image.shape[0] // 2 * 2)
        codec = cv2.VideoWriter.fourcc(*CODECS[Path(self._path).suffix.lower()])
        self._writer = cv2.VideoWriter(self._path, codec, min(max(fps, 1.0), 120.0), self._size)
        if not self._writer.isOpened():
            raise WorkError(f"--save {self._path}: the video could not be written there")
        while self._waiting:
            self._encode(self._waiting.popleft())

    def _encode(self, result: Result) -> None:
        assert self._writer is not None
        image = drawn(result)
        if (image.shape[1], image.shape[0]) != self._size:
            if image.shape[1] // 2 * 2 == self._size[0] and image.shape[0] // 2 * 2 == self._size[1]:
                image = image[: self._size[1], : self._size[0]]
            else:
                image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(image)


class AnnotatedVideos:
    """A video a source, with the source's name in its own: cameras of different places do not belong in one."""

    name = "video"

    def __init__(self, path: str, fps: Rate) -> None:
        self._path, self._rate = Path(path), fps
        self._videos: dict[str, AnnotatedVideo] = {}
        self._paths: set[Path] = set()
        self._stack = ExitStack()

    def write(self, result: Result) -> None:
        """Draw and encode one frame into its source's video."""
        source = result.frame.source
        if source not in self._videos:
            video = AnnotatedVideo(str(self._place(source)), self._rate)
            self._videos[source] = self._stack.enter_context(video)
        self._videos[source].write(result)

    def _place(self, source: str) -> Path:
        """Two files of one name lie in different folders."""
        stem, suffix = f"{self._path.stem}-{_file_name(source)}", self._path.suffix
        names = [f"{stem}{suffix}", *(f"{stem}-{again}{suffix}" for again in range(2, len(self._paths) + 2))]
        place = next(place for name in names if (place := self._path.with_name(name)) not in self._paths)
        self._paths.add(place)
        return place

    def notice(self, notice: Notice) -> None:
        """The videos hold frames only."""

    def __enter__(self) -> AnnotatedVideos:
        _check_folder(str(self._path))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()


def _check_folder(path: str) -> None:
    folder = Path(path).resolve().parent
    if not folder.is_dir():
        raise UsageError(f"--save {path}: the folder {folder} is not there")


class AnnotatedImages:
    """A JPEG a frame, named for the file it came from, or for its source and number; or the newest in `only` one."""

    name = "images"

    def __init__(self, folder: str, *, only: Path | None = None) -> None:
        self._folder, self._only = Path(folder), only
        self._used: set[str] = set()

    def write(self, result: Result) -> None:
        """Draw and write one image."""
        path = self._only or self._folder / f"{self._name(result.frame)}.jpg"
        good, data = cv2.imencode(path.suffix, drawn(result))
        if good:
            write_bytes(path, data.tobytes())

    def _name(self, frame: Frame) -> str:
        """A name that no earlier frame has: two folders may hold files of the same one."""
        if frame.path is None:
            return f"{_file_name(frame.source)}-{frame.index:06d}"
        stem = name = Path(frame.path).stem
        again = 1
        while name in self._used:
            again += 1
            name = f"{stem}-{again}"
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
    return "".join(c if c.isalnum() else "-" for c in Path(source).name).strip("-") or "source"
