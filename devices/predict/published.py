"""Latencies that others published, each with its source, and what their networks and boards consist of."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from urllib.parse import urlsplit

from ..profile import Profile, load_profile, profile_names

__all__ = ["KINDS", "Processor", "TimedNetwork", "Work", "networks", "processor_of", "published"]

KINDS = ("conv", "pointwise", "depthwise", "dense")


@dataclass(frozen=True)
class Work:
    """A network as sums: multiply-adds by kind, values moved, weights, operators."""

    macs: tuple[float, ...]  # in the order of KINDS
    moved: float
    weights: float
    operators: float


@dataclass(frozen=True)
class Processor:
    """What of a board an estimate goes by."""

    cpu: str
    clock_mhz: float
    cores: int
    dotprod: bool
    bandwidth_gbs: float


@dataclass(frozen=True)
class TimedNetwork:
    """One published latency. `engine` is ncnn, tflite (its XNNPACK) or tflite-ruy (the kernels TFLite itself has)."""

    board: str
    mhz: int
    network: str
    engine: str
    precision: str
    threads: int
    ms: float
    source: str

    @property
    def publisher(self) -> str:
        """Who published it: a repository, or a site. Rows of one publisher err together."""
        url = urlsplit(self.source)
        return "/".join([url.netloc, *url.path.split("/")[1:3]])

    @property
    def processor(self) -> Processor:
        """The board's, at the clock it was measured at."""
        return replace(_board(self.board), clock_mhz=float(self.mhz))


def published() -> list[TimedNetwork]:
    """Every published latency with its source."""
    return [
        TimedNetwork(
            row["board"],
            int(row["mhz"]),
            row["network"],
            row["engine"],
            row["precision"],
            int(row["threads"]),
            float(row["ms"]),
            row["source"],
        )
        for row in _rows("published.csv")
    ]


@functools.lru_cache(maxsize=1)
def networks() -> Mapping[str, Work]:
    """What the published networks consist of."""
    return {
        row["network"]: Work(
            tuple(float(row[kind]) for kind in KINDS),
            float(row["moved"]),
            float(row["weights"]),
            float(row["operators"]),
        )
        for row in _rows("published_networks.csv")
    }


def processor_of(profile: Profile) -> Processor:
    """A board's, at the clock of its profile."""
    dotprod = "dotprod" in profile.features
    return Processor(profile.cpu, profile.clock_mhz, profile.cores, dotprod, profile.bandwidth_gbs)


@functools.lru_cache(maxsize=32)
def _board(name: str) -> Processor:
    """A profile's processor, or that of a board which the kit does not know but others measured."""
    if name in profile_names():
        return processor_of(load_profile(name))
    row = next(row for row in _rows("published_boards.csv") if row["board"] == name)
    return Processor(row["cpu"], 0.0, int(row["cores"]), row["dotprod"] == "yes", float(row["bandwidth_gbs"]))


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("edgelens.devices.predict") / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
