"""Folders that outlive a run: systemd's for the service where it gives one, else the user's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["cache_folder", "config_folder", "run_folder", "run_folders", "state_folder"]


def state_folder() -> Path:
    """What is kept between two runs."""
    return _given("STATE_DIRECTORY") or _home("XDG_STATE_HOME", ".local/state")


def config_folder() -> Path:
    """What somebody has set, and the token; a service may write only its state, so it keeps them there."""
    return _given("CONFIGURATION_DIRECTORY") or _given("STATE_DIRECTORY") or _home("XDG_CONFIG_HOME", ".config")


def cache_folder() -> Path:
    """What can be made again."""
    return _home("XDG_CACHE_HOME", ".cache")


def run_folder() -> Path:
    """What is true only while the process runs."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    own = Path(session) / "edgelens" if session else Path(tempfile.gettempdir()) / f"edgelens-{os.getuid()}"
    return _given("RUNTIME_DIRECTORY") or own


def run_folders() -> tuple[Path, ...]:
    """Where runs of this user and of the system's service say that they run; over SSH the variables are others."""
    own = f"edgelens-{os.getuid()}"
    session = Path(f"/run/user/{os.getuid()}/edgelens")
    places = (run_folder(), Path("/run/edgelens"), session, Path(tempfile.gettempdir()) / own, Path("/tmp") / own)  # noqa: S108
    return tuple(dict.fromkeys(places))


def _given(name: str) -> Path | None:
    first = os.environ.get(name, "").partition(":")[0]
    return Path(first) if first else None


def _home(name: str, otherwise: str) -> Path:
    return Path(os.environ.get(name) or Path.home() / otherwise) / "edgelens"
