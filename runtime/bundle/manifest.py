"""The manifest of a bundle as frozen dataclasses; `manifest_json.py` reads and writes their JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..preprocess import PixelContract, TensorContract

__all__ = [
    "ALIGNMENTS",
    "EVERY",
    "FIRST_TASKS",
    "FORMAT",
    "MANIFEST",
    "MOST_STEPS",
    "SIGNATURE",
    "Decode",
    "Golden",
    "Limits",
    "Manifest",
    "ModelFile",
    "Network",
    "Output",
    "Provenance",
    "Step",
]

MANIFEST = "manifest.json"  # its entry in the bundle
SIGNATURE = "manifest.json.sig"
ALIGNMENTS = ("keypoints", "corners")  # how a step may level the crops it looks at
MOST_STEPS = 16
EVERY = ("frame", "track")  # how often a step looks
FORMAT = (2, 1)  # of a newer minor version unknown keys are passed over, a newer major one is refused
FIRST_TASKS = frozenset(["classify", "detect"])  # what kits know that read no more than format 1


@dataclass(frozen=True)
class Limits:
    """How far a model file may be off its reference on the golden frames before `verify` fails it."""

    agreement: float = 0.98  # the share on which they say the same, as the task counts it
    snr_db: float = 20.0
    no_vnni_agreement: float | None = None  # x86 without VNNI saturates in 8-bit kernels: its own, wider margin
    no_vnni_snr_db: float | None = None


@dataclass(frozen=True)
class ModelFile:
    """One file a network runs from, and what was measured of it."""

    path: str  # the bundle's entry
    engine: str  # "onnxruntime" or "tflite"
    precision: str  # "float32", "int8", "float16", "mixed", ...
    tensor: TensorContract
    sha256: str = ""  # filled when the bundle is written
    bytes: int = 0
    outputs: tuple[str, ...] = ()  # the file's own tensor names, in the order of the network's outputs
    limits: Limits = field(default_factory=Limits)
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Output:
    """One output of a network, by the name that decoders know it by."""

    name: str  # "logits", "boxes", "grid", ...
    shape: tuple[int, ...] = ()  # without the batch axis; 0 for an axis that varies
    dtype: str = "float32"


@dataclass(frozen=True)
class Decode:
    """How outputs become recognitions; `options` hold what the decoder alone knows, its own dataclass reads them."""

    decoder: str = "classify"
    threshold: float = 0.0
    background: tuple[str, ...] = ()  # labels that mean "nothing there": never announced
    thresholds: Mapping[str, float] = field(default_factory=dict)  # of labels that have their own
    options: Mapping[str, Any] = field(default_factory=dict)

    def held_to(self, asked: float | None) -> float:
        """The threshold that holds: the one that was asked for, else the model's own."""
        return self.threshold if asked is None else asked

    def least(self, label: str) -> float:
        """What a label is held to: its own threshold, else that of all."""
        return self.thresholds.get(label, self.threshold)

    def at(self, asked: float | None) -> Decode:
        """These settings with the asked threshold, which holds for every label; as they are where none was asked."""
        return self if asked is None else replace(self, threshold=asked, thresholds={})


@dataclass(frozen=True)
class Network:
    """One network: what it looks at, what it answers, and the files it can run from."""

    task: str  # one of the runtime's `TASKS`
    labels: tuple[str, ...]
    pixels: PixelContract
    outputs: tuple[Output, ...]
    decode: Decode
    files: tuple[ModelFile, ...]
    feature_space: str = ""  # names the reference float network and its pixel contract; recompressing keeps it
    preferred: str = ""  # the entry that `--engine auto` starts with; the first file unless said


@dataclass(frozen=True)
class Step:
    """One link of the pipeline: what goes in, which network sees it, what its result is called."""

    input: str = "frame"
    network: str = "main"
    region: str | None = None  # the name of an earlier step's output whose boxes are cropped
    align: str | None = None  # "keypoints": each crop is turned so that the first two lie level; "corners": it is what
    # lies between four keypoints, from the top left around
    output: str = "result"
    margin: float = 0.0  # added around each box, as a share of its sides
    classes: tuple[str, ...] = ()  # the labels whose boxes are looked into; all unless said
    every: str = "frame"  # "track": of a thing that is followed only when it is new or has changed


@dataclass(frozen=True)
class Golden:
    """Real input frames and the reference network's outputs for them."""

    network: str  # a role, or "" for the whole pipeline
    frames: tuple[str, ...]  # entries, PNG
    reference: str  # entry: .npz with one float32 (N, ...) array an output name
    sequence: bool = False
    agreement: float = 0.9  # of the whole pipeline: the share of things that must be the same


@dataclass(frozen=True)
class Provenance:
    """Where a bundle comes from."""

    kit: str = ""
    command: str = ""
    seed: int | None = None
    data: str = ""  # fingerprint of the data set
    created: str = ""  # ISO 8601, UTC
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """Everything a bundle says of itself."""

    name: str
    networks: Mapping[str, Network]
    steps: tuple[Step, ...] = (Step(),)
    golden: tuple[Golden, ...] = ()
    content_version: int = 1  # only grows
    provenance: Provenance = field(default_factory=Provenance)
    entries: Mapping[str, str] = field(
        default_factory=dict
    )  # every entry's sha256 but the manifest's and its signature's

    @property
    def format(self) -> tuple[int, int]:
        """The oldest format that can say all this, which the oldest kits read."""
        networks = self.networks.values()
        later = any(network.task not in FIRST_TASKS or network.pixels.widths for network in networks)
        if len(self.steps) > 1 or later:
            newer = any(network.pixels.widths for network in networks) or any(
                step.every != "frame" for step in self.steps
            )
            return (2, 1) if newer else (2, 0)
        return (1, 1) if any(network.decode.thresholds for network in networks) else (1, 0)

    @property
    def main(self) -> Network:
        """The network of the last step: the one whose labels are the bundle's answer."""
        return self.networks[self.steps[-1].network]

    @property
    def labels(self) -> tuple[str, ...]:
        """What results' ids speak of: the labels of the first step, then those of the second, ..."""
        return tuple(label for step in self.steps for label in self.networks[step.network].labels)
