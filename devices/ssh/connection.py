"""One SSH command to a device, whose stdin and stdout carry messages and files."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import IO, Any

from edgelens.runtime.errors import DeviceError, UsageError

from .failures import explain
from .hello import Hello, checked_hello, printable
from .messages import BrokenOffError, NonsenseError, find_greeting, read_message

__all__ = ["Connection", "ssh_command"]

_GREETING = b"edgelens-agent 1\n"
_GREETS_WITHIN_S = 120.0
_MOST_FETCHED = 1 << 32  # bytes of one file
_AGENT = ("launch", "wire", "store", "program", "serve")  # each imports only those before it
_BOOT = "import sys;exec(sys.stdin.buffer.read(int(sys.stdin.buffer.readline())))"
_START = """
import sys, types
for name, text in files:
    module = sys.modules[name] = types.ModuleType(name)
    module.__package__ = "agent"
    exec(compile(text, name, "exec"), module.__dict__)
sys.modules["agent.serve"].main()
"""


def ssh_command(host: str) -> list[str]:
    """The command that reaches a host: the system's ssh, or EDGELENS_SSH_COMMAND, as git has GIT_SSH_COMMAND."""
    if not host or host.startswith("-") or any(character.isspace() for character in host):
        raise UsageError(f"{host!r} is no [USER@]HOST")
    own = os.environ.get("EDGELENS_SSH_COMMAND")
    if own:
        return [*shlex.split(own), host]
    return ["ssh", "-T", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=10", host]


class Connection:
    """A running agent on a device; leaving the context ends it and everything that it started."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.doing = "connecting"  # for the message if the connection is lost
        self._hello: Hello | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr = bytearray()
        self._listener: threading.Thread | None = None

    def __enter__(self) -> Connection:
        command = [*ssh_command(self.host), f"exec python3 -c {shlex.quote(_BOOT)}"]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                preexec_fn=_leave_interrupts_to_us,  # noqa: PLW1509 (no threads are started before it)
            )
        except OSError as error:
            raise DeviceError(f"{command[0]}: could not be started ({error.strerror}): install OpenSSH") from None
        self._listener = threading.Thread(target=self._listen, name="ssh-stderr", daemon=True)
        self._listener.start()
        late = threading.Timer(_GREETS_WITHIN_S, self._process.kill)
        late.daemon = True
        late.start()
        try:
            agent = _agent()
            self._write(b"%d\n" % len(agent) + agent)
            with self._explained():
                find_greeting(self._stdout(), _GREETING)
            self._hello = checked_hello(self.host, self.receive().get("hello"))
            self._check_python(self._hello)
        except BaseException:
            self.__exit__()
            raise
        finally:
            late.cancel()
        return self

    @property
    def hello(self) -> Hello:
        """What the device said of itself."""
        assert self._hello is not None
        return self._hello

    def __exit__(self, *exc: object) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError, DeviceError):
            self._write(b'{"do": "bye"}\n')
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        if process.stdout is not None:
            process.stdout.close()  # whoever has more to say need not be heard, and must not wait for that
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._listener is not None:
            self._listener.join(2)
        if process.stderr is not None:
            process.stderr.close()

    def send(self, message: Mapping[str, Any], payload: bytes = b"") -> None:
        """One message to the agent."""
        head = {**message, "size": len(payload)} if payload else dict(message)
        self._write(json.dumps(head).encode() + b"\n" + payload)

    def receive(self) -> dict[str, Any]:
        """The agent's next message, its bytes under `payload`."""
        with self._explained():
            message = read_message(self._stdout())
        if "refused" in message:
            raise self._refused(message)
        return message

    def run(
        self,
        argv: list[str],
        layers: Mapping[str, str],
        said: Callable[[int, bytes], None],
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Run a program there to its end; `said` gets what it writes, 1 for stdout and 2 for stderr.

        Each layer has the hash of what it unpacks to, "" where the device's current slot knows that.
        """
        self.send({"do": "run", "argv": argv, "layers": dict(layers), "env": dict(env or {})})
        with self._passing_interrupts_on():
            while True:
                message = self.receive()
                if isinstance(code := message.get("exit"), int):
                    return code if -64 <= code <= 255 else 1
                if message.get("said") not in (1, 2):
                    raise self._nonsense()
                said(message["said"], message["payload"])

    def fetch(self, path: str) -> bytes | None:
        """A file of the work folder there, None where it is not."""
        self.send({"do": "fetch", "path": path})
        parts: list[bytes] = []
        left = _MOST_FETCHED
        while True:
            message = self.receive()
            if "missing" in message:
                return None
            if "end" in message:
                return b"".join(parts)
            parts.append(message["payload"])
            left -= len(message["payload"])
            if not message["payload"] or left < 0:
                raise self._nonsense()

    @contextlib.contextmanager
    def _passing_interrupts_on(self) -> Iterator[None]:
        """Ctrl-C goes to the program there, which ends as it would here; the second one ends the connection."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def pass_on(*_: object) -> None:
            signal.signal(signal.SIGINT, before)
            self.send({"do": "interrupt"})

        signal.signal(signal.SIGINT, pass_on)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _write(self, data: bytes) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._why_broken() from None

    def _why_broken(self) -> DeviceError:
        """The agent may have said why it went before the pipe broke."""
        with contextlib.suppress(BrokenOffError, NonsenseError, ValueError):
            for _ in range(100):
                message = read_message(self._stdout())
                if "refused" in message:
                    return self._refused(message)
        return self._lost()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BrokenOffError:
            raise self._lost() from None
        except NonsenseError:
            raise self._nonsense() from None

    def _refused(self, message: Mapping[str, Any]) -> DeviceError:
        return DeviceError(f"{self.host}: {printable(str(message['refused']))}")

    def _nonsense(self) -> DeviceError:
        assert self._process is not None
        self._process.kill()  # it may go on for ever
        return DeviceError(f"{self.host}: what it answered makes no sense: is it the device you mean?")

    def _stdout(self) -> IO[bytes]:
        assert self._process is not None and self._process.stdout is not None
        return self._process.stdout

    def _check_python(self, hello: Hello) -> None:
        major, minor = hello.python[:2]
        if (major, minor) < (3, 10):
            raise DeviceError(
                f"{self.host}: has Python {major}.{minor}; the kit needs 3.10 or newer: update its system"
            )
        if hello.bits != 64:
            raise DeviceError(f"{self.host}: runs a 32-bit system; the engines need a 64-bit one: install that")

    def _listen(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        while chunk := os.read(self._process.stderr.fileno(), 65536):
            self._stderr += chunk
            del self._stderr[:-65536]

    def _lost(self) -> DeviceError:
        assert self._process is not None
        try:
            status: int | None = self._process.wait(5)
        except subprocess.TimeoutExpired:
            status = None
        if self._listener is not None:
            self._listener.join(1)
        return DeviceError(explain(self.host, self._stderr.decode("utf-8", "replace"), status, self.doing))


def _agent() -> bytes:
    """The device's half as one program: its files, and what makes modules of them."""
    folder = resources.files("edgelens.devices.ssh.agent")
    files = [(f"agent.{name}", (folder / f"{name}.py").read_text("utf-8")) for name in _AGENT]
    return f"files = {[('agent', ''), *files]!r}{_START}".encode()


def _leave_interrupts_to_us() -> None:
    """ssh would end at Ctrl-C and take the program there with it before it could say its summary."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
