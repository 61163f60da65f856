"""The fuzzers by name: the module that has each one's FUZZER."""

from __future__ import annotations

import importlib

from .fuzzer import Fuzzer

__all__ = ["FUZZERS", "load"]

FUZZERS = {
    "bundles": "bundles",
    "camera-urls": "camera_urls",
    "command-lines": "command_lines",
    "config": "config_files",
    "data-sets": "data_sets",
    "galleries": "galleries",
    "hellos": "hellos",
    "pipelines": "pipelines",
    "requests": "requests",
    "signers": "signers",
    "streams": "streams",
}


def load(name: str) -> Fuzzer:
    """A fuzzer, imported when it is asked for."""
    found = importlib.import_module(f"{__package__}.{FUZZERS[name]}").FUZZER
    assert isinstance(found, Fuzzer)
    return found
