"""Sources by what their name looks like; each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import SourceError, UsageError
from ..said import spelled_in
from .options.camera import CameraOptions
from .options.demo import DemoOptions
from .options.turned import TurnOptions
from .protocol import Source, SourceContext

__all__ = ["SOURCES", "Entry", "default_source", "kind_of", "option_classes", "open_source", "refuse_unheeded"]


@dataclass(frozen=True)
class NoOptions:
    """Of a source that can be told nothing."""


@dataclass(frozen=True)
class Entry:
    """A kind of source: its options' dataclass, and what makes it of a name and them."""

    options: type[Any]
    open: Callable[[str, Any, SourceContext], Source]


def _v4l2(spec: str, options: CameraOptions, context: SourceContext) -> Source:
    from .v4l2 import V4l2Camera

    return V4l2Camera(spec, options, name=context.name)


def _csi(spec: str, options: CameraOptions, context: SourceContext) -> Source:
    from .csi import CsiCamera

    return CsiCamera(spec, options, name=context.name)


def _rtsp(spec: str, _: NoOptions, context: SourceContext) -> Source:
    from .rtsp import RtspStream

    return RtspStream(spec, name=context.name, complain=context.complain)


def _mjpeg(spec: str, _: NoOptions, context: SourceContext) -> Source:
    from .mjpeg import MjpegStream

    return MjpegStream(spec, name=context.name)


def _images(spec: str, _: NoOptions, context: SourceContext) -> Source:
    from .images import ImageFiles

    return ImageFiles(spec, name=context.name, complain=context.complain)


def _video(spec: str, _: NoOptions, context: SourceContext) -> Source:
    from .cut_short import said_of_cut
    from .video import VideoFile

    if cut := said_of_cut(spec):
        context.complain(cut)
    return VideoFile(spec, name=context.name)


def _gif(spec: str, _: NoOptions, context: SourceContext) -> Source:
    from .cut_short import pictures_before_cut
    from .video import VideoFile

    whole, cut = pictures_before_cut(spec)
    if cut:
        context.complain(cut)
    return VideoFile(spec, name=context.name, most=whole)


def _animated(spec: str, _: NoOptions, context: SourceContext) -> Source:
    from .animated_webp import AnimatedWebp
    from .cut_short import said_of_cut

    if cut := said_of_cut(spec):
        context.complain(cut)
    return AnimatedWebp(spec, name=context.name)


def _demo(_: str, options: DemoOptions, context: SourceContext) -> Source:
    from .demo import DemoSource

    width, height = options.size or (640, 480)
    return DemoSource(options.seed, size=(height, width), fps=options.camera_fps or 30.0, name=context.name)


SOURCES: dict[str, Entry] = {
    "v4l2": Entry(CameraOptions, _v4l2),
    "csi": Entry(CameraOptions, _csi),
    "rtsp": Entry(NoOptions, _rtsp),
    "mjpeg": Entry(NoOptions, _mjpeg),
    "images": Entry(NoOptions, _images),
    "video": Entry(NoOptions, _video),
    "gif": Entry(NoOptions, _gif),
    "animated": Entry(NoOptions, _animated),
    "demo": Entry(DemoOptions, _demo),
}


VIDEOS = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".h264")


def kind_of(spec: str) -> str:
    """Which of `SOURCES` a source's name asks for."""
    scheme = spec.partition("://")[0].lower() if "://" in spec else ""
    if spec == "demo":
        return "demo"
    if _is_number(spec) or spec.startswith("/dev/video"):
        return "v4l2"
    if spec.partition(":")[0] == "csi" and _is_number(spec.partition(":")[2]):
        return "csi"
    if scheme in ("rtsp", "rtsps"):
        return "rtsp"
    if scheme in ("http", "https"):
        return "mjpeg"
    if scheme:
        raise SourceError(f"{_masked(spec)}: is no kind of source; there are rtsp:// and http:// (MJPEG)")
    try:
        return _kind_of_file(spec, Path(spec))
    except (OSError, ValueError):  # a name that no file can have
        raise SourceError(f"{_masked(spec)}: no such file, folder or camera") from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _kind_of_file(spec: str, path: Path) -> str:
    if path.suffix.lower() in VIDEOS and path.is_file():
        return "video"
    if path.is_dir():
        return "images"
    if _is_image(path):
        return _kind_of_image(path)
    if path.exists():
        return "video"
    if any(c in spec for c in "*?["):
        import glob

        if any(True for _ in glob.iglob(spec, recursive=True)):  # noqa: PTH207 (a pattern may be absolute)
            return "images"
    raise SourceError(f"{_masked(spec)}: no such file, folder or camera")


def _masked(spec: str) -> str:
    from .credentials import masked

    return masked(spec, in_doubt=True)


def _is_image(path: Path) -> bool:
    from ..images.read import SUFFIXES

    return path.suffix.lower() in SUFFIXES


def _kind_of_image(path: Path) -> str:
    from ..images.animated import animation_of

    return {"gif": "gif", "webp": "animated"}.get(animation_of(path) or "", "images")


def option_classes() -> tuple[type[Any], ...]:
    """The options' dataclasses of all kinds of sources, and of how any source's pictures are turned: cameras' first."""
    return tuple(dict.fromkeys((CameraOptions, TurnOptions, *(entry.options for entry in SOURCES.values()))))


def refuse_unheeded(asked: Sequence[tuple[str, str, Mapping[str, Any]]]) -> None:
    """Refuse an option that was said to sources of which none heeds it: what each is, is called, and was told."""
    heeded = {field.name for spec, _, _ in asked for field in fields(SOURCES[kind_of(spec)].options)}
    for options in option_classes():
        for field in fields(options):
            told = [name for _, name, given in asked if given.get(field.name, field.default) != field.default]
            if told and options is not TurnOptions and field.name not in heeded:
                raise UsageError(f"{spelled_in(options)[field.name].flag} means nothing to {' and '.join(told)}")


def open_source(spec: str, given: Mapping[str, Any] | None = None, context: SourceContext | None = None) -> Source:
    """The source that a name asks for; nothing is opened before it is entered.

    Of what is `given`, by the options' names, a source takes what is its own.
    """
    entry, given = SOURCES[kind_of(spec)], given or {}
    source = entry.open(spec, _own(entry.options, given), context or SourceContext())
    turn = _own(TurnOptions, given)
    if turn.flip or turn.rotate:
        from .turned import Turned

        return Turned(source, turn.flip, turn.rotate)
    return source


def _own(options: type[Any], given: Mapping[str, Any]) -> Any:
    names = {field.name for field in fields(options)}
    return options(**{name: value for name, value in given.items() if name in names})


def default_source() -> str:
    """The first camera found, else the demo."""
    from .csi import has_csi_camera
    from .v4l2 import cameras

    attached = cameras()
    if attached:
        return attached[0]
    return "csi:0" if has_csi_camera() else "demo"
