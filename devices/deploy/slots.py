"""The slots of a device: a bundle with all that runs it; one is current, one was before, one has room for the next."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edgelens.runtime.errors import WorkError

from ..ssh.agent.launch import boot, file_hash, seconds_up
from .disk import Disk

__all__ = ["BUNDLE", "CONFIG", "ENVIRONMENT", "NAMES", "RECORD", "UNIT", "Slot", "Slots", "device_id"]

BUNDLE, RECORD, CONFIG, ENVIRONMENT, UNIT = "bundle.edge", "slot.json", "config.toml", "environment", "edgelens.service"
NAMES = ("a", "b", "c")


@dataclass(frozen=True)
class Slot:
    """What a slot holds, written by the device itself after it verified the bundle."""

    name: str  # the bundle's
    content_version: int
    sha256: str  # of the bundle file
    layers: tuple[str, ...]  # the environment, kit first
    verified_by: str  # the device's id
    report: Mapping[str, Any]
    engine: str = "auto"
    precision: str | None = None
    layer_hashes: Mapping[str, str] = field(default_factory=dict)  # of what was unpacked, by layer
    service: bool = False  # whether systemd runs it
    arguments: tuple[str, ...] = ()  # of `edgelens run`; logins stand in the slot's environment
    config: bool = False  # whether the slot has a config.toml

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Slot:
        """From a record, an older or newer kit's too."""
        known = {each.name for each in fields(cls)}
        given = {key: value for key, value in plain.items() if key in known}
        given["layers"] = tuple(given["layers"])
        given["arguments"] = tuple(given.get("arguments", ()))
        return cls(**given)


class Slots:
    """The slots under the kit's data folder, and the links `current` and `previous` to two of them."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root, self.disk = root, disk or Disk()
        self.folder, self.current_link, self.previous_link = root / "slots", root / "current", root / "previous"
        self.trial = self.folder / "trial.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """One deploy or rollback at a time; gives the lock's descriptor, which a child may hold on to."""
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WorkError("another deploy or rollback is at work on this device: try again") from None
            yield lock.fileno()

    def current(self) -> str | None:
        """The name of the current slot."""
        return self._linked(self.current_link)

    def previous(self) -> str | None:
        """The slot that was current before, if there is one to go back to."""
        current, before = self.current(), self._linked(self.previous_link)
        if before is None and not self.previous_link.is_symlink():  # an older kit had two slots and no such link
            before = next((name for name in NAMES if name != current and self.record(name)), None)
        return before if before != current else None

    def free(self) -> str:
        """A slot that neither runs nor is kept to go back to."""
        return next(name for name in NAMES if name not in (self.current(), self.previous()))

    def record(self, name: str) -> Slot | None:
        """What a slot says of itself, None where it is empty or broken."""
        try:
            return Slot.of(json.loads((self.folder / name / RECORD).read_text("utf-8")))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def bundle(self, name: str) -> Path:
        """A slot's bundle file."""
        return self.folder / name / BUNDLE

    def read(self, name: str | None, file: str) -> bytes | None:
        """A file of a slot, None where it has none."""
        try:
            return None if name is None else (self.folder / name / file).read_bytes()
        except FileNotFoundError:
            return None

    def intact(self, name: str) -> bool:
        """Whether a slot's bundle is the one that was verified here, and its environment is all there."""
        record = self.record(name)
        if record is None or record.verified_by != device_id():
            return False
        try:
            digest = file_hash(str(self.bundle(name)))
        except OSError:
            return False
        return digest == record.sha256 and all((self.root / "site" / layer).is_dir() for layer in record.layers)

    def same(self, name: str, record: Slot, files: Mapping[str, bytes]) -> bool:
        """Whether a slot holds just this."""
        there = self.record(name)
        if there is None or replace(there, report={}) != replace(record, report={}):
            return False
        return all(self.read(name, file) == files.get(file) for file in (CONFIG, ENVIRONMENT, UNIT))

    def stage(self, data: bytes) -> Path:
        """The bundle's bytes in a folder that no one looks at yet."""
        incoming = self.folder / "incoming"
        self.disk.remove(incoming)
        self.disk.folder(incoming)
        self.disk.write(incoming / BUNDLE, data)
        return incoming / BUNDLE

    def fill(self, record: Slot, files: Mapping[str, bytes]) -> str:
        """What was staged and verified becomes the free slot, which nothing looks at before it is switched to."""
        incoming, name = self.folder / "incoming", self.free()
        if not self.previous_link.is_symlink():  # from now on it says which one is kept
            self.disk.link(self.previous_link, f"slots/{self.previous() or 'none'}")
        for file, data in files.items():
            self.disk.write(incoming / file, data)
        self.disk.write(incoming / RECORD, (json.dumps(asdict(record), indent=1) + "\n").encode())
        self.disk.sync(incoming)
        self.disk.remove(self.folder / name)
        self.disk.rename(incoming, self.folder / name)
        return name

    def switch(self, name: str) -> None:
        """Make a slot the current one, in one step; the one that was stays, to go back to."""
        record, before = self.record(name), self.current()
        if record is not None:
            self.raise_floor(record)
        if before is not None and before != name:
            self.disk.link(self.previous_link, f"slots/{before}")
        self.disk.link(self.current_link, f"slots/{name}")
        self.end_trial()

    def begin_trial(self, name: str, seconds: float) -> None:
        """For so long, and in this boot, the launcher starts this slot, whatever is current."""
        trial = {"slot": name, "boot": boot(), "until": seconds_up() + seconds}
        new = self.trial.with_suffix(".new")
        self.disk.write(new, json.dumps(trial).encode())
        self.disk.rename(new, self.trial)

    def end_trial(self) -> None:
        """The launcher starts what is current."""
        self.trial.unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """A slot that did not prove itself leaves, and its trial with it."""
        self.end_trial()
        if name not in (self.current(), self.previous()):
            self.disk.remove(self.folder / name)

    def floor(self, bundle_name: str) -> int:
        """The highest content version this device ever ran of a bundle; older ones are refused."""
        return self._floors().get(bundle_name, 0)

    def raise_floor(self, record: Slot) -> None:
        """Remember a content version; it never goes down."""
        floors = self._floors()
        if floors.get(record.name, 0) < record.content_version:
            floors[record.name] = record.content_version
            new = self.folder / "floors.json.new"
            self.disk.write(new, json.dumps(floors).encode())
            self.disk.rename(new, self.folder / "floors.json")

    def _linked(self, link: Path) -> str | None:
        try:
            name = link.readlink().name
        except OSError:
            return None
        return name if name in NAMES and self.record(name) else None

    def _floors(self) -> dict[str, int]:
        try:
            plain = json.loads((self.folder / "floors.json").read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise WorkError(f"{self.folder / 'floors.json'}: cannot be read ({error}): mend or remove it") from None
        return {str(key): int(value) for key, value in plain.items()}


def device_id() -> str:
    """What tells this device from others; a card that was moved to another board is another device."""
    parts = []
    for path in ("/etc/machine-id", "/sys/firmware/devicetree/base/serial-number", "/proc/device-tree/serial-number"):
        with contextlib.suppress(OSError):
            parts.append(Path(path).read_bytes())
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        parts += [line.encode() for line in lines if line.startswith(("Serial", "Model"))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
