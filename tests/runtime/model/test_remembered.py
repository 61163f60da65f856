"""A remembered engine decides which of the candidates runs, never what is loaded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from edgelens.runtime.model import remembered
from edgelens.runtime.model.engine_search import candidates
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.settling import Settling


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_winner_comes_back(tmp_path: Path) -> None:
    bundle = open_model("digits")
    network = bundle.manifest.main
    winner = dataclasses.replace(candidates(network)[-1], ms=1.5)
    assert remembered.remember(network, winner, [winner])
    assert Settling(bundle, network, None, None).recall() == winner
    kept = next((tmp_path / "cache").rglob("*.json"))
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"accelerators": ("/tmp/evil.so",)},
        {"engine": "tflite", "accelerators": ("./evil.so",)},
        {"engine": "numpy"},
        {"precision": "float64"},
        {"threads": 4096},
    ],
)
def test_what_would_not_be_tried_is_not_remembered(changed: dict[str, object]) -> None:
    bundle = open_model("digits")
    network = bundle.manifest.main
    winner = dataclasses.replace(candidates(network)[0], ms=0.001, **changed)
    remembered.remember(network, winner, [winner])
    assert Settling(bundle, network, None, None).recall() is None


@pytest.mark.parametrize("how", ["writable by others", "link"])
def test_a_cache_that_others_could_have_written_is_none(tmp_path: Path, how: str) -> None:
    bundle = open_model("digits")
    network = bundle.manifest.main
    winner = dataclasses.replace(candidates(network)[0], ms=1.0)
    remembered.remember(network, winner, [winner])
    kept = next((tmp_path / "cache").rglob("*.json"))
    if how == "link":
        kept.rename(tmp_path / "elsewhere")
        kept.symlink_to(tmp_path / "elsewhere")
    else:
        kept.chmod(0o666)
    assert Settling(bundle, network, None, None).recall() is None
