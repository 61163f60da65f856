"""The device's side of a deploy, run here: refusals, two slots, and a stop after every single step."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edgelens.devices.deploy.disk import Disk
from edgelens.devices.deploy.order import Order
from edgelens.devices.deploy.receive import receive, roll_back
from edgelens.devices.deploy.slots import Slots
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.signature import check_accepted
from edgelens.runtime.errors import BundleError, EdgelensError, WorkError
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.verify import verify_bundle


class StopError(BaseException):
    """The power went."""


class FailingDisk(Disk):
    """Counts its steps, and stops after, or in the middle of, one of them."""

    def __init__(self, stop_after: int | None = None, *, torn: bool = False) -> None:
        self.steps, self.stop_after, self.torn = 0, stop_after, torn

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.stop_after:
            raise StopError

    def write(self, path: Path, data: bytes) -> None:
        if self.torn and self.steps + 1 == self.stop_after:
            path.write_bytes(data[: len(data) // 2])
            raise StopError
        super().write(path, data)
        self._step()

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._step()

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._step()

    def sync(self, folder: Path) -> None:
        super().sync(folder)
        self._step()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for layer in ("kit-1", "kit-2"):
        (tmp_path / "edgelens/site" / layer).mkdir(parents=True)
    return tmp_path / "edgelens"


def order(bundle: Path, layer: str = "kit-1") -> Order:
    return Order(str(bundle), (layer,), frames=3)


def sound(slots: Slots) -> int:
    """The current bundle's content version, after it was opened, hashed and verified."""
    name = slots.current()
    assert name is not None
    assert slots.intact(name)
    bundle = Bundle.open(slots.bundle(name))
    assert verify_bundle(bundle).ok
    return bundle.manifest.content_version


def test_deploy_then_newer_then_back(root: Path, make_bundle: Callable[..., Path]) -> None:
    slots = Slots(root)
    receive(order(make_bundle(1)), slots)
    assert (slots.current(), sound(slots)) == ("a", 1)
    receive(order(make_bundle(2), "kit-2"), slots)
    assert (slots.current(), sound(slots)) == ("b", 2)
    assert slots.record("b").layers == ("kit-2",)
    assert roll_back(slots).asked.layers == ("kit-1",)
    assert sound(slots) == 1
    with pytest.raises(BundleError, match="older than 2"):
        receive(order(make_bundle(1)), slots)


def test_a_pipeline_is_verified_step_by_step_and_deployed(
    root: Path, halves_bundle: Bundle, color_bundle: Bundle, tmp_path: Path
) -> None:
    slots = Slots(root)
    both = chain(halves_bundle, color_bundle, tmp_path / "both.edge", ChainOptions(classes=("left",)))
    receive(order(tmp_path / "both.edge"), slots)
    assert sound(slots) == 1
    entries = {name: both.read(name) for name in both.manifest.entries}
    entries["golden/color/reference.npz"] = entries["golden/halves/reference.npz"]
    write_bundle(tmp_path / "wrong.edge", dataclasses.replace(both.manifest, content_version=2), entries)
    with pytest.raises(EdgelensError, match="lacks the output"):
        receive(order(tmp_path / "wrong.edge"), slots)
    assert sound(slots) == 1


def test_the_same_again_keeps_the_way_back(root: Path, make_bundle: Callable[..., Path]) -> None:
    slots, second = Slots(root), make_bundle(2)
    receive(order(make_bundle(1)), slots)
    receive(order(second), slots)
    receive(order(second), slots)
    assert roll_back(slots).asked.content_version == 1


def test_what_fails_is_not_switched_to(root: Path, make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    slots = Slots(root)
    receive(order(make_bundle(1)), slots)
    tampered = Path(shutil.copy(make_bundle(2), tmp_path / "tampered.edge"))
    data = bytearray(tampered.read_bytes())
    data[len(data) // 2] ^= 1
    tampered.write_bytes(data)
    foreign = make_bundle(4, notes={"machines": ["riscv64"]})
    newer = tmp_path / "newer.edge"
    with zipfile.ZipFile(make_bundle(5)) as source, zipfile.ZipFile(newer, "w") as target:
        for info in source.infolist():
            target.writestr(info, source.read(info).replace(b'"format": "1.', b'"format": "3.'))
    for bundle, words in (
        (make_bundle(3, broken=True), "failed its golden frames"),
        (tampered, "damaged|tampered"),
        (foreign, "is made for riscv64"),
        (newer, "newer than this kit reads"),
    ):
        with pytest.raises(EdgelensError, match=words) as refused:
            receive(order(bundle), slots)
        assert "\n" not in str(refused.value)
        assert sound(slots) == 1
    assert not (root / "slots/incoming").exists()


def test_a_device_with_keys_takes_only_theirs(root: Path, make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    from edgelens.devices.deploy.signing import sign_bundle

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    shutil.copy(tmp_path / "key.pub", root / "accepted_keys")
    slots, bundle = Slots(root), Path(shutil.copy(make_bundle(1), tmp_path))
    with pytest.raises(BundleError, match="is not signed"):
        receive(order(bundle), slots)
    sign_bundle(str(bundle), str(tmp_path / "key"))
    receive(order(bundle), slots)
    assert sound(slots) == 1


def test_keys_are_accepted_with_the_bundle_that_brings_them(
    root: Path, make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    from edgelens.devices.deploy.signing import sign_bundle

    def keyed(bundle: Path, key: str, **more: bool) -> Order:
        return dataclasses.replace(order(bundle), keys=str(tmp_path / f"{key}.pub"), **more)

    for key in ("one", "two"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / key], check=True)
    slots, listed = Slots(root), root / "accepted_keys"
    first, second = (Path(shutil.copy(make_bundle(version), tmp_path / f"{version}.edge")) for version in (1, 2))
    receive(order(first), slots)
    with pytest.raises(BundleError, match="is not signed"):
        receive(keyed(first, "one"), slots)
    assert not listed.exists() and not (root / "accepted_keys_only").exists()
    check_accepted(Bundle.open(slots.bundle("a")))  # it still starts
    sign_bundle(str(first), str(tmp_path / "one"))
    receive(keyed(first, "one"), slots)
    kept = listed.read_text()
    sign_bundle(str(second), str(tmp_path / "two"))
    with pytest.raises(EdgelensError, match="failed its golden frames"):
        broken = Path(shutil.copy(make_bundle(3, broken=True), tmp_path / "broken.edge"))
        sign_bundle(str(broken), str(tmp_path / "two"))
        receive(keyed(broken, "two"), slots)
    assert listed.read_text() == kept
    receive(keyed(second, "two", replace_keys=True), slots, apart=True)
    assert (sound(slots), listed.read_text()) == (2, (tmp_path / "two.pub").read_text())
    receive(keyed(second, "one"), slots)  # nothing else changes
    assert listed.read_text().splitlines()[1:] == kept.splitlines()


def test_rollback_reaches_only_what_was_verified_here(root: Path, make_bundle: Callable[..., Path]) -> None:
    slots = Slots(root)
    with pytest.raises(WorkError, match="nothing to go back to"):
        roll_back(slots)
    receive(order(make_bundle(1)), slots)
    receive(order(make_bundle(2)), slots)
    shutil.copy(make_bundle(7), slots.bundle("a"))
    with pytest.raises(WorkError, match="not the one"):
        roll_back(slots)
    record = json.loads((root / "slots/a/slot.json").read_text())
    shutil.copy(make_bundle(1), slots.bundle("a"))
    (root / "slots/a/slot.json").write_text(json.dumps({**record, "verified_by": "another"}))
    with pytest.raises(WorkError, match="not the one"):
        roll_back(slots)
    assert sound(slots) == 2


@pytest.mark.parametrize("torn", [False, True])
def test_a_stop_after_every_step_leaves_one_that_runs(
    root: Path, make_bundle: Callable[..., Path], tmp_path: Path, torn: bool
) -> None:
    receive(order(make_bundle(1)), Slots(root))
    receive(order(make_bundle(2)), Slots(root))
    saved, third = tmp_path / "saved", make_bundle(3)
    shutil.copytree(root, saved, symlinks=True)
    counting = FailingDisk()
    receive(order(third), Slots(root, counting))
    assert counting.steps >= 10
    for step in range(1, counting.steps + 1):
        shutil.rmtree(root)
        shutil.copytree(saved, root, symlinks=True)
        disk = FailingDisk(step, torn=torn)
        try:
            receive(order(third), Slots(root, disk))
        except StopError:
            assert sound(Slots(root)) in (2, 3)
        receive(order(third), Slots(root))  # and the next deploy goes through
        assert sound(Slots(root)) == 3
