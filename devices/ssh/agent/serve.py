"""What a device is asked to do, until the connection ends."""
# ruff: noqa: PTH103, PTH111, PTH113, PTH118, PTH120, PTH123, UP036

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import sys
from typing import Any

from .program import run
from .store import Store
from .wire import CHUNK, RefusedError, Wire

TROUBLES = {
    errno.ENOSPC: "disk full: no space left in {}; free some on the device",
    errno.EROFS: "read-only file system: {} cannot be written on the device",
    errno.EACCES: "no permission to write {} on the device",
    errno.EPERM: "no permission to write {} on the device",
    errno.EDQUOT: "disk quota used up: {}",
}


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
        answer["deployed"] = store.deployed()
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
