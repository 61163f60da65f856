"""The wheels that a device needs, fetched by this machine's pip for the device's Python and processor."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgelens.runtime.errors import DeviceError, UsageError
from edgelens.runtime.host.files import write_text

from .connection import Hello

__all__ = ["REQUIREMENTS", "Layer", "fetch_wheels", "platform_tags"]

_ALWAYS = ("numpy", "click", "opencv-python-headless")
REQUIREMENTS = {
    "onnxruntime": ("onnxruntime",),
    "tflite": ("ai-edge-litert",),
    "live": ("starlette", "uvicorn", "httptools"),
    "mqtt": ("paho-mqtt",),
}
_OLDEST_GLIBC = 17


@dataclass(frozen=True)
class Layer:
    """One file that is unpacked on the device, named by its hash."""

    path: Path
    sha256: str

    @property
    def key(self) -> str:
        """The folder's name there: readable, and another one for other content."""
        name = re.sub(r"[^A-Za-z0-9.]+", "-", self.path.stem).strip("-").split("-")[0]
        return f"{name}-{self.sha256[:16]}"


def fetch_wheels(
    hello: Hello, parts: Sequence[str], wheels: str | None, progress: Callable[[str], None]
) -> list[Layer]:
    """The wheels for a device's Python; from `wheels`, a folder, or by pip into this user's cache."""
    wanted = [*_ALWAYS, *(name for part in parts for name in REQUIREMENTS[part])]
    if tuple(hello["python"][:2]) < (3, 11):
        wanted.append("tomli")
    target = _cache(hello, parts, wheels)
    listing = target / "complete.json"
    if not listing.exists():
        where = f"from {wheels}" if wheels else "with pip"
        progress(f"fetching wheels for Python {_version(hello)} on {hello['machine']} {where}")
        _download(hello, wanted, wheels, target)
        write_text(listing, json.dumps(sorted(path.name for path in target.glob("*.whl"))))
    return [_layer(target / name) for name in json.loads(listing.read_text())]


def platform_tags(machine: str, libc: str) -> list[str]:
    """The platform tags a device takes, newest first; glibc's version bounds them."""
    found = re.search(r"(\d+)\.(\d+)", libc)
    if not found or not libc.startswith("glibc"):
        raise DeviceError(f"the device's C library is {libc or 'unknown'}; wheels exist for glibc: use a Debian system")
    newest = int(found[2])
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, _OLDEST_GLIBC - 1, -1)]
    return [*tags, f"manylinux2014_{machine}", f"linux_{machine}"]


def _download(hello: Hello, wanted: Sequence[str], wheels: str | None, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    major, minor = hello["python"][:2]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(target)]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", f"{major}.{minor}"]
    for abi in (f"cp{major}{minor}", "abi3", "none"):
        command += ["--abi", abi]
    for tag in platform_tags(hello["machine"], hello["libc"]):
        command += ["--platform", tag]
    if wheels:
        if not Path(wheels).is_dir():
            raise UsageError(f"--wheels {wheels}: no such folder")
        command += ["--no-index", "--find-links", wheels]
    done = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeviceError(_pip_words(done.stderr, hello, wheels))


def _pip_words(stderr: str, hello: Hello, wheels: str | None) -> str:
    if "No module named pip" in stderr:
        return "this machine's Python has no pip to fetch the device's wheels with: install pip, or give --wheels DIR"
    lines = [line for line in stderr.splitlines() if line.startswith("ERROR")] or stderr.strip().splitlines()[-1:]
    said = lines[-1].removeprefix("ERROR: ")[:200] if lines else "no reason given"
    where = wheels or "the package index"
    return f"{where}: no wheels for Python {_version(hello)} on {hello['machine']}: {said}"


def _cache(hello: Hello, parts: Sequence[str], wheels: str | None) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgelens" / "wheels"
    libc = re.sub(r"[^0-9.]", "", str(hello["libc"]))
    source = "" if not wheels else "-" + hashlib.sha256(_folder_state(wheels).encode()).hexdigest()[:8]
    return base / f"cp{_version(hello)}-{hello['machine']}-{libc}-{'-'.join(sorted(parts))}{source}"


def _folder_state(folder: str) -> str:
    """A folder of wheels that was changed is looked through anew."""
    path = Path(folder)
    names = sorted(entry.name for entry in path.glob("*.whl")) if path.is_dir() else []
    return "\n".join([str(path.resolve()), *names])


def _layer(path: Path) -> Layer:
    try:
        return Layer(path, hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError as error:
        raise DeviceError(f"{path}: could not be read ({error.strerror}); delete its folder and try again") from None


def _version(hello: Hello) -> str:
    return ".".join(map(str, hello["python"][:2]))
