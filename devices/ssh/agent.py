"""The device's half of a connection: sent as text over SSH and run by whatever python3 the device has.

Standard library only, and nothing newer than Python 3.7, so that an old device can say that it is too old. Messages
are a line of JSON, followed by `size` bytes where it names a size; both directions the same. When the connection ends,
whatever was started is stopped and what lay in the work folder is removed.
"""
# Plain os.path and late imports start faster on a small board, and an older Python must reach the check of its version.
# ruff: noqa: PTH102, PTH103, PTH108, PTH104, PTH111, PTH112, PTH113, PTH118, PTH120, PTH123, PTH202, PTH208, UP036

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import IO, Any

GREETING = b"edgelens-agent 1\n"
CHUNK = 1 << 18
TROUBLES = {
    errno.ENOSPC: "disk full: no space left in {}; free some on the device",
    errno.EROFS: "read-only file system: {} cannot be written on the device",
    errno.EACCES: "no permission to write {} on the device",
    errno.EPERM: "no permission to write {} on the device",
    errno.EDQUOT: "disk quota used up: {}",
}


class RefusedError(Exception):
    """Something here does not allow the work; travels back as one line."""


class Wire:
    """Messages over stdin and stdout."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue(maxsize=16)
        self._lock = threading.Lock()
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # a stray print goes to stderr, not between the messages
        self._out.write(GREETING)  # whatever login scripts printed ends here
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: dict[str, Any], payload: bytes = b"") -> None:
        """One message, with its bytes."""
        with self._lock:
            head = dict(message, size=len(payload)) if payload else message
            self._out.write(json.dumps(head).encode() + b"\n" + payload)
            self._out.flush()

    def _read(self) -> None:
        try:
            while True:
                line = sys.stdin.buffer.readline()
                if not line.endswith(b"\n"):
                    break
                message = json.loads(line.decode())
                size = message.get("size", 0)
                payload = sys.stdin.buffer.read(size) if size else b""
                if len(payload) != size:
                    break
                self.inbox.put((message, payload))
        finally:
            self.inbox.put(None)


class Store:
    """What is kept on the device between connections: unpacked wheels by hash, and parts that are still arriving."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.site = os.path.join(root, "site")
        self.incoming = os.path.join(root, "incoming")
        self.work_root = os.path.join(root, "work")
        self.work = ""
        self._lock: IO[str] | None = None

    def open(self) -> None:
        """Make the folders, clear what died here, and take a work folder of our own."""
        for folder in (self.site, self.incoming, self.work_root):
            os.makedirs(folder, exist_ok=True)
        self._remove_stale()
        self.work = os.path.join(self.work_root, f"w{os.getpid()}-{time.time_ns()}")
        os.mkdir(self.work, 0o700)
        self._lock = open(os.path.join(self.work, "lock"), "w")  # noqa: SIM115 (held until the process ends)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove the work folder."""
        if self._lock:
            self._lock.close()
        if self.work:
            shutil.rmtree(self.work, ignore_errors=True)

    def layers(self) -> list[str]:
        """The unpacked wheels, by hash."""
        return sorted(name for name in listed(self.site) if not name.endswith(".partial"))

    def parts(self) -> dict[str, int]:
        """How many bytes of each arriving wheel are here."""
        return {name: os.path.getsize(os.path.join(self.incoming, name)) for name in listed(self.incoming)}

    def pinned(self) -> list[str]:
        """The layers that deployed slots run on."""
        slots = [os.path.join("slots", name) for name in listed(os.path.join(self.root, "slots"))]
        return sorted({layer for slot in slots for layer in self.slot_layers(slot)})

    def slot_layers(self, slot: str) -> list[str]:
        """The layers that one slot runs on; none where nothing was deployed."""
        try:
            with open(os.path.join(self.root, slot, "slot.json"), encoding="utf-8") as stream:
                return [str(layer) for layer in json.load(stream)["layers"]]
        except (OSError, ValueError, KeyError):
            return []

    def forget(self, key: str) -> bool:
        """Remove a layer that nothing here needs, unless another connection is at work."""
        others = [name for name in listed(self.work_root) if os.path.join(self.work_root, name) != self.work]
        if others or key in self.pinned() or key not in self.layers():
            return False
        shutil.rmtree(os.path.join(self.site, key), ignore_errors=True)
        return True

    def put(self, message: dict[str, Any], payload: bytes) -> bool:
        """Append to an arriving wheel; unpack it when it is whole."""
        key, digest = message["key"], message["sha256"]
        if os.path.isdir(os.path.join(self.site, key)):
            return True
        path = os.path.join(self.incoming, key)
        with open(path, "ab") as part:
            fcntl.flock(part, fcntl.LOCK_EX)
            at = os.fstat(part.fileno()).st_size
            if at != message["at"]:
                part.truncate(0)
                raise RefusedError("another connection is bringing the same wheel: try again")
            part.write(payload)
        if message["at"] + len(payload) < message["total"]:
            return False
        if file_hash(path) != digest:
            os.unlink(path)
            raise RefusedError("a wheel arrived damaged: try again")
        self._unpack(path, key)
        os.unlink(path)
        return True

    def _unpack(self, path: str, key: str) -> None:
        import zipfile

        final = os.path.join(self.site, key)
        partial = final + ".partial"
        shutil.rmtree(partial, ignore_errors=True)
        with zipfile.ZipFile(path) as wheel:
            for info in wheel.infolist():
                target = placed(info.filename)
                if target is None:
                    continue
                where = os.path.join(partial, target)
                os.makedirs(os.path.dirname(where), exist_ok=True)
                with wheel.open(info) as source, open(where, "wb") as out:
                    shutil.copyfileobj(source, out, CHUNK)
        os.sync()
        try:
            os.rename(partial, final)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            if not os.path.isdir(final):
                raise

    def _remove_stale(self) -> None:
        """Work folders whose connection died with its machine."""
        for name in listed(self.work_root):
            folder = os.path.join(self.work_root, name)
            try:
                with open(os.path.join(folder, "lock"), "w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            except OSError:
                continue

    def inside(self, name: str) -> str:
        """A path in the work folder, never outside it."""
        path = os.path.normpath(os.path.join(self.work, "files", name))
        if not path.startswith(os.path.join(self.work, "files")):
            raise RefusedError("a path outside the work folder was asked for")
        return path


def placed(name: str) -> str | None:
    """Where a wheel's entry goes: its library parts at the top, scripts and headers nowhere."""
    parts = name.split("/")
    if name.endswith("/") or name.startswith("/") or ".." in parts:
        return None
    if parts[0].endswith(".data"):
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in ("purelib", "platlib") else None
    return name


def listed(folder: str) -> list[str]:
    """A folder's names; none where it is not there."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def file_hash(path: str) -> str:
    """A file's sha256."""
    import hashlib

    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


class Program:
    """A started program whose words travel back as they come; it dies with this process."""

    def __init__(self, wire: Wire, store: Store, message: dict[str, Any]) -> None:
        environment = dict(os.environ, PYTHONUNBUFFERED="1", EDGELENS_ON_DEVICE="1")
        layers = [os.path.join(store.site, key) for key in message["layers"]]
        environment["PYTHONPATH"] = os.pathsep.join(layers)
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


def hello(store: Store) -> dict[str, Any]:
    """What this device is, and what it has already."""
    libc = ""
    with contextlib.suppress(ValueError, OSError):
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    answer: dict[str, Any] = {
        "python": list(sys.version_info[:3]),
        "machine": os.uname().machine,
        "libc": libc,
        "home": store.root,
        "bits": 64 if sys.maxsize > 2**32 else 32,
    }
    for path in ("/proc/device-tree/model", "/sys/firmware/devicetree/base/model"):
        with contextlib.suppress(OSError), open(path, "rb") as stream:
            answer.setdefault("model", stream.read().decode("utf-8", "replace").strip("\0\n "))
    if sys.version_info >= (3, 10):
        store.open()
        answer["layers"], answer["parts"] = store.layers(), store.parts()
        answer["pinned"], answer["current"] = store.pinned(), store.slot_layers("current")
        answer["free_mb"] = shutil.disk_usage(store.root).free >> 20
    return answer


def write(store: Store, message: dict[str, Any], payload: bytes) -> None:
    """A file into the work folder."""
    path = store.inside(message["path"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "ab" if message.get("append") else "wb") as out:
        out.write(payload)


def fetch(wire: Wire, store: Store, message: dict[str, Any]) -> None:
    """A file from the work folder, in parts."""
    path = store.inside(message["path"])
    if not os.path.isfile(path):
        wire.send({"missing": message["path"]})
        return
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            wire.send({"data": 1}, chunk)
    wire.send({"end": 1})


def serve(wire: Wire, store: Store) -> None:
    """Do what is asked until the connection ends."""
    while True:
        item = wire.inbox.get()
        if item is None or item[0]["do"] == "bye":
            return
        message, payload = item
        what = message["do"]
        if what == "put":
            wire.send({"stored": store.put(message, payload)})
        elif what == "write":
            write(store, message, payload)
        elif what == "fetch":
            fetch(wire, store, message)
        elif what == "run":
            run(wire, store, message)
        elif what == "forget":
            wire.send({"forgotten": store.forget(message["key"])})


def described(error: OSError, store: Store) -> str:
    """An OSError in words that say what to do."""
    where = getattr(error, "filename", None) or store.root
    return TROUBLES.get(error.errno or 0, "{}: " + (error.strerror or str(error))).format(where)


def main() -> None:
    """Greet, serve, clear up."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    wire, store = Wire(), Store(os.path.join(base, "edgelens"))
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda *_: wire.inbox.put(None))
    try:
        wire.send({"hello": hello(store)})
        serve(wire, store)
    except RefusedError as refused:
        wire.send({"refused": str(refused)})
    except OSError as error:
        if error.errno != errno.EPIPE:
            wire.send({"refused": described(error, store)})
    except EOFError:
        pass
    finally:
        store.close()


if __name__ == "__main__":
    main()
