"""The wheels that a device needs: of the pinned versions, for its Python and processor, by hash."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgelens.runtime.errors import DeviceError, UsageError, WorkError
from edgelens.runtime.host.owned import own_folder, read_own, write_own
from edgelens.runtime.host.places import kept_folder

from .agent.launch import combined, file_hash, stream_hash
from .agent.store import placed
from .hello import Hello
from .pins import Pin, pinned, wheel_hashes
from .wheel_names import Wheel, fitting, platform_tags

__all__ = ["Layer", "Target", "cache_folder", "fetch_wheels", "fill_folder"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Layer:
    """One file that is unpacked on the device, named by its hash."""

    path: Path
    sha256: str

    @property
    def key(self) -> str:
        """The folder's name there: readable, and another one for other content."""
        return f"{package_of(self.path.stem)}-{self.sha256[:16]}"

    def unpacked_hash(self) -> str:
        """What `tree_hash` gives where the layer is unpacked; reckoned once a file, and kept beside it."""
        kept = cache_folder() / "unpacked" / self.sha256
        with contextlib.suppress(OSError, WorkError):
            if len(text := read_own(kept).decode("ascii", "replace")) == 64:
                return text
        hashes = []
        with zipfile.ZipFile(self.path) as wheel:
            for info in wheel.infolist():
                target = placed(info.filename)
                if target is None or "__pycache__" in target.split("/"):
                    continue
                with wheel.open(info) as stream:
                    hashes.append((target, stream_hash(stream)))
        write_own(kept, combined(hashes).encode())
        return combined(hashes)


@dataclass(frozen=True)
class Target:
    """What wheels are chosen by."""

    python: tuple[int, int]
    machine: str
    libc: str

    @classmethod
    def of(cls, hello: Hello) -> Target:
        """A device that is connected."""
        return cls(hello.python[:2], hello.machine, hello.libc)

    def __str__(self) -> str:
        return f"Python {self.python[0]}.{self.python[1]} on {self.machine}"

    def best(self, wheels: Sequence[Wheel]) -> Wheel | None:
        """The one that the device would take first."""
        tags = platform_tags(self.machine, self.libc)
        ranked = [(at, wheel.file, wheel) for wheel in wheels if (at := fitting(wheel, self.python, tags)) is not None]
        return min(ranked)[2] if ranked else None


def package_of(stem: str) -> str:
    """The package's name at the start of a file's."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", stem.split("-", maxsplit=1)[0]).strip("-").lower()


def fetch_wheels(hello: Hello, parts: Sequence[str], folder: str | None, progress: Progress) -> list[Layer]:
    """The wheels for a device: from a folder of the user's, else the tested ones, fetched by pip into a cache."""
    target = Target.of(hello)
    pins = pinned(parts, target.python)
    return _from_folder(target, pins, folder, progress) if folder else _from_cache(target, pins, progress)


def fill_folder(target: Target, parts: Sequence[str], folder: Path, progress: Progress) -> list[Path]:
    """The tested wheels for a device, laid into a folder that `--wheels` takes."""
    layers = _from_cache(target, pinned(parts, target.python), progress)
    folder.mkdir(parents=True, exist_ok=True)
    placed = []
    for layer in layers:
        path = folder / layer.path.name
        path.write_bytes(layer.path.read_bytes())
        placed.append(path)
    return placed


def _from_folder(target: Target, pins: Sequence[Pin], folder: str, progress: Progress) -> list[Layer]:
    """A folder's owner answers for what lies there; what is not the tested version is said."""
    if not Path(folder).is_dir():
        raise UsageError(f"--wheels {folder}: no such folder")
    there = [wheel for path in sorted(Path(folder).glob("*.whl")) if (wheel := Wheel.of(path.name))]
    layers, others = [], []
    for pin in pins:
        known = [wheel for wheel in there if wheel.name == pin.name]
        best = target.best([wheel for wheel in known if wheel.version == pin.version]) or target.best(known)
        if best is None:
            what = "none of its wheels there fits" if known else "no wheel of it is there"
            raise DeviceError(
                f"--wheels {folder}: {pin.name} for {target}: {what}; `edgelens devices wheels DIR --python "
                f"{target.python[0]}.{target.python[1]} --machine {target.machine}` fills a folder"
            )
        layer = _layer(Path(folder) / best.file)
        if layer.sha256 != wheel_hashes().get(best.file, layer.sha256):
            raise DeviceError(f"{layer.path}: is not the {pin.name} {pin.version} that was published: remove it")
        if best.version != pin.version:
            others.append(f"{pin.name} {best.version} (tested: {pin.version})")
        layers.append(layer)
    if others:
        progress(f"--wheels {folder}: not what the kit was tested with: {', '.join(others)}")
    return layers


def _from_cache(target: Target, pins: Sequence[Pin], progress: Progress) -> list[Layer]:
    hashes = wheel_hashes()
    known = [wheel for file in hashes if (wheel := Wheel.of(file))]
    chosen: list[Wheel] = []
    for pin in pins:
        best = target.best([wheel for wheel in known if (wheel.name, wheel.version) == (pin.name, pin.version)])
        if best is None:
            raise DeviceError(
                f"there is no tested wheel of {pin.name} {pin.version} for {target}, {target.libc}: the kit runs on "
                "Python 3.10 to 3.13 on aarch64 and x86_64; --wheels DIR takes wheels of your own"
            )
        chosen.append(best)
    cache = cache_folder()
    missing = [wheel for wheel in chosen if not _whole(cache / wheel.file, hashes[wheel.file])]
    if missing:
        progress(f"fetching {len(missing)} wheels for {target} with pip")
        _download(target, missing, cache)
    return [Layer(cache / wheel.file, hashes[wheel.file]) for wheel in chosen]


def _download(target: Target, wheels: Sequence[Wheel], cache: Path) -> None:
    """By this machine's pip, from the index that it is set to; what has not the tested hash is refused."""
    own_folder(cache)
    hashes = wheel_hashes()
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        asked = Path(folder) / "requirements.txt"
        asked.write_text(
            "".join(f"{wheel.name}=={wheel.version} --hash=sha256:{hashes[wheel.file]}\n" for wheel in wheels)
        )
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--dest", folder, "--requirement", str(asked), "--only-binary=:all:"]
        major, minor = target.python
        command += ["--implementation", "cp", "--python-version", f"{major}.{minor}"]
        for abi in (f"cp{major}{minor}", "abi3", "none"):
            command += ["--abi", abi]
        for tag in platform_tags(target.machine, target.libc):
            command += ["--platform", tag]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DeviceError(_pip_words(done.stderr, target))
        for wheel in wheels:
            path = Path(folder) / wheel.file
            if not _whole(path, hashes[wheel.file]):
                raise WorkError(f"pip did not bring {wheel.file} for {target}: try again, or give --wheels DIR")
            path.replace(cache / wheel.file)


def _pip_words(stderr: str, target: Target) -> str:
    if "No module named pip" in stderr:
        return "this machine's Python has no pip to fetch the device's wheels with: install pip, or give --wheels DIR"
    lines = [line for line in stderr.splitlines() if line.startswith("ERROR")] or stderr.strip().splitlines()[-1:]
    said = lines[-1].removeprefix("ERROR: ")[:200] if lines else "no reason given"
    return f"the package index gave no wheels for {target}: {said}; --wheels DIR takes them from a folder"


def cache_folder() -> Path:
    """Where wheels are kept here, each under its own name."""
    return kept_folder() / "wheels"


def _whole(path: Path, sha256: str) -> bool:
    return path.is_file() and _layer(path).sha256 == sha256


def _layer(path: Path) -> Layer:
    try:
        return Layer(path, file_hash(str(path)))
    except OSError as error:
        raise DeviceError(f"{path}: could not be read ({error.strerror})") from None
