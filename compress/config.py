"""What a compression is told: one frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass, field

from .quantize.observers import Observer

__all__ = ["CompressConfig"]


@dataclass(frozen=True)
class CompressConfig:
    """Which files are made, how their ranges are found, and what they may cost."""

    formats: tuple[str, ...] = ("onnx", "tflite")
    precisions: tuple[str, ...] = ("float32", "int8")
    observer: Observer = field(default_factory=Observer)
    calibrate: str | None = None  # a folder of images; the run's training images unless given
    calibration_images: int = 300
    evaluation_images: int = 10_000
    keep_float: frozenset[str] = frozenset()  # layers by graph name
    full_integer: bool = False
    dynamic_batch: bool = False
    background: tuple[str, ...] = ()  # labels that mean "nothing there"
    name: str | None = None  # the bundle's; the file's name unless given
    max_drop: float = 1.0  # accuracy points an 8-bit file may lose and still be preferred
    allow_mismatch: bool = False
    threads: int = 1
    seed: int = 0
    command: str = ""
