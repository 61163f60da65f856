"""Cameras: device nodes, who may open them, and the tools that CSI cameras need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..here import this_machine
from ..probes.files import read_text, under
from .finding import Finding, note, ok, warn

__all__ = ["check_camera"]


def check_camera(root: Path) -> list[Finding]:
    """V4L2 nodes and their permissions, then the board's own camera tools."""
    return [*_nodes(root), *_tools(root)]


def _nodes(root: Path) -> list[Finding]:
    nodes = [path for path in under(root, "dev/video*") if path[len("dev/video") :].isdigit()]
    if not nodes:
        return [note("cameras", "no /dev/video*", "plug in a USB camera; a Pi's CSI camera is `--source csi:0`")]
    closed = [f"/{path}" for path in nodes if not os.access(root / path, os.R_OK | os.W_OK)]
    if closed:
        return [
            warn("cameras", f"{', '.join(closed)} may not be opened", "`sudo usermod -aG video $USER`, log in again")
        ]
    names = {read_text(root, f"sys/class/video4linux/{Path(path).name}/name") or Path(path).name for path in nodes}
    return [ok("cameras", f"{len(nodes)} video nodes: {', '.join(sorted(names))}")]


def _tools(root: Path) -> list[Finding]:
    profile = this_machine(root).profile
    if profile.startswith("rpi"):
        tool = next((name for name in ("rpicam-vid", "libcamera-vid") if shutil.which(name)), None)
        if tool is None:
            return [note("CSI camera", "no rpicam-vid", "`sudo apt install rpicam-apps-lite` for `--source csi:0`")]
        return [ok("CSI camera", f"{tool} is there")]
    if profile.startswith("jetson"):
        if not shutil.which("gst-launch-1.0"):
            return [
                note("CSI camera", "no gst-launch-1.0", "`sudo apt install gstreamer1.0-tools` for `--source csi:0`")
            ]
        return [ok("CSI camera", "gst-launch-1.0 is there")]
    return []
