"""Pin what devices get: `python tests/board/pin_wheels.py` writes devices/ssh/pinned.toml from constraints.txt.

For every Python and processor that the kit supports, pip says which wheel of the constrained version fits and what
that wheel needs there; nothing is downloaded but metadata. Needs pip 23.1 or newer, `packaging`, and the package index.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
TARGET = PROJECT / "devices" / "ssh" / "pinned.toml"
ROOTS = {
    "always": ("numpy", "click", "opencv-python-headless", "tomli; python_version < '3.11'"),
    "onnxruntime": ("onnxruntime",),
    "tflite": ("ai-edge-litert",),
    "live": ("starlette", "uvicorn", "httptools"),
    "mqtt": ("paho-mqtt",),
}
PYTHONS = {"3.10": 35, "3.11": 36, "3.12": 36, "3.13": 36}  # with the oldest glibc that it is met with
MACHINES = ("aarch64", "x86_64")
LEFT_OUT = {"sympy", "mpmath", "coloredlogs", "humanfriendly"}  # only onnxruntime's tools for transformers use them


def constraints() -> list[Requirement]:
    """The versions that the kit is tested with."""
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


class Device:
    """One Python on one processor, as pip and as markers see it."""

    def __init__(self, python: str, machine: str) -> None:
        self.python, self.machine = python, machine
        self.environment = dict(
            default_environment(), python_version=python, python_full_version=f"{python}.0", platform_machine=machine,
            sys_platform="linux", platform_system="Linux", extra="",
        )  # fmt: skip
        self.versions = {
            canonicalize_name(each.name): str(each.specifier).removeprefix("==")
            for each in constraints()
            if each.marker is None or each.marker.evaluate(self.environment)
        }

    def wants(self, text: str) -> str | None:
        """The plain name of a requirement, if it holds here."""
        each = Requirement(text)
        if each.marker is not None and not each.marker.evaluate(self.environment):
            return None
        name = canonicalize_name(each.name)
        return None if name in LEFT_OUT else name

    def report(self, names: set[str]) -> list[dict]:
        """What pip would install of these, without what they need."""
        minors = range(PYTHONS[self.python], 16, -1)
        words = [word for minor in minors for word in ("--platform", f"manylinux_2_{minor}_{self.machine}")]
        words += ["--platform", f"manylinux2014_{self.machine}", "--implementation", "cp"]
        for abi in (f"cp{self.python.replace('.', '')}", "abi3", "none"):
            words += ["--abi", abi]
        if missing := sorted(names - set(self.versions)):
            raise SystemExit(f"constraints.txt lacks {', '.join(missing)} (Python {self.python})")
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
            command += ["--ignore-installed", "--no-deps", "--only-binary=:all:", "--target", folder, "--report", "-"]
            command += ["--python-version", self.python, *words]
            command += [f"{name}=={self.versions[name]}" for name in sorted(names)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return list(json.loads(done.stdout)["install"])


def main() -> None:
    """Ask pip for every device, and write what it said."""
    holds: dict[str, dict[str, set[str]]] = {part: defaultdict(set) for part in ROOTS}  # part → name==version → Pythons
    wheels: dict[str, str] = {}
    for python in PYTHONS:
        for machine in MACHINES:
            device, needs = Device(python, machine), {}
            waiting = {name for roots in ROOTS.values() for each in roots if (name := device.wants(each))}
            while waiting:
                for item in device.report(waiting):
                    name = canonicalize_name(item["metadata"]["name"])
                    file = item["download_info"]["url"].rsplit("/", 1)[1]
                    wheels[file] = item["download_info"]["archive_info"]["hashes"]["sha256"]
                    required = (device.wants(text) for text in item["metadata"].get("requires_dist", ()))
                    needs[name] = {each for each in required if each}
                waiting = {each for found in needs.values() for each in found} - set(needs)
            for part, roots in ROOTS.items():
                inside: set[str] = set()
                front = {name for each in roots if (name := device.wants(each))}
                while front:
                    inside |= front
                    front = {each for name in front for each in needs[name]} - inside
                for name in inside:
                    holds[part][f"{name}=={device.versions[name]}"].add(python)
            print(f"Python {python} on {machine}: {len(needs)} packages", file=sys.stderr)
    TARGET.write_text(written(holds, wheels))


def written(holds: dict[str, dict[str, set[str]]], wheels: dict[str, str]) -> str:
    """The file."""
    lines = ["# Written by tests/board/pin_wheels.py from constraints.txt: what a device gets, and nothing else.", ""]
    lines += ["[parts]  # part → all that it needs; the Pythons where it is not for each of them"]
    for part, names in holds.items():
        lines.append(f"{part} = [")
        for name, pythons in sorted(names.items()):
            some = "" if len(pythons) == len(PYTHONS) else f", pythons = {json.dumps(sorted(pythons, key=order))}"
            lines.append(f"    {{ package = {json.dumps(name)}{some} }},")
        lines.append("]")
    lines += ["", "[sha256]"]
    lines += [f"{json.dumps(file)} = {json.dumps(digest)}" for file, digest in sorted(wheels.items())]
    return "\n".join(lines) + "\n"


def order(python: str) -> int:
    """3.9 before 3.10."""
    return int(python.split(".")[1])


if __name__ == "__main__":
    main()
