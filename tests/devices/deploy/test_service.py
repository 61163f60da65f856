"""A service's life on a device: Python 3.10 with the page, and systemd's stand-in."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgelens.cli import cli
from edgelens.devices.deploy.slots import Slots
from edgelens.devices.ssh.agent.launch import chosen_slot
from edgelens.runtime.bundle.bundle import write_bundle
from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.model.open import open_model

pytestmark = [pytest.mark.timeout(3600)]
ALL = bool(os.environ.get("EDGELENS_ALL_BOARDS"))  # emulated boards too, and every step: minutes
DEMO = "--source demo --max-fps 20"
BOARD_WITH_SYSTEMD = """
mount -t tmpfs tmpfs $root/run; mkdir -p $root/run/systemd/system $home/units $home/varlib
mkdir -p $root/etc/systemd/system $root/usr/local/bin
mount --bind $home/units $root/etc/systemd/system; mount --bind $home/varlib $root/var/lib
mount -t tmpfs tmpfs $root/usr/local/bin
cp {script} $root/usr/local/bin/systemctl; cp {script} $root/usr/local/bin/journalctl
"""


class Device:
    """A board or a machine to deploy to, with systemd's stand-in."""

    def __init__(self, name: str, there: Any) -> None:
        self.name, self.there = name, there
        self.host, self.wheels, self.store = there.host, there.wheels, there.store
        units = there.home / "units" if name != "machine" else there.folder / "units"
        self.unit = units / "edgelens.service"

    def record(self) -> dict:
        return json.loads((self.store / "current/slot.json").read_text())

    def running(self) -> tuple[int, list[str]]:
        """Version and options of what runs; on an emulated board nothing outlives a connection, so it is booted."""
        if self.name == "machine":
            assert self.there.service()["ActiveState"] == "active", self.there.journal()[-500:]
        else:
            done = self.there.ssh("systemctl restart edgelens.service && systemctl is-active", timeout=200)
            assert done.stdout.strip() == "active", done
        return self.record()["content_version"], self.record()["arguments"]


@pytest.fixture
def machine(systemd_machine: Any, reach: Callable[[Any], Any]) -> Device:
    return Device("machine", reach(systemd_machine))


@pytest.fixture
def device(request: pytest.FixtureRequest, reach: Callable[[Any], Any]) -> Device:
    """The one that the test was asked for."""
    if request.param == "machine":
        return request.getfixturevalue("machine")
    board = reach(request.getfixturevalue("make_board")(*request.param.split()))
    script = Path(__file__).resolve().parents[2] / "board" / "systemctl"
    board.before.write_text(BOARD_WITH_SYSTEMD.format(script=script))
    return Device(request.param, board)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The built-in digits as bundles of their own names, whose versions rise."""
    folder, digits = tmp_path_factory.mktemp("bundles"), open_model("digits")
    entries = {name: digits.read(name) for name in digits.manifest.entries}

    def make(version: int, name: str) -> Path:
        path = folder / f"{name}-{version}.edge"
        if not path.exists():
            write_bundle(path, dataclasses.replace(digits.manifest, name=name, content_version=version), entries)
        return path

    return make


def deploy(device: Device, bundle: Path, *words: object) -> Result:
    common = ["--to", device.host, "--wheels", device.wheels, "--frames", 2, "--json", "-"]
    return CliRunner().invoke(cli, [str(word) for word in ("deploy", bundle, *common, *words)])


def gallery(device: Device, *words: object) -> str:
    """What `edgelens gallery … --on` says."""
    there = ("--on", device.host, "--wheels", device.wheels)
    done = CliRunner().invoke(cli, [str(word) for word in ("gallery", *words, *there)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def known_there(device: Device) -> list[dict]:
    return json.loads(gallery(device, "list", "--json", "-"))["names"]


def taught_there(device: Device, bundle: Path, folder: Path) -> list[dict]:
    """The names that are known there, after three pictures of a cup were put into the service's own gallery."""
    pictures = [folder / f"{i}.png" for i in range(3)]
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(picture), np.random.default_rng(i).integers(0, 256, (28, 28, 3), np.uint8))
    gallery(device, "add", "cup", *pictures, "--model", bundle)
    taught = known_there(device)
    assert [(row["name"], row["pictures"]) for row in taught] == [("cup", 3)]
    assert taught[0]["gallery"].startswith("/var/lib/edgelens/galleries/"), "the service's own, not that of a shell"
    return taught


def answered(result: Result) -> dict:
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def status(device: Device, tmp_path: Path) -> tuple[dict, list[dict]]:
    """What `edgelens status` says of the service there, and of the slots; other runs on this machine do not count."""
    told = tmp_path / "status.json"
    words = ["status", "--on", device.host, "--wheels", device.wheels, "--json", told]
    CliRunner().invoke(cli, [str(word) for word in words])
    said, pid = json.loads(told.read_text()), int(device.there.service()["MainPID"])
    return next(running for running in said["running"] if running["pid"] == pid), said["slots"]


def refused(result: Result) -> str:
    assert isinstance(result.exception, EdgelensError), (result.output, result.exception)
    assert result.exception.exit_code in (1, 2)
    assert "\n" not in str(result.exception)
    return str(result.exception)


def has_layer(device: Device, name: str) -> bool:
    return any(layer.startswith(f"{name}-") for layer in device.record()["layers"])


def a_first_that_fails_leaves_nothing(device: Device, bundle: Path) -> None:
    failed = deploy(device, bundle, "--service", "--run-options", "--source demo --labels /nowhere.txt")
    assert "could not be read" in refused(failed) and "nothing ran there before" in refused(failed)
    assert json.loads(failed.stdout)["runs"] is None
    assert not device.unit.exists() and not (device.store / "current").exists()


@pytest.mark.board
@pytest.mark.parametrize("device", ["machine", *(("pi4 bookworm", "pi5 trixie") if ALL else ())], indirect=True)
def test_a_services_life(device: Device, bundles: Callable[..., Path], tmp_path: Path) -> None:
    if ALL:
        a_first_that_fails_leaves_nothing(device, bundles(1, "life"))

    secrets = tmp_path / "secrets"
    secrets.write_text("# the camera's\nEDGELENS_SOURCE_PASSWORD='s3cret'\nexport EDGELENS_SOURCE_USER=viewer\n")
    options = [*DEMO.split(), "--device-id", "it's"]
    asked = ("--service", "--run-options", shlex.join(options), "--secrets", secrets, "--config", "")
    first = answered(deploy(device, bundles(1, "life"), *asked))
    assert first["service"] == {"state": "active", "says": "recognizing"}
    assert (first["went_back"], first["runs"]["content_version"]) == (False, 1)
    assert device.running() == (1, options)
    taught = taught_there(device, bundles(1, "life"), tmp_path)
    slot = device.store / "current"
    assert {stat.S_IMODE(path.stat().st_mode) for path in slot.resolve().iterdir()} == {0o600}
    assert (slot / "environment").read_text() == "EDGELENS_SOURCE_PASSWORD=s3cret\nEDGELENS_SOURCE_USER=viewer\n"
    assert "s3cret" not in device.unit.read_text() + json.dumps(first)
    assert set(device.record()["layer_hashes"]) == set(device.record()["layers"])
    assert has_layer(device, "exceptiongroup") == (device.name == "machine")  # by the device's Python, not by ours
    if device.name == "machine":
        assert b"demo" not in Path(f"/proc/{device.there.service()['MainPID']}/cmdline").read_bytes()

    if ALL:  # a newer bundle alone: all that was not asked for stays
        answered(deploy(device, bundles(2, "life")))
        assert device.running() == (2, options)
        assert (slot / "environment").exists() and has_layer(device, "starlette")

    # other options, with a sink that needs a package
    others = [*DEMO.split(), "--mqtt", "mqtt://127.0.0.1:1/lens"]
    changed = answered(deploy(device, bundles(3, "life"), "--run-options", shlex.join(others)))
    assert changed["service"]["state"] == "active"
    assert device.running() == (3, others)
    assert has_layer(device, "paho-mqtt") and has_layer(device, "starlette") and (slot / "environment").exists()

    # what cannot start, and what starts and ends again
    bad = {"--labels /nowhere.txt": "could not be read"} | (
        {"--duration 1.5": "started and ended again"} if ALL else {}
    )
    for words, why in bad.items():
        failed = deploy(device, bundles(4, "life"), "--run-options", f"{DEMO} {words}")
        assert why in refused(failed) and "runs life version 3 as before" in refused(failed)
        said = json.loads(failed.stdout)
        assert (said["ok"], said["went_back"], said["runs"]["content_version"]) == (False, True, 3)
        assert said["service"]["state"] == "active"
        assert device.running() == (3, others)

    if device.name == "machine":  # on an emulated board nothing outlives a connection
        running, slots = status(device, tmp_path)
        assert (running["status"], running["loop"]["bundle"]["version"]) == ("degraded", 3), running
        assert [problem.partition(" (")[0] for problem in running["problems"]] == ["mqtt: 127.0.0.1 is away"]
        assert [(each["version"], each["current"]) for each in slots] == [(3, True), (2 if ALL else 1, False)]

    # back: bundle, options and layers of the slot before
    back = answered(CliRunner().invoke(cli, ["rollback", "--on", device.host, "--json", "-"]))
    assert (back["runs"]["content_version"], back["service"]["state"]) == (2 if ALL else 1, "active")
    assert device.running() == (2 if ALL else 1, options)
    assert not has_layer(device, "paho-mqtt")
    assert known_there(device) == taught
    if device.name == "machine":  # its home is read-only to it, and it wants to write nothing there
        assert "could not be noted" not in device.there.journal() and "Read-only" not in device.there.journal()


@pytest.mark.board
def test_a_camera_away_is_said_and_a_cut_leaves_the_decision_to_the_device(
    machine: Device, bundles: Callable[..., Path], tmp_path: Path
) -> None:
    config = tmp_path / "cameras.toml"
    config.write_text('[[source]]\nname = "yard"\nurl = "rtsp://127.0.0.1:9/cam"\n')
    said = answered(
        deploy(machine, bundles(1, "away"), "--service", "--run-options", "--no-preview", "--config", config)
    )
    assert said["service"]["state"] == "active"
    assert "trying again" in said["service"]["says"]
    running, (slot, *_) = status(machine, tmp_path)  # it has no page, and is found all the same
    assert (running["status"], running["url"]) == ("degraded", None)
    assert running["problems"][0].startswith("yard: away for ")
    bundle = running["loop"]["bundle"]
    assert bundle == {"name": "away", "version": 1, "sha256": machine.record()["sha256"]}
    assert slot == {**slot, "bundle": "away", "version": 1, "sha256": bundle["sha256"], "current": True}
    assert (machine.store / "current/config.toml").read_text() == config.read_text()
    assert "do not go together" in refused(deploy(machine, bundles(2, "away"), "--run-options", "--source demo"))

    words = [sys.executable, "-m", "edgelens", "deploy", str(bundles(2, "away")), "--to", machine.host, "--frames", "2",
             "--wheels", str(machine.wheels), "--run-options", "--labels /nowhere.txt"]  # fmt: skip
    child = subprocess.Popen(words, env=dict(os.environ), stderr=subprocess.DEVNULL, start_new_session=True)
    trial = machine.store / "slots/trial.json"
    wait_for(trial.exists)
    os.killpg(child.pid, 9)
    child.wait()
    wait_for(lambda: not trial.exists())
    wait_for(lambda: machine.there.service()["ActiveState"] == "active")
    assert machine.running() == (1, ["--no-preview"])
    assert (machine.store / "current/config.toml").read_text() == config.read_text()


def test_a_trial_ends_with_the_boot_that_began_it(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    (tmp_path / "slots").mkdir()
    (tmp_path / "current").symlink_to("slots/a")
    slots.begin_trial("b", 60)
    assert chosen_slot(str(tmp_path)) == "b"
    trial = json.loads(slots.trial.read_text())
    for changed in ({"boot": "another"}, {"until": 0}, {"slot": None, "boot": 1}):
        slots.trial.write_text(json.dumps({**trial, **changed}))
        assert chosen_slot(str(tmp_path)) == "a"
    slots.trial.write_text("{")
    assert chosen_slot(str(tmp_path)) == "a"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--service", "--run-options", "--no-such-option"), "No such option"),
        (("--service", "--run-options", "--source 'demo"), "quote it as in a shell"),
        (("--service", "--run-options", "--on pi"), "which --to does already"),
        (("--service", "--config", "/nowhere.toml"), "/nowhere.toml"),
        (("--service", "--secrets", "/nowhere"), "--secrets /nowhere: could not be read"),
        (("--replace-keys",), "--accept-key"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_travels(
    machine: Device, bundles: Callable[..., Path], words: tuple[str, ...], says: str
) -> None:
    assert says in refused(deploy(machine, bundles(1, "refused"), *words))


def wait_for(done: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends
        time.sleep(0.05)
