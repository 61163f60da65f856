"""What a device says of itself, and a device that says what cannot be."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelens.devices.deploy.answer import checked_answer
from edgelens.devices.ssh.connection import Connection
from edgelens.devices.ssh.hello import checked_hello, printable
from edgelens.devices.ssh.wheel_names import platform_tags
from edgelens.runtime.errors import DeviceError

GOOD = {
    "python": [3, 11, 2], "machine": "aarch64", "libc": "glibc 2.36", "home": "/home/pi/.local/share/edgelens",
    "bits": 64, "model": "Raspberry Pi 5 Model B Rev 1.0", "layers": ["numpy-0123456789abcdef"], "parts": {"x-1": 12},
    "pinned": [], "current": ["numpy-0123456789abcdef"], "free_mb": 1234,
    "deployed": {"name": "digits", "content_version": 3, "engine": "auto", "precision": None, "service": True,
                 "arguments": ["--source", "csi:0"], "config": False},
}  # fmt: skip


def test_a_good_one() -> None:
    hello = checked_hello("pi", GOOD)
    assert (hello.python, hello.machine, hello.current) == ((3, 11, 2), "aarch64", ("numpy-0123456789abcdef",))
    assert hello.deployed is not None
    assert hello.deployed.arguments == ("--source", "csi:0")
    old = {key: GOOD[key] for key in ("python", "machine", "libc", "home", "bits")}  # an old Python says no more
    assert checked_hello("pi", {**old, "python": [3, 7, 3]}).layers == ()


@pytest.mark.parametrize(
    "odd",
    [
        {"machine": "../.."}, {"machine": "x" * 40}, {"machine": 7}, {"machine": ""}, {"home": "relative"},
        {"home": "/home/\nExecStart=x"}, {"home": "/a/../../etc"}, {"python": [3, 11]}, {"python": "3.11"},
        {"python": [3, 10**400, 0]}, {"python": [True, 11, 0]}, {"bits": 128}, {"libc": [""]}, {"model": "\x1b[2J"},
        {"layers": ["../x"]}, {"layers": [["x"]]}, {"layers": ["x"] * 5000}, {"parts": []}, {"pinned": {"a": 1}},
        {"deployed": {**GOOD["deployed"], "arguments": "x"}}, {"deployed": []}, {"deployed": {"name": 3}},
        {"deployed": {**GOOD["deployed"], "arguments": [1]}}, {"deployed": {**GOOD["deployed"], "content_version": -1}},
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(odd: dict) -> None:
    with pytest.raises(DeviceError, match=r"^pi: .*cannot be") as refused:
        checked_hello("pi", {**GOOD, **odd})
    assert str(refused.value).isprintable()


def test_a_glibc_of_millions_costs_nothing() -> None:
    with pytest.raises(DeviceError, match="C library"):
        platform_tags("aarch64", "glibc 2.99999999")
    assert len(platform_tags("aarch64", "glibc 2.999")) < 100


def test_words_of_strangers_cannot_move_the_cursor() -> None:
    assert printable("a\x1b[31mb\u202ec\nd" + "x" * 10_000, 20) == "a[31mbcd" + "x" * 12


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], str]:
    """A host whose answer is what a program prints."""

    def host(program: str) -> str:
        script = tmp_path / "host.sh"
        script.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(program)}\n")
        script.chmod(0o755)
        monkeypatch.setenv("EDGELENS_SSH_COMMAND", str(script))
        return "pi"

    return host


SAY = "import sys, json; say = lambda *a: (sys.stdout.buffer.write(*a), sys.stdout.flush())\n"
GREET = SAY + "say(b'edgelens-agent 1\\n')\n"


@pytest.mark.parametrize(
    "program",
    [
        SAY + "while True: say(b'x' * 65536)",
        GREET + "while True: say(b'x' * 65536)",
        GREET + "say(b'[' * 500000 + b'\\n')",
        GREET + "say(b'{\"hello\": 3}\\n')",
        GREET + "say(b'{\"size\": 99999999999}\\n')",
        GREET + "say(b'null\\n')",
        GREET + "say(b'\\xff\\xfe\\n')",
        GREET + f"say(json.dumps({{'hello': {{**{GOOD!r}, 'machine': '../..'}}}}).encode() + b'\\n')",
    ],
)
def test_a_hostile_device_is_one_line(hostile: Callable[[str], str], program: str) -> None:
    with pytest.raises(DeviceError) as refused, Connection(hostile(program)):
        pass
    assert str(refused.value).startswith("pi: ")
    assert str(refused.value).isprintable()


def test_an_answer_is_believed_within_bounds() -> None:
    good = {"name": "x", "content_version": 1, "slot": "a", "ok": True, "files": [{"skipped": False}]}
    assert checked_answer("pi", json.dumps(good).encode()).files == 1
    wrong = ({"files": 3}, {"name": 3}, {"runs": {"name": "x"}}, {"smoke": {"median_ms": "fast"}}, {"service": "x"})
    for odd in ("", "[]", "null", "{}", "[" * 100_000, *(json.dumps({**good, **each}) for each in wrong)):
        with pytest.raises(DeviceError, match="makes no sense"):
            checked_answer("pi", odd.encode())
