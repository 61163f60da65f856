"""What a person asks of what has run for weeks, and how it is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import WorkError
from edgelens.runtime.live.http.access import Access
from edgelens.runtime.live.running import running_here


def test_status_finds_what_runs_and_says_how_it_is(
    staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    token.chmod(0o600)
    staged(fps=0, access=Access(token="a-token-of-some-length", token_file=token))
    answer = CliRunner().invoke(cli, ["status"])
    assert answer.exit_code == 0, answer.output
    assert "digits on onnxruntime int8" in answer.output
    assert "61 °C" in answer.output
    assert "camera" in answer.output
    told = json.loads(CliRunner().invoke(cli, ["status", "--json", "-"]).stdout)
    assert told[0]["loop"]["sources"][0]["name"] == "camera"


def test_status_from_another_session_finds_it_too(staged: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over SSH there may be no XDG_RUNTIME_DIR, and TMPDIR is another."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr("tempfile.tempdir", None)
    loop = staged(fps=0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert f"{loop.base}/" in [running.url for running in running_here()]


def test_a_killed_process_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (tmp_path,))
    note = tmp_path / "99999999-80.json"
    note.write_text('{"pid": 99999999, "url": "http://127.0.0.1:80/", "token_file": null}')
    assert running_here() == []
    assert not note.exists()


def test_status_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    folder = tmp_path / "edgelens"
    folder.mkdir()
    (folder / "1.json").write_text('{"pid": 99999999, "url": "http://127.0.0.1:1/", "token_file": null}')
    (folder / "2.json").write_text("rubbish")
    monkeypatch.setattr("edgelens.runtime.live.running.run_folders", lambda: (folder,))
    answer = CliRunner().invoke(cli, ["status"])
    assert isinstance(answer.exception, WorkError)
    assert "nothing runs here" in str(answer.exception)
    answer = CliRunner().invoke(cli, ["status", "--url", "http://127.0.0.1:1/"])
    assert (answer.exit_code, "does not answer" in answer.output) == (1, True)
