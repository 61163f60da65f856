"""Folders that outlive a run: systemd's for the service where it gives one, else the user's.

What is kept in them is read and written by `owned.py`, which looks at whose they are.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["config_folder", "data_folder", "home_folder", "kept_folder", "run_folder", "run_folders", "state_folder"]


def state_folder() -> Path:
    """What is kept between two runs."""
    return _given("STATE_DIRECTORY") or _home("XDG_STATE_HOME", ".local/state")


def config_folder() -> Path:
    """What somebody has set, and the token; a service may write only its state, so it keeps them there."""
    return _given("CONFIGURATION_DIRECTORY") or _given("STATE_DIRECTORY") or _home("XDG_CONFIG_HOME", ".config")


def data_folder() -> Path:
    """What was deployed, and whose bundles are taken."""
    return _home("XDG_DATA_HOME", ".local/share")


def kept_folder() -> Path:
    """What can be made again, and is kept because that takes a while; a service may write only its state."""
    return _given("CACHE_DIRECTORY") or _given("STATE_DIRECTORY") or _home("XDG_CACHE_HOME", ".cache")


def run_folder() -> Path:
    """What is true only while the process runs."""
    session = os.environ.get("XDG_RUNTIME_DIR")
    return _given("RUNTIME_DIRECTORY") or (Path(session) / "edgelens" if session else _temporary())


def run_folders() -> tuple[Path, ...]:
    """Where runs of this user and of the system's service say that they run; over SSH the variables are others."""
    session = Path(f"/run/user/{os.getuid()}/edgelens")
    places = (run_folder(), Path("/run/edgelens"), session, _temporary(), Path("/tmp") / _temporary().name)  # noqa: S108
    return tuple(dict.fromkeys(places))


def home_folder() -> Path | None:
    """None for a user without an entry and without HOME, as containers have them."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def _given(name: str) -> Path | None:
    first = os.environ.get(name, "").partition(":")[0]
    return Path(first) if first else None


def _home(name: str, otherwise: str) -> Path:
    given = os.environ.get(name)
    if given:
        return Path(given) / "edgelens"
    home = home_folder()
    return home / otherwise / "edgelens" if home else _temporary() / otherwise.replace("/", "-").strip(".-")


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"edgelens-{os.getuid()}"
