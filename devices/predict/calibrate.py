"""Timing the shipped micro-kernel networks on this machine and fitting the cost model to it."""

from __future__ import annotations

import datetime as dt
import functools
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from edgelens.runtime.engines.catalog import available, open_engine
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host.places import data_folder
from edgelens.version import __version__

from ..bench.inputs import random_inputs
from ..bench.statistics import summarize
from ..bench.timing import sample, warm_up
from ..here import this_machine
from ..probes.files import read_text
from ..profile import Profile, load_profile, profile_names
from .cost import CostModel, fit_cost
from .operators import Op, operators_of

__all__ = ["SCHEMA", "calibrate", "calibrated_board", "load_calibration", "saved_calibration"]

SCHEMA = 2
# a .tflite of older converters holds uint8, which no delegate takes: many times slower than int8
PRECISIONS = {"tflite": ("float32", "int8", "uint8"), "onnxruntime": ("float32", "int8")}
_ROUNDS = 2
_SUFFIX = {"tflite": "tflite", "onnxruntime": "onnx"}


def calibrate(
    engines: Sequence[str], threads: Sequence[int], seconds: float, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Cost models of this machine for every installed engine, precision and thread count, as plain values."""
    installed = [engine for engine in engines if available(engine)]
    if not installed:
        raise WorkError(f"none of {', '.join(engines)} is installed here")
    cache = _cache_bytes()
    fits: dict[str, Any] = {}
    for engine in installed:
        for precision in PRECISIONS[engine]:
            for count in threads:
                progress(f"timing kernels on {engine} {precision}, {count} thread{'s' if count > 1 else ''}")
                rows = _timed_apart(engine, precision, count, seconds)
                networks = [[Op(**op) for op in row["ops"]] for row in rows]
                noise = float(np.median([row["noise"] for row in rows]))
                fit = fit_cost(networks, [row["ms"] for row in rows], noise, cache)
                fits[f"{engine}/{precision}/{count}"] = fit.as_dict()
    return {
        "schema": SCHEMA,
        "kind": "calibration",
        "kit": __version__,
        "when": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "device": this_machine().as_dict(),
        "fits": fits,
    }


def saved_calibration(profile: str) -> Path:
    """Where a board's calibration is kept on this machine."""
    return data_folder() / "calibration" / f"{profile}.json"


def load_calibration(path: Path) -> dict[str, CostModel]:
    """The cost models of a calibration file by "engine/precision/threads"."""
    try:
        plain = json.loads(path.read_text("utf-8"))
        if plain["kind"] != "calibration" or plain["schema"] != SCHEMA:
            raise UsageError(f"{path}: is no calibration this kit reads: `edgelens devices calibrate` makes one")
        return {key: CostModel(**fit) for key, fit in plain["fits"].items()}
    except OSError as error:
        raise UsageError(f"{path}: could not be read ({error.strerror or error})") from None
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"{path}: is no calibration: `edgelens devices calibrate` makes one") from None


def calibrated_board(path: Path) -> Profile:
    """The board that a calibration says it is of: one that the kit knows."""
    try:
        name = json.loads(path.read_text("utf-8"))["device"]["profile"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        name = None
    if name not in profile_names():
        raise UsageError(f"{path}: names no board that the kit knows: `edgelens devices calibrate` makes one")
    return load_profile(name)


def kernels(engine: str, precision: str) -> Iterator[tuple[str, bytes]]:
    """The shipped networks for an engine, one at a time: unpacked they are larger than a small board's memory."""
    packed = resources.files("edgelens.devices.predict") / f"kernels-{precision}-{_SUFFIX[engine]}.tar.xz"
    with packed.open("rb") as stream, tarfile.open(fileobj=stream, mode="r|xz") as archive:
        for info in archive:
            member = archive.extractfile(info)
            assert member is not None
            yield Path(info.name).stem, member.read()


def _timed_apart(engine: str, precision: str, threads: int, seconds: float) -> list[dict[str, Any]]:
    """Every kernel's time and operators, from a process of its own."""
    words = [sys.executable, "-m", "edgelens.devices.predict.calibrate", engine, precision, str(threads), str(seconds)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise WorkError(f"calibrating {engine} {precision} broke off: {said[:200]}")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def _timed(engine: str, precision: str, threads: int, seconds: float) -> list[dict[str, Any]]:
    """Every kernel in some rounds: what else ran on the machine in one of them is seldom there in the next."""
    rows: dict[str, dict[str, Any]] = {}
    for _ in range(_ROUNDS):
        for name, data in kernels(engine, precision):
            with open_engine(engine, data, EngineOptions(threads=threads, spin=True)) as loaded:
                run = functools.partial(loaded.run, random_inputs(loaded.inputs))
                warm_up(run, 0.06)
                steady = summarize(sample(run, seconds / _ROUNDS, 6, 5000))
            quiet = steady.quantiles[4]  # a tenth: what other programs took is not the kernel's
            if name not in rows:
                ops = [asdict(op) for op in operators_of(data, name, engine)]
                rows[name] = {"name": name, "ms": quiet, "noise": steady.noise, "ops": ops}
            elif quiet < rows[name]["ms"]:
                rows[name] |= {"ms": quiet, "noise": steady.noise}
    return list(rows.values())


def _cache_bytes() -> float:
    """The second-level cache, beyond which activations come from slower memory."""
    text = read_text(Path("/"), "sys/devices/system/cpu/cpu0/cache/index2/size") or ""
    units = {"K": 1 << 10, "M": 1 << 20}
    if text[-1:] in units and text[:-1].isdigit():
        return float(int(text[:-1]) * units[text[-1]])
    return 512.0 * 1024


if __name__ == "__main__":
    print(json.dumps(_timed(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
