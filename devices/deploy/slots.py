"""The two slots of a device: a bundle with the environment that runs it, and which of the two is current."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgelens.runtime.errors import WorkError

from .disk import Disk

__all__ = ["Slot", "Slots", "device_id"]

BUNDLE, RECORD = "bundle.edge", "slot.json"
_NAMES = ("a", "b")


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


class Slots:
    """The slots under the kit's data folder: `slots/a`, `slots/b`, and the link `current` to one of them."""

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root, self.disk = root, disk or Disk()
        self.folder, self.current_link = root / "slots", root / "current"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One deploy or rollback at a time."""
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WorkError("another deploy or rollback is at work on this device: try again") from None
            yield

    def current(self) -> str | None:
        """The name of the current slot."""
        try:
            name = self.current_link.readlink().name
        except OSError:
            return None
        return name if name in _NAMES and self.record(name) else None

    def other(self) -> str:
        """The slot that is not current."""
        return "b" if self.current() == "a" else "a"

    def record(self, name: str) -> Slot | None:
        """What a slot says of itself, None where it is empty or broken."""
        try:
            plain = json.loads((self.folder / name / RECORD).read_text("utf-8"))
            return Slot(**{**plain, "layers": tuple(plain["layers"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def bundle(self, name: str) -> Path:
        """A slot's bundle file."""
        return self.folder / name / BUNDLE

    def intact(self, name: str) -> bool:
        """Whether a slot's bundle is the one that was verified here, and its environment is all there."""
        record = self.record(name)
        if record is None or record.verified_by != device_id():
            return False
        try:
            digest = hashlib.sha256(self.bundle(name).read_bytes()).hexdigest()
        except OSError:
            return False
        return digest == record.sha256 and all((self.root / "site" / layer).is_dir() for layer in record.layers)

    def stage(self, data: bytes) -> Path:
        """The bundle's bytes in a folder that no one looks at yet."""
        incoming = self.folder / "incoming"
        self.disk.remove(incoming)
        self.disk.folder(incoming)
        self.disk.write(incoming / BUNDLE, data)
        return incoming / BUNDLE

    def fill_and_switch(self, record: Slot) -> str:
        """What was staged and verified becomes the other slot, then the current one."""
        incoming, name = self.folder / "incoming", self.other()
        self.disk.write(incoming / RECORD, (json.dumps(asdict(record), indent=1) + "\n").encode())
        self.disk.sync(incoming)
        self.raise_floor(record)
        self.disk.remove(self.folder / name)
        self.disk.rename(incoming, self.folder / name)
        self.switch(name)
        return name

    def switch(self, name: str) -> None:
        """Make a slot the current one, in one step."""
        self.disk.link(self.current_link, f"slots/{name}")

    def floor(self, bundle_name: str) -> int:
        """The highest content version this device ever took of a bundle; older ones are refused."""
        return self._floors().get(bundle_name, 0)

    def raise_floor(self, record: Slot) -> None:
        """Remember a content version; it never goes down."""
        floors = self._floors()
        if floors.get(record.name, 0) < record.content_version:
            floors[record.name] = record.content_version
            new = self.folder / "floors.json.new"
            self.disk.write(new, json.dumps(floors).encode())
            self.disk.rename(new, self.folder / "floors.json")

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
