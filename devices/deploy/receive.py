"""The device's side of a deploy: refuse or verify, then switch. `python -m edgelens.devices.deploy.receive`."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.signature import check_accepted
from edgelens.runtime.errors import BundleError, EdgelensError, WorkError
from edgelens.runtime.model.verify import verify_bundle

from .slots import Slot, Slots, device_id
from .smoke import smoke_run

__all__ = ["Order", "receive", "roll_back"]


@dataclass(frozen=True)
class Order:
    """What a deploy asks for."""

    bundle: str  # the file as it arrived
    layers: tuple[str, ...]
    engine: str = "auto"
    precision: str | None = None
    frames: int = 20  # of the smoke run


def receive(order: Order, slots: Slots) -> Slot:
    """Take a bundle in: nothing changes unless its signature, version, golden frames and smoke run are right."""
    with slots.locked():
        data = Path(order.bundle).read_bytes()
        staged = slots.stage(data)
        try:
            bundle = _acceptable(staged, Path(order.bundle).name, slots)
            report = _verified(bundle, order)
        except EdgelensError:
            slots.disk.remove(staged.parent)
            raise
        record = Slot(
            name=bundle.manifest.name,
            content_version=bundle.manifest.content_version,
            sha256=hashlib.sha256(data).hexdigest(),
            layers=order.layers,
            verified_by=device_id(),
            report=report,
            engine=order.engine,
            precision=order.precision,
        )
        current = slots.current()
        if current is not None and _same(slots.record(current), record) and slots.intact(current):
            slots.disk.remove(staged.parent)  # it runs already, and the one to go back to stays
            return record
        slots.fill_and_switch(record)
        return record


def roll_back(slots: Slots) -> Slot:
    """Back to the other slot, which this device verified itself before."""
    with slots.locked():
        name = slots.other()
        record = slots.record(name)
        if slots.current() is None or record is None:
            raise WorkError("there is nothing to go back to: this device ran no other bundle before")
        if not slots.intact(name):
            raise WorkError(
                f"the bundle to go back to ({record.name}, version {record.content_version}) is not the one that this "
                "device verified: deploy it anew"
            )
        check_accepted(Bundle.open(slots.bundle(name)))
        slots.switch(name)
        return record


def _same(a: Slot | None, b: Slot) -> bool:
    return a is not None and replace(a, report={}) == replace(b, report={})


def _acceptable(path: Path, called: str, slots: Slots) -> Bundle:
    """The bundle, if this device may take it."""
    try:
        bundle = Bundle.open(path)
        for entry in bundle.manifest.entries:
            bundle.read(entry)
        check_accepted(bundle)
    except BundleError as error:
        raise BundleError(str(error).replace(str(path), called)) from None
    manifest = bundle.manifest
    floor = slots.floor(manifest.name)
    if manifest.content_version < floor:
        raise BundleError(
            f"{called}: content version {manifest.content_version} is older than {floor}, which this device had "
            "already; versions never go down (`edgelens rollback` goes back to the last one)"
        )
    machines = manifest.provenance.notes.get("machines")
    if isinstance(machines, list) and machines and platform.machine() not in machines:
        raise BundleError(f"{called}: is made for {', '.join(map(str, machines))}; this device is {platform.machine()}")
    return bundle


def _verified(bundle: Bundle, order: Order) -> dict[str, Any]:
    called = Path(order.bundle).name
    engine = None if order.engine == "auto" else order.engine
    report = verify_bundle(bundle, engine, precision=order.precision)
    if not report.ok:
        bad = [f"{file.path} ({file.problem or 'outside its limits'})" for file in report.files if not file.within]
        raise WorkError(f"{called}: failed its golden frames on this device: {'; '.join(bad)[:300]}")
    return {**report.to_json(), "smoke": smoke_run(bundle, order.engine, order.precision, order.frames, called)}


def main() -> int:
    """Read an order as JSON from argv, answer with JSON on stdout, one line on stderr where it is refused."""
    root, what, words = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    try:
        record = _obeyed(Slots(root), what, words)
    except EdgelensError as error:
        sys.stderr.write(f"refused: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"refused: {error.filename or root}: {error.strerror}; nothing was switched\n")
        return 1
    sys.stdout.write(json.dumps(record) + "\n")
    return 0


def _obeyed(slots: Slots, what: str, words: Sequence[str]) -> Mapping[str, Any]:
    if what == "rollback":
        record = roll_back(slots)
    else:
        plain = json.loads(words[0])
        record = receive(Order(**{**plain, "layers": tuple(plain["layers"])}), slots)
    return {"name": record.name, "content_version": record.content_version, "slot": slots.current(), **record.report}


if __name__ == "__main__":
    sys.exit(main())
