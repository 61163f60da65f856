"""What a compression is told: one frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass

from .learn.distill import DistillConfig
from .prune.iterative import PruneConfig
from .quantize.observers import Observer
from .quantize.qat import QatConfig

__all__ = ["PRECISIONS", "CompressConfig"]

PRECISIONS = ("float32", "int8", "float16", "dynamic", "weight-only")


@dataclass(frozen=True)
class CompressConfig:
    """Which steps a network goes through, which files are made of it, and what they may cost."""

    formats: tuple[str, ...] = ("onnx", "tflite")
    precisions: tuple[str, ...] = ("float32", "int8")
    # steps, in the order they are taken; None leaves one out
    distill: DistillConfig | None = None
    prune: PruneConfig | None = None
    qat: QatConfig | None = None
    teacher: str | None = None  # a run to learn from; the uncompressed network unless given
    # ranges
    observer: Observer | None = None  # None takes the one that answers most like the float network
    calibrate: str | None = None  # a folder of images; the run's training images unless given
    calibration_images: int = 300
    equalize: bool = True  # even out channels before quantizing, where it helps
    correct_bias: bool = True  # take the mean error of 8 bits out of the biases, where it helps
    round_weights: bool = False  # learn which way each weight is rounded
    mixed: int = 0  # leave up to so many of the most sensitive layers float
    keep_float: frozenset[str] = frozenset()  # layers by graph name
    full_integer: bool = False
    # the bundle
    dynamic_batch: bool = False
    background: tuple[str, ...] = ()  # labels that mean "nothing there"
    name: str | None = None  # the file's name unless given
    report: str | None = None  # where the page goes that tells of it; nowhere unless given
    card: str | None = None  # where the bundle's card goes as JSON too; nowhere unless given
    evaluation_images: int = 10_000
    max_drop: float = 1.0  # accuracy points an 8-bit file may lose and still be preferred
    allow_mismatch: bool = False
    sensitivity: bool = False  # measure what every layer costs in 8 bits, for the report
    on: str | None = None  # [user@]host whose timings decide
    device: str | None = None  # a profile whose predicted timings decide where it is not this machine
    threads: int = 1
    seed: int = 0
    command: str = ""

    def __post_init__(self) -> None:
        from edgelens.runtime.errors import UsageError

        for said, option, like in (
            (self.formats, "--formats", "onnx,tflite"),
            (self.precisions, "--precisions", "float32,int8"),
        ):
            if not said:
                raise UsageError(f"{option}: names none: name at least one, as in {option} {like}")
        for precision in self.precisions:
            if precision not in PRECISIONS:
                raise UsageError(f"--precisions {precision}: must be one of {', '.join(PRECISIONS)}")
        if self.device is not None:
            from edgelens.devices.profile import load_profile

            load_profile(self.device)  # an unknown name is an error of its own, before the work
        for name in self.formats:
            if name not in ("onnx", "tflite"):
                raise UsageError(f"--formats {name}: must be onnx or tflite")
