"""The board itself: instruction set, clock, heat, memory, disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from edgelens.runtime.host.places import data_folder, home_folder

from ..here import Machine, this_machine
from ..probes.clock import governor
from ..probes.memory import memory
from ..probes.temperature import temperature_c
from ..probes.throttle import throttling
from ..profile import load_profile
from .finding import Finding, bad, note, ok, warn

__all__ = ["check_system"]

_LITTLE_DISK_MB = 500


def check_system(root: Path) -> list[Finding]:
    """Everything the kernel tells that gets in the way of steady, fast recognition."""
    return [
        *_processor(root),
        _governor(root),
        _heat(root),
        _throttling(root),
        *_memory(root),
        _disk(root),
        _temporary(),
    ]


def _processor(root: Path) -> list[Finding]:
    machine = this_machine(root)
    findings = [
        ok("processor", f"{machine.cpu}, {machine.cores} cores: {', '.join(machine.features) or 'features unknown'}")
    ]
    if machine.machine not in ("aarch64", "x86_64"):
        findings.append(bad("processor", f"{machine.machine} has no wheels", "install a 64-bit system"))
    elif machine.machine == "aarch64":
        findings.append(_eight_bits(machine))
    elif machine.machine == "x86_64" and not {"avx512-vnni", "avx-vnni"} & set(machine.features):
        findings.append(
            note("int8", "no VNNI: 8-bit ONNX takes slower kernels, the fast ones saturate", "--engine tflite has none")
        )
    if machine.machine == "x86_64" and "avx2" not in machine.features:
        findings.append(warn("processor", "no AVX2", "engines run many times slower here"))
    return findings


def _eight_bits(machine: Machine) -> Finding:
    """What 8 bits gain on this processor, by what others published of such."""
    from ..predict.priors import prior
    from ..predict.published import networks

    profile = load_profile(machine.profile)
    work = networks()["mobilenet_v2"]
    whole, eight = (prior().estimate(work, profile, "tflite", kind, profile.cores) for kind in ("float32", "int8"))
    kind = "with" if "dotprod" in machine.features else "no"
    gain = f"published figures promise TFLite about {whole / eight:.1f} times float32's speed"
    return ok("int8", f"{kind} dot-product instructions: {gain} (MobileNetV2 {whole:.0f} ms after {eight:.0f} ms)")


def _governor(root: Path) -> Finding:
    name = governor(root)
    if name is None:
        return ok("governor", "not told here (a virtual machine, or a fixed clock)")
    if name == "performance":
        return ok("governor", name)
    do = "for steady times: echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    return warn("governor", name, do) if name == "powersave" else note("governor", name, do)


def _heat(root: Path) -> Finding:
    value = temperature_c(root)
    if value is None:
        return ok("heat", "no sensor")
    limit = load_profile(this_machine(root).profile).throttles_at_c or 90.0
    if value > limit - 10:
        return warn("heat", f"{value:.0f} °C, throttles at {limit:.0f} °C", "give it a heat sink or a fan")
    return ok("heat", f"{value:.0f} °C")


def _throttling(root: Path) -> Finding:
    state = throttling(root)
    if not state.source:
        return ok("throttling", "not told here")
    if any("under-voltage" in reason for reason in state.reasons):
        return warn("throttling", ", ".join(state.reasons), "use the board's own power supply and a short cable")
    if state.now or state.since_boot:
        return warn("throttling", ", ".join(state.reasons), "cool it; measurements since then are not to be trusted")
    return ok("throttling", f"none since boot ({state.source})")


def _memory(root: Path) -> list[Finding]:
    state = memory(root)
    if state.total_mb is None:
        return []
    findings = [ok("memory", f"{state.total_mb:.0f} MB, {state.free_mb or 0:.0f} MB to be had")]
    if (state.free_mb or 0) < 150:
        findings = [warn("memory", f"only {state.free_mb or 0:.0f} MB to be had", "stop other programs, or add swap")]
    if state.total_mb < 1100 and not state.swap_mb:
        findings.append(
            warn("swap", "none, with little memory", "`sudo apt install zram-tools`, or enlarge the swap file")
        )
    elif state.swap_used_mb and state.swap_used_mb > 0.5 * (state.swap_mb or 1):
        findings.append(note("swap", f"{state.swap_used_mb:.0f} MB in use", "what is swapped out is slow: free memory"))
    return findings


def _disk(root: Path) -> Finding:
    home = home_folder() if root == Path("/") else root
    if home is None:
        return warn(
            "disk", "this user has no home folder", f"set HOME to one: until then all is kept in {data_folder()}"
        )
    try:
        free = shutil.disk_usage(home).free >> 20
    except OSError as error:
        return bad("disk", f"{home}: {error.strerror}", "give this user a home folder")
    if not os.access(home, os.W_OK):
        return bad("disk", f"{home} cannot be written", "the kit keeps its environment there: mount it writable")
    if free < _LITTLE_DISK_MB:
        return warn("disk", f"{free} MB free in {home}", "the kit needs about 250 MB: free some")
    return ok("disk", f"{free} MB free in {home}")


def _temporary() -> Finding:
    try:
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(1 << 16))
            file.flush()
    except OSError as error:
        return bad("temporary files", f"cannot be written ({error.strerror})", "free space in /tmp, or set TMPDIR")
    return ok("temporary files", tempfile.gettempdir())
