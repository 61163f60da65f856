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
