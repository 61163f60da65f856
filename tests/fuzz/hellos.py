"""Devices that say odd things over a connection: in their greeting, hello, messages, files and answers."""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgelens.cli.deploy import needs_of_run as needs
from edgelens.devices.deploy.answer import checked_answer
from edgelens.devices.deploy.to_device import DeployPlan, merged
from edgelens.devices.ssh.connection import Connection
from edgelens.devices.ssh.pins import parts_known, pinned, wheel_hashes
from edgelens.devices.ssh.wheel_names import Wheel
from edgelens.devices.ssh.wheels import Target
from edgelens.runtime.errors import EdgelensError

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER"]

HELLO = {
    "python": [3, 11, 2], "machine": "aarch64", "libc": "glibc 2.36", "home": "/home/pi/.local/share/edgelens",
    "bits": 64, "model": "Raspberry Pi 5", "layers": ["numpy-0123456789abcdef"], "parts": {"x-1": 12}, "pinned": [],
    "current": ["numpy-0123456789abcdef"], "free_mb": 1234,
    "deployed": {"name": "digits", "content_version": 3, "engine": "auto", "precision": None, "service": True,
                 "arguments": ["--source", "csi:0"], "config": False},
}  # fmt: skip
ANSWER = {
    "name": "digits", "content_version": 3, "slot": "a", "ok": True, "went_back": False, "why": "",
    "service": {"state": "active", "says": "recognizing"}, "files": [{"skipped": False}],
    "smoke": {"frames": 3, "median_ms": 1.5}, "runs": {"name": "digits", "content_version": 3},
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 3.5, 10**30, 1e308, "", "../..", "\x1b[2J", "x" * 9000, [], {}, [[]], "glibc 2.99999999",
    ["../x"], [None] * 2000, {"a": {"a": {}}}, "/etc\n", "\ud800",
    ["--no-such\n\x1b[2J"], ["--help"], ["--threshold", "9" * 500], ["\ud800"],
)  # fmt: skip
WHEELS = [wheel for file in wheel_hashes() if (wheel := Wheel.of(file))]


def odd(chance: random.Random, plain: Any) -> Any:
    """The same with something in it that nobody expects."""
    if isinstance(plain, dict) and plain and chance.random() < 0.9:
        key = chance.choice(list(plain))
        return {**plain, key: odd(chance, plain[key])} if chance.random() < 0.9 else {**plain, key: chance.choice(ODD)}
    return chance.choice(ODD)


def line(message: Any, payload: bytes = b"") -> bytes:
    head = {**message, "size": len(payload)} if payload and isinstance(message, dict) else message
    return json.dumps(head).encode() + b"\n" + payload


def said_by_device(chance: random.Random) -> bytes:
    """All that one device says from its greeting to its answer."""
    hello = odd(chance, HELLO) if chance.random() < 0.6 else HELLO
    answer = json.dumps(odd(chance, ANSWER) if chance.random() < 0.6 else ANSWER).encode()
    parts = [
        b"Welcome!\n", b"edgelens-agent 1\n", line({"hello": hello}), line({"said": 1}, answer + b"\n"),
        line(odd(chance, {"said": 2}) if chance.random() < 0.2 else {"said": 2}, b"words"), line({"exit": 0}),
        line({"data": 1}, b"file"), line({"end": 1}),
    ]  # fmt: skip
    if chance.random() < 0.1:
        parts.insert(chance.randrange(len(parts)), chance.choice((b"[", b"x")) * 3_000_000)
    whole = b"".join(parts)
    return mutated(chance, whole) if chance.random() < 0.5 else whole


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """A host whose login shows a file."""
    script, words = folder / "host.sh", folder / "said"
    script.write_text(f"#!/bin/sh\nexec cat {words}\n")
    script.chmod(0o755)
    before = os.environ.get("EDGELENS_SSH_COMMAND")
    os.environ["EDGELENS_SSH_COMMAND"] = str(script)

    def attempt(chance: random.Random) -> str | None:
        words.write_bytes(said_by_device(chance))
        heard = bytearray()
        try:
            with Connection("pi") as connection:
                hello = connection.hello
                assert "/" not in hello.machine and ".." not in hello.home.split("/")
                target = Target.of(hello)
                for pin in pinned(parts_known(), target.python):
                    target.best([wheel for wheel in WHEELS if wheel.name == pin.name])
                if hello.deployed is not None:
                    wanted = merged(DeployPlan(), hello.deployed)
                    assert wanted.engine == "auto" or wanted.engine in parts_known()
                    needs(wanted.arguments, wanted.config)
                connection.run(["true"], {}, lambda number, data: heard.extend(data) if number == 1 else None)
                connection.fetch("out/x")
                answer = checked_answer("pi", bytes(heard))
                return f"{answer.name} {answer.runs} {answer.says}"
        except EdgelensError as error:
            assert str(error).isprintable(), "control characters reach the terminal"
            raise

    try:
        yield attempt
    finally:
        if before is None:
            del os.environ["EDGELENS_SSH_COMMAND"]
        else:
            os.environ["EDGELENS_SSH_COMMAND"] = before


FUZZER = Fuzzer(opened)
