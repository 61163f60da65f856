"""Programs that are run on a device."""
# ruff: noqa: PTH103, PTH118

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from .store import Store
from .wire import CHUNK, Wire


class Program:
    """A started program whose words travel back as they come; it dies with this process."""

    def __init__(self, wire: Wire, store: Store, message: dict[str, Any]) -> None:
        environment = dict(os.environ, PYTHONUNBUFFERED="1", EDGELENS_ON_DEVICE="1")
        environment["PYTHONPATH"] = os.pathsep.join(store.checked(message["layers"]))
        environment["PYTHONPYCACHEPREFIX"] = store.compiled  # __pycache__ in the layers is not checked
        environment["PYTHONNOUSERSITE"] = "1"
        environment.update(message.get("env", {}))
        work = store.inside("")
        os.makedirs(os.path.join(work, "tmp"), exist_ok=True)
        environment["TMPDIR"] = os.path.join(work, "tmp")  # /tmp may be small, full, or memory
        argv = [sys.executable if word == "{python}" else word.replace("{work}", work) for word in message["argv"]]
        self._wire = wire
        self.process = subprocess.Popen(
            argv,
            cwd=store.inside(""),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (it only makes system calls)
        )
        self._pumps = [
            threading.Thread(target=self._pump, args=(stream, number), daemon=True)
            for stream, number in ((self.process.stdout, 1), (self.process.stderr, 2))
        ]
        for pump in self._pumps:
            pump.start()

    def _pump(self, stream: IO[bytes], number: int) -> None:
        while True:
            data = os.read(stream.fileno(), CHUNK)
            if not data:
                return
            with contextlib.suppress(OSError):
                self._wire.send({"said": number}, data)

    def finish(self) -> None:
        """Wait for the last words."""
        for pump in self._pumps:
            pump.join(5)

    def stop(self) -> None:
        """End the program and whatever it started: first asked, then made to."""
        for how, wait in ((signal.SIGTERM, 2), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(wait)
            except (OSError, subprocess.TimeoutExpired):
                continue
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)


def die_with_parent() -> None:
    """A session of its own, ended when the agent ends."""
    os.setsid()
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    except (ImportError, OSError, AttributeError):
        return


def run(wire: Wire, store: Store, message: dict[str, Any]) -> None:
    """Run a program to its end; the connection's end is its end too."""
    program = Program(wire, store, message)
    while program.process.poll() is None:
        try:
            item = wire.inbox.get(timeout=0.05)
        except queue.Empty:
            continue
        if item is None:
            program.stop()
            raise EOFError
        if item[0].get("do") == "interrupt":
            os.killpg(program.process.pid, signal.SIGINT)
    program.finish()
    with contextlib.suppress(OSError):
        os.killpg(program.process.pid, signal.SIGKILL)  # nothing it started stays
    wire.send({"exit": program.process.returncode})
