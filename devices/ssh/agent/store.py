"""What is kept on a device between connections, and the folder that one connection works in."""
# ruff: noqa: PTH102, PTH103, PTH104, PTH108, PTH112, PTH118, PTH120, PTH123, PTH202, PTH208

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import time
from typing import IO, Any

from .launch import file_hash, tree_hash
from .wire import CHUNK, RefusedError

PARTIAL = ".partial"  # a layer that is being unpacked or removed
UNIT = "/etc/systemd/system/edgelens.service"


class Store:
    """What is kept on the device between connections: unpacked wheels by hash, and parts that are still arriving."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.site = os.path.join(root, "site")
        self.incoming = os.path.join(root, "incoming")
        self.work_root = os.path.join(root, "work")
        self.compiled = os.path.join(root, "compiled")  # by Python, of layers that were checked
        self.work = ""
        self._right: dict[str, str] = {}  # layers that this connection has looked at, and as what
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
        if self._alone():  # what broke off while it was unpacked or removed
            for name in listed(self.site):
                if name.endswith(PARTIAL):
                    shutil.rmtree(os.path.join(self.site, name), ignore_errors=True)

    def close(self) -> None:
        """Remove the work folder."""
        if self._lock:
            self._lock.close()
        if self.work:
            shutil.rmtree(self.work, ignore_errors=True)

    def layers(self) -> list[str]:
        """The unpacked wheels, by hash."""
        return sorted(name for name in listed(self.site) if not name.endswith(PARTIAL))

    def parts(self) -> dict[str, int]:
        """How many bytes of each arriving wheel are here."""
        return {name: os.path.getsize(os.path.join(self.incoming, name)) for name in listed(self.incoming)}

    def pinned(self) -> list[str]:
        """The layers that deployed slots run on."""
        slots = [os.path.join("slots", name) for name in listed(os.path.join(self.root, "slots"))]
        return sorted({layer for slot in slots for layer in self.slot_layers(slot)})

    def slot_layers(self, slot: str) -> list[str]:
        """The layers that one slot runs on; none where nothing was deployed."""
        return [str(layer) for layer in (self._record(slot) or {}).get("layers", [])]

    def checked(self, layers: dict[str, str]) -> list[str]:
        """The folders of layers, each as it was brought; the current slot knows that of those that came before."""
        known = (self._record("current") or {}).get("layer_hashes") or {}
        folders = []
        for layer, brought in layers.items():
            folder = os.path.join(self.site, layer)
            right = brought or known.get(layer)
            if right is None:
                raise RefusedError(f"what {folder} was when it came is not known (from an older kit): deploy anew")
            if self._right.get(layer) != right and tree_hash(folder) != right:
                raise RefusedError(f"{folder} is not what was brought there: remove it and deploy again")
            self._right[layer] = right
            folders.append(folder)
        return folders

    def deployed(self) -> dict[str, Any] | None:
        """What the current slot says of itself, as far as the next deploy keeps it."""
        record = self._record("current")
        if record is None:
            return None
        told = {key: record.get(key) for key in ("name", "content_version", "engine", "precision", "service")}
        told["arguments"], told["config"] = record.get("arguments", []), bool(record.get("config"))
        if "service" not in record:  # an older kit's: the unit had the words
            words = unit_words(self.root)
            told["service"], told["arguments"] = words is not None, words or []
        return told

    def _record(self, slot: str) -> dict[str, Any] | None:
        try:
            with open(os.path.join(self.root, slot, "slot.json"), encoding="utf-8") as stream:
                record = json.load(stream)
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def forget(self, key: str) -> bool:
        """Remove a layer that nothing here needs, unless another connection is at work."""
        if not self._alone() or key in self.pinned() or key not in self.layers():
            return False
        folder = os.path.join(self.site, key)
        partial = folder + PARTIAL  # half a layer must not count as one, should this break off
        shutil.rmtree(partial, ignore_errors=True)
        try:
            os.rename(folder, partial)
        except OSError:
            return False
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(os.path.join(self.compiled, folder.lstrip("/")), ignore_errors=True)
        return True

    def _alone(self) -> bool:
        """Whether no other connection is at work."""
        return all(os.path.join(self.work_root, name) == self.work for name in listed(self.work_root))

    def put(self, message: dict[str, Any], payload: bytes) -> bool:
        """Append to an arriving wheel; unpack it when it is whole, which one that broke off there may be already."""
        key = message["key"]
        path = os.path.join(self.incoming, key)
        with open(path, "ab") as part:
            fcntl.flock(part, fcntl.LOCK_EX)  # whoever else brings it waits, and finds it unpacked
            if os.path.isdir(os.path.join(self.site, key)):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                return True
            if os.fstat(part.fileno()).st_size > message["total"]:
                part.truncate(0)
            status = os.fstat(part.fileno())
            if status.st_size != message["at"] or not status.st_nlink:
                raise RefusedError("another connection is bringing the same wheel: try again")
            part.write(payload)
            part.flush()
            if message["at"] + len(payload) < message["total"]:
                return False
            self._take(path, key, message["sha256"])
        return True

    def _take(self, path: str, key: str, digest: str) -> None:
        """Unpack a whole wheel; nothing of it stays where that breaks off, but for the wheel."""
        if file_hash(path) != digest:
            os.unlink(path)
            raise RefusedError("a wheel arrived damaged: try again")
        final = os.path.join(self.site, key)
        partial = final + PARTIAL
        shutil.rmtree(partial, ignore_errors=True)
        try:
            unpack(path, partial)
            os.sync()
            os.rename(partial, final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        os.unlink(path)

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


def unpack(wheel: str, folder: str) -> None:
    """The library parts of a wheel."""
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            target = placed(info.filename)
            if target is None:
                continue
            where = os.path.join(folder, target)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with archive.open(info) as source, open(where, "wb") as out:
                shutil.copyfileobj(source, out, CHUNK)


def placed(name: str) -> str | None:
    """Where a wheel's entry goes: its library parts at the top, scripts and headers nowhere."""
    parts = name.split("/")
    if name.endswith("/") or name.startswith("/") or ".." in parts:
        return None
    if parts[0].endswith(".data"):
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in ("purelib", "platlib") else None
    return name


def unit_words(root: str) -> list[str] | None:
    """What an older kit's unit gives `edgelens run`; None where there is no such unit of this folder."""
    try:
        with open(UNIT, encoding="utf-8") as stream:
            (line,) = [line for line in stream if line.startswith("ExecStart=")]
        words = shlex.split(line.partition("=")[2].replace("%%", "%").replace("$$", "$"))
        return words[words.index(os.path.join(root, "launch.py")) + 1 :]
    except (OSError, ValueError):
        return None


def listed(folder: str) -> list[str]:
    """A folder's names; none where it is not there."""
    try:
        return os.listdir(folder)
    except OSError:
        return []
