"""The reader of each family of bare files, imported where a file is looked at that may be of it."""

from __future__ import annotations

from functools import partial

from .reading import Reader

__all__ = [
    "classifier",
    "ctc",
    "d_fine",
    "db",
    "embedding",
    "fastestdet",
    "hf_detr",
    "kit_file",
    "lens_det",
    "lpd_yunet",
    "mediapipe",
    "movenet",
    "nanodet",
    "pytorch_ssd",
    "retinaface",
    "rf_detr",
    "scrfd",
    "ssd",
    "ultraface",
    "ultralytics",
    "yolo_nas",
    "yolov7_rows",
    "yolox",
    "yunet",
    "yunet_2022",
]


def ctc() -> Reader:
    """Of what reads a line of text step by step."""
    from .ctc_reading import read_as_ctc

    return read_as_ctc


def d_fine() -> Reader:
    """Of D-FINE, DEIM and RT-DETR as their own tools export them."""
    from .d_fine import read_as_d_fine

    return read_as_d_fine


def db() -> Reader:
    """Of maps of where text is."""
    from .db_reading import read_as_db

    return read_as_db


def classifier() -> Reader:
    """Of rows of scores."""
    from .classify_reading import read_as_classifier

    return read_as_classifier


def embedding() -> Reader:
    """Of rows that tell what a picture is known by."""
    from .embedding_reading import read_as_embedding

    return read_as_embedding


def fastestdet() -> Reader:
    """Of FastestDet."""
    from .fastestdet import read_as_fastestdet

    return read_as_fastestdet


def hf_detr() -> Reader:
    """Of RT-DETR and D-FINE as Hugging Face exports them."""
    from .hf_detr_reading import read_as_hf_detr

    return read_as_hf_detr


def kit_file() -> Reader:
    """Of the kit's own classifiers."""
    from .kit_reading import read_as_kit_file

    return read_as_kit_file


def mediapipe() -> Reader:
    """Of MediaPipe's detectors."""
    from .mediapipe import read_as_mediapipe

    return read_as_mediapipe


def movenet() -> Reader:
    """Of MoveNet."""
    from .movenet import read_as_movenet

    return read_as_movenet


def nanodet() -> Reader:
    """Of NanoDet and PicoDet."""
    from .nanodet import read_as_nanodet

    return read_as_nanodet


def lens_det() -> Reader:
    """Of the kit's own detectors."""
    from .lens_det_reading import read_as_lens_det

    return read_as_lens_det


def pytorch_ssd() -> Reader:
    """Of PyTorch's SSDs."""
    from .pytorch_ssd import read_as_pytorch_ssd

    return read_as_pytorch_ssd


def retinaface() -> Reader:
    """Of RetinaFace."""
    from .retinaface import read_as_retinaface

    return read_as_retinaface


def rf_detr() -> Reader:
    """Of RF-DETR."""
    from .rf_detr import read_as_rf_detr

    return read_as_rf_detr


def scrfd() -> Reader:
    """Of SCRFD."""
    from .scrfd import read_as_scrfd

    return read_as_scrfd


def ssd() -> Reader:
    """Of SSDs with their post-processing in the graph."""
    from .ssd import read_as_ssd

    return read_as_ssd


def ultraface() -> Reader:
    """Of UltraFace."""
    from .ultraface import read_as_ultraface

    return read_as_ultraface


def ultralytics(layout: str | None = None, kind: str | None = None) -> Reader:
    """Of Ultralytics' exports: whatever they say of themselves, or of the layout and kind that were asked for."""
    from .ultralytics_reading import read_as_ultralytics

    return read_as_ultralytics if layout is None else partial(read_as_ultralytics, layout=layout, kind=kind)


def yolo_nas() -> Reader:
    """Of YOLO-NAS."""
    from .yolo_nas import read_as_yolo_nas

    return read_as_yolo_nas


def yolov7_rows() -> Reader:
    """Of YOLOv7 with its suppression in the graph."""
    from .yolo_nas import read_as_yolov7_rows

    return read_as_yolov7_rows


def yolox() -> Reader:
    """Of YOLOX."""
    from .yolox import read_as_yolox

    return read_as_yolox


def yunet() -> Reader:
    """Of YuNet."""
    from .yunet import read_as_yunet

    return read_as_yunet


def yunet_2022() -> Reader:
    """Of YuNet as it was in 2021 and 2022."""
    from .yunet_2022 import read_as_yunet_2022

    return read_as_yunet_2022


def lpd_yunet() -> Reader:
    """Of YuNet that finds license plates."""
    from .lpd_yunet import read_as_lpd_yunet

    return read_as_lpd_yunet
