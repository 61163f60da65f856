"""What `--on` sends to a device: the verb with all its words, without those that matter only here."""

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
