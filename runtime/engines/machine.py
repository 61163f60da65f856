"""This machine as engines see it, and where they keep what they built and measured on it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
from pathlib import Path

from ..host.places import kept_folder

__all__ = ["cache_folder", "lacks_vnni", "machine"]

_PACKAGES = ("onnxruntime", "ai_edge_litert", "tflite_runtime")


def cache_folder() -> Path:
    """Where this user's engines keep what they built and measured; made when something is written."""
    return kept_folder() / "engines"


def machine() -> str:
    """A short id of this machine as engines see it: processor, usable cores, and the engines' installed files."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [platform.machine(), _processor(), str(cores), *map(_installed, _PACKAGES)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def lacks_vnni() -> bool:
    """Whether this is an x86 processor without 8-bit dot products, on which onnxruntime's fast kernels saturate."""
    if platform.machine().lower() not in ("x86_64", "amd64", "i686"):
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    return "avx512_vnni" not in flags and "avx_vnni" not in flags


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("model name", "Model", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(wanted)}))


def _installed(package: str) -> str:
    """A package's place and the time it was put there: changes with every update, and costs no import."""
    try:
        spec = importlib.util.find_spec(package)
        return f"{spec.origin} {Path(spec.origin).stat().st_mtime_ns}" if spec and spec.origin else ""
    except (ImportError, ValueError, OSError):
        return ""
