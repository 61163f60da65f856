"""Decoders by name, one entry each; a decoder is imported when a model needs it, so a classifier loads no detectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..bundle.manifest import Network
from ..errors import ModelError
from ..formats.description import ModelDescription
from . import readers
from .protocol import DecodeOptions, Decoder
from .reading import Reader

__all__ = [
    "DECODERS",
    "Entry",
    "Family",
    "Loaded",
    "asked_readers",
    "decoder_for",
    "options_of",
    "readers_for",
    "words",
]

Loaded = tuple[Callable[[Network, Any], Decoder], type[DecodeOptions]]


@dataclass(frozen=True)
class Family:
    """Bare files that a decoder can read without a manifest: what `--decode` calls them, and who recognizes one."""

    word: str
    load: Callable[[], Reader]
    worth_a_look: Callable[[ModelDescription], bool] | None = None  # None: never guessed, only asked for
    certain: bool = False  # the file itself says so: asked before all that judge by shapes


@dataclass(frozen=True)
class Entry:
    """A decoder: the task it answers, how it is loaded, and the bare files it can read."""

    task: str
    load: Callable[[], Loaded]  # imports it: (network, its options) → decoder, and the dataclass of its options
    outputs: frozenset[str] = frozenset()  # the outputs that it asks for by name
    families: tuple[Family, ...] = ()


def _classify() -> Loaded:
    from .classify import ClassifyOptions, classify

    return classify, ClassifyOptions


def _d_fine() -> Loaded:
    from .boxes import BoxOptions
    from .d_fine import d_fine

    return d_fine, BoxOptions


def _fastestdet() -> Loaded:
    from .fastestdet import FastestdetOptions, fastestdet

    return fastestdet, FastestdetOptions


def _mediapipe() -> Loaded:
    from .mediapipe import MediapipeOptions, mediapipe

    return mediapipe, MediapipeOptions


def _movenet() -> Loaded:
    from .boxes import BoxOptions
    from .movenet import movenet

    return movenet, BoxOptions


def _nanodet() -> Loaded:
    from .nanodet import NanodetOptions, nanodet

    return nanodet, NanodetOptions


def _lens_det() -> Loaded:
    from .lens_det import LensDetOptions, lens_det

    return lens_det, LensDetOptions


def _identify() -> Loaded:
    from .identify import IdentifyOptions, identify

    return identify, IdentifyOptions


def _pytorch_ssd() -> Loaded:
    from .boxes import BoxOptions
    from .pytorch_ssd import pytorch_ssd

    return pytorch_ssd, BoxOptions


def _retinaface() -> Loaded:
    from .retinaface import RetinafaceOptions, retinaface

    return retinaface, RetinafaceOptions


def _rf_detr() -> Loaded:
    from .rf_detr import RfDetrOptions, rf_detr

    return rf_detr, RfDetrOptions


def _scrfd() -> Loaded:
    from .boxes import BoxOptions
    from .scrfd import scrfd

    return scrfd, BoxOptions


def _ssd() -> Loaded:
    from .ssd import SsdOptions, ssd

    return ssd, SsdOptions


def _ultralytics() -> Loaded:
    from .ultralytics import UltralyticsOptions, ultralytics

    return ultralytics, UltralyticsOptions


def _yolo_nas() -> Loaded:
    from .yolo_nas import YoloNasOptions, yolo_nas

    return yolo_nas, YoloNasOptions


def _yolox() -> Loaded:
    from .yolox import YoloxOptions, yolox

    return yolox, YoloxOptions


def _yunet() -> Loaded:
    from .boxes import BoxOptions
    from .yunet import yunet

    return yunet, BoxOptions


def _yunet_2022() -> Loaded:
    from .boxes import BoxOptions
    from .yunet_2022 import yunet_2022

    return yunet_2022, BoxOptions


def _lpd_yunet() -> Loaded:
    from .boxes import BoxOptions
    from .lpd_yunet import lpd_yunet

    return lpd_yunet, BoxOptions


def _ctc() -> Loaded:
    from .ctc import CtcOptions, ctc

    return ctc, CtcOptions


def _db() -> Loaded:
    from .db import DbOptions, db

    return db, DbOptions


def _has_priors(file: ModelDescription) -> bool:
    """Whether an output is called as YuNet's exports of 2022 call theirs."""
    return any(output.name == "loc" for output in file.outputs)


def _has_queries(file: ModelDescription) -> bool:
    """Whether outputs are called as RF-DETR's exporter calls them."""
    return {"dets", "labels"} <= {output.name for output in file.outputs}


def _has_lens_maps(file: ModelDescription) -> bool:
    """Whether a file has the outputs of the kit's own detectors."""
    return any(output.name == "scores32" for output in file.outputs)


def _has_rows(file: ModelDescription) -> bool:
    """Whether an output could be rows of boxes."""
    return any(len(output.shape) == 3 for output in file.outputs)


def _may_read(file: ModelDescription) -> bool:
    """Whether a file names characters, or has rows that labels could name as such."""
    return "character" in file.metadata or (len(file.outputs) == 1 and _has_rows(file))


# in the order in which a bare file is tried that was not said what it is
DECODERS: dict[str, Entry] = {
    "ultralytics": Entry(
        "detect",
        _ultralytics,
        frozenset(["predictions"]),
        (
            Family("ultralytics", readers.ultralytics, lambda file: "names" in file.metadata or _has_rows(file)),
            Family("yolov5", lambda: readers.ultralytics("v5")),
            Family("yolov8", lambda: readers.ultralytics("v8")),
            Family("yolov8-pose", lambda: readers.ultralytics("v8", "pose")),
            Family("yolov8-obb", lambda: readers.ultralytics("v8", "obb")),
        ),
    ),
    "ssd": Entry(
        "detect",
        _ssd,
        frozenset(["boxes", "classes", "scores"]),
        (Family("ssd", readers.ssd, lambda file: len(file.outputs) >= 3),),
    ),
    "ultraface": Entry(
        "detect",
        _pytorch_ssd,
        frozenset(["boxes", "scores"]),
        (Family("ultraface", readers.ultraface, lambda file: len(file.outputs) == 2 and _has_rows(file)),),
    ),
    "pytorch-ssd": Entry(
        "detect",
        _pytorch_ssd,
        frozenset(["boxes", "scores"]),
        (Family("pytorch-ssd", readers.pytorch_ssd, lambda file: len(file.outputs) == 2 and _has_rows(file)),),
    ),
    "rf-detr": Entry(
        "detect",
        _rf_detr,
        frozenset(["boxes", "scores"]),
        (
            Family("rf-detr", readers.rf_detr, _has_queries),
            Family("hf-detr", readers.hf_detr, lambda file: len(file.outputs) > 1),
        ),
    ),
    "d-fine": Entry(
        "detect",
        _d_fine,
        frozenset(["boxes", "classes", "scores"]),
        (Family("d-fine", readers.d_fine, lambda file: len(file.outputs) == 3),),
    ),
    "yunet": Entry(
        "detect",
        _yunet,
        frozenset(f"{part}_{stride}" for part in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)),
        (Family("yunet", readers.yunet, lambda file: len(file.outputs) >= 12),),
    ),
    "lpd-yunet": Entry(
        "detect",
        _lpd_yunet,
        frozenset(["loc", "conf", "iou"]),
        (Family("lpd-yunet", readers.lpd_yunet, _has_priors),),
    ),
    "yunet-2022": Entry(
        "detect",
        _yunet_2022,
        frozenset(["loc", "conf", "iou"]),
        (Family("yunet-2022", readers.yunet_2022, _has_priors),),
    ),
    "scrfd": Entry(
        "detect",
        _scrfd,
        frozenset(f"{part}_{stride}" for part in ("scores", "distances") for stride in (8, 16, 32)),
        (Family("scrfd", readers.scrfd, lambda file: len(file.outputs) in (6, 9, 10, 15)),),
    ),
    "retinaface": Entry(
        "detect",
        _retinaface,
        frozenset(["boxes", "scores", "points"]),
        (Family("retinaface", readers.retinaface, lambda file: len(file.outputs) == 3 and _has_rows(file)),),
    ),
    "mediapipe": Entry(
        "detect",
        _mediapipe,
        frozenset(["boxes", "scores"]),
        (Family("mediapipe", readers.mediapipe, lambda file: len(file.outputs) == 2 and _has_rows(file)),),
    ),
    "movenet": Entry(
        "detect",
        _movenet,
        frozenset(["people"]),
        (Family("movenet", readers.movenet, lambda file: len(file.outputs) == 1),),
    ),
    "yolo-nas": Entry(
        "detect",
        _yolo_nas,
        families=(
            Family("yolo-nas", readers.yolo_nas, lambda file: len(file.outputs) in (1, 2, 4)),
            Family("yolov7-nms", readers.yolov7_rows, lambda file: len(file.outputs) == 1),
        ),
    ),
    "nanodet": Entry("detect", _nanodet, families=(Family("nanodet", readers.nanodet, _has_rows),)),
    "fastestdet": Entry(
        "detect",
        _fastestdet,
        frozenset(["grid"]),
        (Family("fastestdet", readers.fastestdet, lambda file: len(file.outputs) == 1),),
    ),
    "lens-det": Entry(
        "detect", _lens_det, families=(Family("lens-det", readers.lens_det, _has_lens_maps, certain=True),)
    ),
    "yolox": Entry("detect", _yolox, frozenset(["grid"]), (Family("yolox", readers.yolox, _has_rows),)),
    "ctc": Entry("read", _ctc, families=(Family("ctc", readers.ctc, _may_read, certain=True),)),
    "db": Entry("detect", _db, frozenset(["map"]), (Family("db", readers.db),)),
    "identify": Entry(
        "identify",
        _identify,
        frozenset(["embedding"]),
        (Family("embedding", readers.embedding, lambda file: True, certain=True),),  # noqa: ARG005
    ),
    "classify": Entry(
        "classify",
        _classify,
        families=(
            Family("edgelens", readers.kit_file, lambda file: "input" in file.metadata, certain=True),
            Family("classify", readers.classifier, lambda file: True),  # noqa: ARG005
        ),
    ),
}


def decoder_for(network: Network) -> Decoder:
    """The decoder that a network's manifest names, its options checked and read once."""
    name = network.decode.decoder
    entry = _entry(name)
    make, options = entry.load()
    read = options.of(network.decode)
    if missing := entry.outputs - {output.name for output in network.outputs}:
        raise ModelError(f"the decoder {name} needs an output called {min(missing)!r}, which the network does not have")
    return make(network, read)


def options_of(name: str) -> type[DecodeOptions]:
    """The dataclass of a decoder's options."""
    return _entry(name).load()[1]


def words() -> tuple[str, ...]:
    """What `--decode` takes: families that a file can be guessed to be, then those that must be asked for."""
    families = _families()
    return tuple(f.word for f in families if f.worth_a_look) + tuple(f.word for f in families if not f.worth_a_look)


def readers_for(file: ModelDescription, asked: str | None) -> Iterator[Reader]:
    """The asked family's reader, or those of all families that are worth a look."""
    for family in _families():
        if asked == family.word or (asked is None and family.worth_a_look is not None and family.worth_a_look(file)):
            yield family.load()


def asked_readers() -> Iterator[tuple[str, Reader]]:
    """Every family's word and reader."""
    for family in _families():
        yield family.word, family.load()


def _families() -> list[Family]:
    """All families, those first that a file itself tells of."""
    return sorted((f for entry in DECODERS.values() for f in entry.families), key=lambda family: not family.certain)


def _entry(name: str) -> Entry:
    if name not in DECODERS:
        raise ModelError(f"no decoder is called {name!r}; there are {', '.join(DECODERS)}")
    return DECODERS[name]
