"""Every line of the Raspberry Pi's page that an emulated board can run, run there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.devices.ssh.connection import Connection
from edgelens.devices.ssh.environment import prepare

PAGE = Path(__file__).resolve().parents[3] / "docs" / "raspberry-pi.md"
NEEDS_MORE = ("sudo ", "-m venv", "/pip ", "rpicam", "csi:0")  # apt, the internet, or a camera
ON_ANOTHER_BOARD = ("devices --here", "doctor")  # test_boards.py runs these

pytestmark = [pytest.mark.board, pytest.mark.timeout(300)]


def page_lines() -> list[str]:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [line for line in block.splitlines() if line]


def test_the_page_is_ten_lines() -> None:
    assert len(page_lines()) <= 10
    assert sum(any(part in line for part in NEEDS_MORE) for line in page_lines()) <= len(page_lines()) - 4


def test_the_board_runs_the_pages_lines(pi5: Any, reach: Callable[[Any], Any]) -> None:
    board = reach(pi5)
    with Connection(board.host) as connection:
        layers = prepare(connection, ["tflite"], str(board.wheels), lambda _: None)
        for line in page_lines():
            if any(part in line for part in (*NEEDS_MORE, *ON_ANOTHER_BOARD)):
                continue
            words = line.replace("~/edgelens/bin/edgelens", "{python} -m edgelens").split()
            said = bytearray()
            code = connection.run(words, layers, lambda _, data, said=said: said.extend(data))
            assert code == 0, (line, said.decode())


def test_the_workstations_lines_are_commands_that_exist() -> None:
    for line in re.findall(r"`(edgelens [^`]+)`", PAGE.read_text()):
        verb = line.split()[1]
        command = cli.get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None, line
        known = (
            CliRunner().invoke(cli, [verb, "--help"]).output
            + CliRunner().invoke(cli, ["devices", "prepare", "--help"]).output
        )
        for option in re.findall(r"(--[a-z-]+)", re.sub(r'"[^"]*"', "", line)):
            assert option in known, line
