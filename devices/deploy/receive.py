"""The device's side of a deploy: refuse or verify, then settle. `python -m edgelens.devices.deploy.receive`."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.bundle.signature import accepted_keys_file, check_accepted
from edgelens.runtime.errors import BundleError, EdgelensError, WorkError
from edgelens.runtime.model.verify import verify_bundle

from ..ssh.agent.launch import file_hash, tree_hash
from ..ssh.agent.store import unit_words
from .keys import KeyChange
from .order import Answer, Order
from .settle import Settled, is_ours, settle, settle_apart
from .slots import CONFIG, ENVIRONMENT, NAMES, RECORD, UNIT, Slot, Slots, device_id
from .smoke import smoke_run
from .systemd import Systemd
from .unit import unit_text

__all__ = ["receive", "roll_back"]


def receive(order: Order, slots: Slots, *, systemd: Systemd | None = None, apart: bool = False) -> Answer:
    """Take a bundle in: nothing changes unless its signature, version, golden frames and smoke run are right."""
    systemd = systemd or Systemd()
    with slots.locked() as lock:
        if order.service or is_ours(slots, systemd.installed()):
            systemd.check_allowed()
        _adopt(slots)
        keys = _key_change(order)
        with keys.begun():
            staged = slots.stage(Path(order.bundle).read_bytes())
            record, files = _taken(staged, order, slots, keys)
            current = slots.current()
            if current is not None and slots.same(current, record, files) and slots.intact(current):
                slots.disk.remove(staged.parent)  # it is there already, and the one to go back to stays
                if _stands(order, slots, systemd):
                    keys.finish()
                    return _answer(slots, record, Settled.unchanged(systemd.state() if order.service else None))
                name = current
            else:
                name = slots.fill(record, files)
        return _settled(slots, record, name, systemd, keys, [lock] if apart else None)


def roll_back(slots: Slots, *, systemd: Systemd | None = None, apart: bool = False) -> Answer:
    """Back to the slot before, which this device verified itself, with all that belongs to it."""
    with slots.locked() as lock:
        _adopt(slots)
        name = slots.previous()
        record = slots.record(name) if name else None
        if name is None or record is None:
            raise WorkError("there is nothing to go back to: this device ran no other bundle before")
        if not slots.intact(name):
            raise WorkError(
                f"the bundle to go back to ({record.name}, version {record.content_version}) is not the one that this "
                "device verified: deploy it anew"
            )
        check_accepted(Bundle.open(slots.bundle(name)))
        return _settled(slots, record, name, systemd or Systemd(), KeyChange(), [lock] if apart else None)


def _taken(staged: Path, order: Order, slots: Slots, keys: KeyChange) -> tuple[Slot, dict[str, bytes]]:
    """What the slot is to say of itself, and its files, once the bundle is verified."""
    try:
        bundle = _acceptable(staged, Path(order.bundle).name, slots, keys)
        report = _verified(bundle, order)
    except EdgelensError:
        slots.disk.remove(staged.parent)
        raise
    files = _files(slots, order)
    return _record(bundle, order, report, staged, config=CONFIG in files), files


def _stands(order: Order, slots: Slots, systemd: Systemd) -> bool:
    """Whether the service is as it was ordered."""
    if order.service:
        return not systemd.runs or systemd.state().active
    return not is_ours(slots, systemd.installed())


def _record(bundle: Bundle, order: Order, report: Mapping[str, Any], staged: Path, *, config: bool) -> Slot:
    return Slot(
        name=bundle.manifest.name,
        content_version=bundle.manifest.content_version,
        sha256=file_hash(str(staged)),
        layers=order.layers,
        verified_by=device_id(),
        report=report,
        engine=order.engine,
        precision=order.precision,
        layer_hashes=dict(order.layer_hashes),
        service=order.service,
        arguments=order.arguments,
        config=config,
    )


def _settled(
    slots: Slots, record: Slot, name: str, systemd: Systemd, keys: KeyChange, lock: list[int] | None
) -> Answer:
    try:
        if lock is None:
            settled = settle(slots, name, systemd, keys)
        else:
            settled = settle_apart(slots, name, keys, lock)
    except EdgelensError:
        slots.drop(name)
        raise
    if settled.went_back:
        slots.drop(name)
    return _answer(slots, record, settled)


def _answer(slots: Slots, record: Slot, settled: Settled) -> Answer:
    slot = slots.current()
    return Answer(record, slots.record(slot) if slot else None, slot, settled)


def _files(slots: Slots, order: Order) -> dict[str, bytes]:
    """The slot's files beside the bundle: what came with the order, else what the current slot has."""
    files: dict[str, bytes] = {}
    for file, came in ((CONFIG, order.config), (ENVIRONMENT, order.environment)):
        data = slots.read(slots.current(), file) if came is None else Path(came).read_bytes() if came else None
        if data is not None:
            files[file] = data
    if order.service:
        files[UNIT] = _unit(slots)
    return files


def _adopt(slots: Slots) -> None:
    """What an older kit deployed has its words in the unit alone; now its slots get them, to be gone back to."""
    older = {name: plain for name in NAMES if (plain := _plain(slots, name)) and "service" not in plain}
    words = unit_words(str(slots.root)) if slots.current() in older else None
    if words is None:
        return
    for name in sorted(older, key=lambda name: name == slots.current()):  # which tells whether this was done
        layers = {layer: tree_hash(str(slots.root / "site" / layer)) for layer in older[name]["layers"]}
        changed = {**older[name], "service": True, "arguments": words, "layer_hashes": layers}
        for file, data in ((UNIT, _unit(slots)), (RECORD, (json.dumps(changed, indent=1) + "\n").encode())):
            new = slots.folder / name / f"{file}.new"
            slots.disk.write(new, data)
            slots.disk.rename(new, slots.folder / name / file)


def _plain(slots: Slots, name: str) -> dict[str, Any]:
    """A slot's record as it stands there; empty where there is none that can be read."""
    return {} if slots.record(name) is None else json.loads(slots.read(name, RECORD) or b"{}")


def _unit(slots: Slots) -> bytes:
    import pwd

    return unit_text(str(slots.root), pwd.getpwuid(os.getuid()).pw_name).encode()


def _key_change(order: Order) -> KeyChange:
    if order.keys is None:
        return KeyChange()
    return KeyChange.of(Path(order.keys), accepted_keys_file(), only=order.replace_keys)


def _acceptable(path: Path, called: str, slots: Slots, keys: KeyChange) -> Bundle:
    """The bundle, if this device may take it."""
    try:
        bundle = Bundle.open(path)
        for entry in bundle.manifest.entries:
            bundle.read(entry)
        check_accepted(bundle)
        keys.check(bundle)
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
    """Read an order's JSON file, answer with JSON on stdout, or with one line on stderr where it is refused."""
    slots, what, words = Slots(Path(sys.argv[1])), sys.argv[2], sys.argv[3:]
    os.umask(0o077)
    tasks: dict[str, Callable[[], Answer]] = {
        "receive": lambda: receive(Order.of(json.loads(Path(words[0]).read_text("utf-8"))), slots, apart=True),
        "rollback": lambda: roll_back(slots, apart=True),
    }
    try:
        answer = tasks[what]()
    except EdgelensError as error:
        sys.stderr.write(f"refused: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"refused: {error.filename or slots.root}: {error.strerror}; nothing was switched\n")
        return 1
    sys.stdout.write(json.dumps(answer.to_json()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
