"""Which machine this is: the device tree, /proc/cpuinfo and Jetson's release file, matched to a profile."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .probes.files import read_text, under
from .profile import Profile, load_profile, profile_names

__all__ = ["Machine", "features_of", "this_machine"]

_TREE = ("sys/firmware/devicetree/base/model", "proc/device-tree/model")
_COMPATIBLE = ("sys/firmware/devicetree/base/compatible", "proc/device-tree/compatible")
_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd44": "Cortex-X1",
}
# the kernel's word → the kit's
_FEATURES = {
    "asimd": "neon",
    "asimddp": "dotprod",
    "asimdhp": "fp16",
    "i8mm": "i8mm",
    "bf16": "bf16",
    "sve": "sve",
    "sve2": "sve2",
    "aes": "aes",
    "crc32": "crc32",
    "atomics": "atomics",
    "avx": "avx",
    "avx2": "avx2",
    "fma": "fma",
    "avx512f": "avx512",
    "avx512_vnni": "avx512-vnni",
    "avx_vnni": "avx-vnni",
    "avx512_bf16": "avx512-bf16",
    "amx_int8": "amx-int8",
}


@dataclass(frozen=True)
class Machine:
    """This machine as its kernel describes it; `profile` is the board the kit takes it for."""

    profile: str
    model: str
    machine: str
    cpu: str
    cores: int
    features: tuple[str, ...]
    memory_mb: int | None
    release: str | None  # JetPack's L4T release, where it is one
    system: str
    known_by: str  # what told the profile

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "features": list(self.features)}


def this_machine(root: str | Path = "/", machine: str | None = None) -> Machine:
    """What this machine is; another root shows another board's files."""
    base = Path(root)
    cpuinfo = read_text(base, "proc/cpuinfo") or ""
    model = _first(base, _TREE) or _field(cpuinfo, "Model") or ""
    machine = machine or platform.machine()
    profile, known_by = _match(model, _first(base, _COMPATIBLE) or "", machine)
    total = re.search(r"MemTotal:\s+(\d+)", read_text(base, "proc/meminfo") or "")
    return Machine(
        profile=profile.name,
        model=model or _field(cpuinfo, "model name") or read_text(base, "sys/class/dmi/id/product_name") or "unknown",
        machine=machine,
        cpu=_PARTS.get(_field(cpuinfo, "CPU part") or "", _field(cpuinfo, "model name") or "unknown"),
        cores=_cores(base, cpuinfo),
        features=features_of(cpuinfo),
        memory_mb=int(total[1]) // 1024 if total else None,
        release=_jetson_release(base),
        system=_system(base),
        known_by=known_by,
    )


def features_of(cpuinfo: str) -> tuple[str, ...]:
    """The instruction-set extensions that kernels choose by, of the weakest core."""
    lists = [
        set(line.split(":", 1)[1].split()) for line in cpuinfo.splitlines() if re.match(r"(Features|flags)\s*:", line)
    ]
    common = set.intersection(*lists) if lists else set()
    return tuple(name for word, name in _FEATURES.items() if word in common)


def _match(model: str, compatible: str, machine: str) -> tuple[Profile, str]:
    profiles = [load_profile(name) for name in profile_names()]
    listed = set(compatible.split("\0"))
    for profile in profiles:
        if listed & set(profile.compatible):
            return profile, "device tree, compatible"
    for profile in profiles:
        if any(part in model for part in profile.models):
            return profile, "device tree, model"
    name = "x86" if machine in ("x86_64", "AMD64") else "aarch64"
    return load_profile(name), f"machine type {machine}"


def _first(root: Path, paths: tuple[str, ...]) -> str | None:
    return next((text for text in (read_text(root, path) for path in paths) if text), None)


def _field(cpuinfo: str, name: str) -> str | None:
    match = re.search(rf"^{name}\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return match[1].strip() if match else None


def _cores(root: Path, cpuinfo: str) -> int:
    listed = len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE))
    if root == Path("/"):
        return len(os.sched_getaffinity(0))
    return listed or sum(1 for _ in under(root, "sys/devices/system/cpu/cpu[0-9]*")) or 1


def _jetson_release(root: Path) -> str | None:
    text = read_text(root, "etc/nv_tegra_release") or ""
    match = re.search(r"R(\d+).*?REVISION:\s*([\d.]+)", text)
    return f"L4T {match[1]}.{match[2]}" if match else None


def _system(root: Path) -> str:
    text = read_text(root, "etc/os-release") or ""
    match = re.search(r'^PRETTY_NAME="?([^"\n]+)', text, re.MULTILINE)
    return match[1] if match else platform.system()
