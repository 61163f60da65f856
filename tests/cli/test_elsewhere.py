"""What `--on` sends to a device: the verb with all its words, without those that matter only here."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.devices import remote


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("doctor --on pi@board --wheels w --json -", ["doctor", "--json", "-"]),
        ("devices --here --on=pi@board", ["devices", "--here"]),
        ("devices --on pi@board", ["devices", "--here"]),  # that board, not the catalogue
        (
            "devices calibrate --engine tflite --out c.json --on pi@board",
            ["devices", "calibrate", "--engine", "tflite", "--out", "c.json"],
        ),
        ("gallery list --on pi@board", ["gallery", "list"]),
        ("gallery rename cup mug --on=pi@board", ["gallery", "rename", "cup", "mug"]),
        (
            "gallery add cup x.png --on pi@board --model digits",
            ["gallery", "add", "cup", "x.png", "--model", "digits"],
        ),
    ],
)
def test_the_device_gets_the_whole_verb(given: str, sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def run_verb(host: str, verb: str, words: list[str], *_: Any, **__: Any) -> int:
        heard.extend([host, verb, *words])
        return 0

    monkeypatch.setattr(remote, "run_verb", run_verb)  # connections themselves: tests/devices/deploy/test_boards.py
    assert CliRunner().invoke(cli, given.split()).exit_code == 0
    assert heard == ["pi@board", *sent]


def test_lines_from_a_device_follow_those_that_a_file_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run --json` and `--csv` append, wherever it is done; a second run took away what the first had said."""
    there = {".jsonl": b'{"frame": 1}\n', ".csv": b"time,label\n2,cup\n", ".json": b"{}"}

    class Device:
        doing = ""

        def __init__(self, host: str) -> None: ...
        def __enter__(self) -> "Device":
            return self

        def __exit__(self, *_: object) -> None: ...
        def send(self, *_: object) -> None: ...
        def run(self, *_: object) -> int:
            return 0

        def fetch(self, path: str) -> bytes | None:
            return there.get(Path(path).suffix)

    monkeypatch.setattr(remote, "Connection", Device)
    monkeypatch.setattr(remote, "prepare", lambda *_, **__: [])
    lines, table, summary = tmp_path / "x.jsonl", tmp_path / "x.csv", tmp_path / "s.json"
    words = ["run", "digits", "--on", "pi@board", "--json", lines, "--csv", table, "--summary", summary]
    lines.write_text('{"frame": 0}\n{"fra')
    table.write_text("time,label\n1,mug\n")
    for _ in range(2):
        assert CliRunner().invoke(cli, [str(word) for word in words]).exit_code == 0
    assert lines.read_text() == '{"frame": 0}\n{"fra\n{"frame": 1}\n{"frame": 1}\n'
    assert table.read_text() == "time,label\n1,mug\n2,cup\n2,cup\n"
    assert summary.read_text() == "{}"


def test_on_a_device_nobody_is_sent_to_pip(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`run --on` brings the page where it is asked for; who reads its words has no pip there."""
    import importlib.util
    from contextlib import ExitStack

    from edgelens.cli import run
    from edgelens.runtime.live.shared.machine import Machine
    from edgelens.runtime.loop.control import Control, Settings
    from edgelens.runtime.loop.lane import Lane

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    nothing = run.RunOptions.of(run.command.make_context("run", []).params)
    nobody: Any = None
    lanes = [Lane(nobody, nobody)]
    for there, words in ((True, "--preview PORT brings one"), (False, "pip install 'edgelens[live]'")):
        with monkeypatch.context() as on_device:
            if there:
                on_device.setenv("EDGELENS_ON_DEVICE", "1")
            assert run._page(nothing, Control((), Settings()), lanes, Machine(), ExitStack()) is None
        assert words in capsys.readouterr().err


def test_a_name_that_is_called_as_the_file_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    heard: list[str] = []

    def run_verb(host: str, verb: str, words: list[str], *_: Any, **__: Any) -> int:
        heard.extend(words)
        return 0

    monkeypatch.setattr(remote, "run_verb", run_verb)
    monkeypatch.chdir(tmp_path)
    given = "gallery export anna --photos --name anna --on pi@board"
    assert CliRunner().invoke(cli, given.split()).exit_code == 0
    assert heard[0] == "export" and heard[1].endswith("brought.gallery") and heard[2:] == ["--name", "anna"]
