"""Sources by what their name looks like; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError
from .protocol import Source

__all__ = ["SOURCES", "SourceOptions", "default_source", "kind_of", "open_source"]


@dataclass(frozen=True)
class SourceOptions:
    """How a source is to give its frames; a camera may answer with the nearest mode it has."""

    name: str | None = None
    size: tuple[int, int] | None = None  # width, height
    camera_fps: float | None = None
    flip: str | None = None  # "horizontal", "vertical", "both"
    rotate: int = 0  # degrees clockwise
    demo_seed: int = 0
    complain: Callable[[str], None] = lambda _: None  # told of images that cannot be decoded and cameras that hold back


def _v4l2(spec: str, options: SourceOptions) -> Source:
    from .v4l2 import CameraMode, V4l2Camera

    width, height = options.size or (None, None)
    return V4l2Camera(spec, CameraMode(width, height, options.camera_fps), name=options.name)


def _csi(spec: str, options: SourceOptions) -> Source:
    from .csi import CsiCamera

    return CsiCamera(spec, options.size or (1280, 720), options.camera_fps or 30.0, name=options.name)


def _rtsp(spec: str, options: SourceOptions) -> Source:
    from .rtsp import RtspStream

    return RtspStream(spec, name=options.name, complain=options.complain)


def _mjpeg(spec: str, options: SourceOptions) -> Source:
    from .mjpeg import MjpegStream

    return MjpegStream(spec, name=options.name)


def _images(spec: str, options: SourceOptions) -> Source:
    from .images import ImageFiles

    return ImageFiles(spec, name=options.name, complain=options.complain)


def _video(spec: str, options: SourceOptions) -> Source:
    from .video import VideoFile

    return VideoFile(spec, name=options.name)


def _demo(spec: str, options: SourceOptions) -> Source:  # noqa: ARG001
    from .demo import DemoSource

    width, height = options.size or (640, 480)
    return DemoSource(options.demo_seed, size=(height, width), fps=options.camera_fps or 30.0, name=options.name)


SOURCES: dict[str, Callable[[str, SourceOptions], Source]] = {
    "demo": _demo,
    "v4l2": _v4l2,
    "csi": _csi,
    "rtsp": _rtsp,
    "mjpeg": _mjpeg,
    "images": _images,
    "video": _video,
}


VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".h264")


def kind_of(spec: str) -> str:
    """Which of `SOURCES` a source's name asks for."""
    scheme = spec.partition("://")[0].lower() if "://" in spec else ""
    if spec == "demo":
        return "demo"
    if spec.isdigit() or spec.startswith("/dev/video"):
        return "v4l2"
    if spec.partition(":")[0] == "csi" and spec.partition(":")[2].isdigit():
        return "csi"
    if scheme in ("rtsp", "rtsps"):
        return "rtsp"
    if scheme in ("http", "https"):
        return "mjpeg"
    if scheme:
        from .credentials import masked

        raise SourceError(f"{masked(spec)}: {scheme}:// is no kind of source; there are rtsp:// and http:// (MJPEG)")
    path = Path(spec)
    if path.suffix.lower() in VIDEOS and path.is_file():
        return "video"
    if path.is_dir() or (any(c in spec for c in "*?[") and not path.exists()) or _is_image(path):
        return "images"
    if not path.exists():
        raise SourceError(f"{spec}: no such file, folder or camera")
    return "video"


def _is_image(path: Path) -> bool:
    from ..images.read import SUFFIXES

    return path.suffix.lower() in SUFFIXES


def open_source(spec: str, options: SourceOptions | None = None) -> Source:
    """The source that a name asks for; nothing is opened before it is entered."""
    options = options or SourceOptions()
    source = SOURCES[kind_of(spec)](spec, options)
    if options.flip or options.rotate:
        from .turned import Turned

        return Turned(source, options.flip, options.rotate)
    return source


def default_source() -> str:
    """The first camera found, else the demo."""
    from .csi import has_csi_camera
    from .v4l2 import cameras

    found = cameras()
    if found:
        return found[0]
    return "csi:0" if has_csi_camera() else "demo"
