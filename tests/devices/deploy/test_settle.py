"""What a new slot takes over from, what an older kit left, and a service's health."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from edgelens.cli.deploy import not_healthy
from edgelens.devices.deploy import settle
from edgelens.devices.deploy.answer import checked_answer
from edgelens.devices.deploy.disk import Disk
from edgelens.devices.deploy.health import Health, HealthLimits, start_and_watch
from edgelens.devices.deploy.order import Order
from edgelens.devices.deploy.receive import receive, roll_back
from edgelens.devices.deploy.slots import CONFIG, ENVIRONMENT, UNIT, Slots
from edgelens.devices.deploy.systemd import State, Systemd
from edgelens.devices.deploy.unit import unit_text
from edgelens.devices.ssh.agent import store
from edgelens.devices.ssh.agent.launch import tree_hash
from edgelens.runtime.errors import WorkError
from edgelens.runtime.live.running import Running, note_running, running_here
from edgelens.runtime.live.status_socket import StatusSocket


class Recorded(Systemd):
    """A machine without systemd whose unit lies in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / "edgelens.service"

    runs = False


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "edgelens/site/kit-1").mkdir(parents=True)
    return tmp_path / "edgelens"


def test_a_rollback_takes_everything_back(root: Path, make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    slots, systemd = Slots(root), Recorded(tmp_path)
    (tmp_path / "c1").write_text("[[source]]\n")
    (tmp_path / "e1").write_text("A=1\n")
    first = Order(str(make_bundle(1)), ("kit-1",), frames=2, service=True, arguments=("--source", "0"),
                  config=str(tmp_path / "c1"), environment=str(tmp_path / "e1"))  # fmt: skip
    answer = receive(first, slots, systemd=systemd)
    assert answer.settled.state == "written"
    unit = systemd.installed()
    assert unit is not None and "--source" not in unit
    kept = receive(Order(str(make_bundle(2)), ("kit-1",), frames=2, service=True), slots, systemd=systemd)
    assert slots.read(kept.slot, CONFIG) == b"[[source]]\n" and slots.read(kept.slot, ENVIRONMENT) == b"A=1\n"
    away = Order(str(make_bundle(3)), ("kit-1",), frames=2, config="", environment="")
    gone = receive(away, slots, systemd=systemd)
    assert slots.read(gone.slot, CONFIG) is None and slots.read(gone.slot, ENVIRONMENT) is None
    assert systemd.installed() is None  # no service any more
    back = roll_back(slots, systemd=systemd)
    assert back.asked.content_version == 2 and systemd.installed() == unit
    assert slots.read(back.slot, CONFIG) == b"[[source]]\n"
    assert back.slot is not None and slots.read(back.slot, UNIT) == unit.encode()


@pytest.fixture
def older(root: Path, make_bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """A device that an older kit deployed twice: the unit had the words."""
    slots, systemd = Slots(root), Recorded(tmp_path)
    for version in (1, 2):
        receive(Order(str(make_bundle(version)), ("kit-1",), frames=2), slots, systemd=systemd)
    for name in "ab":  # as it was written then
        path = root / "slots" / name / "slot.json"
        known = ("name", "content_version", "sha256", "layers", "verified_by", "report", "engine", "precision")
        path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key in known}))
    slots.previous_link.unlink()
    launcher = root / "launch.py"
    systemd.path.write_text(f'[Service]\nExecStart=/usr/bin/python3 {launcher} --source "a b" --json 50%%\n')
    monkeypatch.setattr(store, "UNIT", str(systemd.path))
    return systemd


def test_what_an_older_kit_deployed_keeps_its_options(
    root: Path, older: Recorded, make_bundle: Callable[..., Path]
) -> None:
    slots, systemd = Slots(root), older
    there = store.Store(str(root)).deployed()
    assert there is not None
    assert (there["service"], there["arguments"]) == (True, ["--source", "a b", "--json", "50%"])
    order = Order(str(make_bundle(3)), ("kit-1",), frames=2, service=True, arguments=tuple(there["arguments"]))
    receive(order, slots, systemd=systemd)
    back = roll_back(slots, systemd=systemd)
    assert (back.asked.content_version, back.asked.service) == (2, True)
    assert back.asked.arguments == ("--source", "a b", "--json", "50%")
    assert back.asked.layer_hashes == {"kit-1": tree_hash(str(root / "site/kit-1"))}  # the launcher asks for them
    assert "ExecStart" in (systemd.installed() or "") and "--source" not in (systemd.installed() or "")


def test_what_an_older_kit_deployed_twice_goes_back_with_its_service(root: Path, older: Recorded) -> None:
    back = roll_back(Slots(root), systemd=older)
    assert (back.asked.content_version, back.settled.state) == (1, "written")
    assert back.asked.arguments == ("--source", "a b", "--json", "50%")
    assert "ExecStart" in (older.installed() or "") and "--source" not in (older.installed() or "")


class Alive(Recorded):
    """A machine whose systemd starts what is asked for, unless `starts` says no."""

    runs, starts = True, True

    def _call(self, words: Sequence[str], **how: Any) -> subprocess.CompletedProcess[str]:
        if words[0] not in ("systemctl", "journalctl"):
            return super()._call(words, **how)
        shown = "ActiveState=active\nMainPID=1\nStatusText=recognizing\n" if "show" in words else "edgelens: boom\n"
        return subprocess.CompletedProcess(words, int("restart" in words and not self.starts), shown, "")


@pytest.fixture
def running(root: Path, make_bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Alive:
    """A device whose service runs version 1."""
    monkeypatch.setattr(settle, "start_and_watch", lambda systemd, page: Health(systemd.restart(), "well or not"))
    systemd = Alive(tmp_path)
    receive(Order(str(make_bundle(1)), ("kit-1",), frames=2, service=True), Slots(root), systemd=systemd)
    return systemd


def went_back(slots: Slots, bundle: Path, systemd: Systemd) -> str:
    """Why, after a deploy that leaves what ran before, and nothing on trial."""
    kept = systemd.installed()
    answer = receive(Order(str(bundle), ("kit-1",), frames=2, service=True), slots, systemd=systemd)
    assert (answer.settled.went_back, answer.settled.state) == (True, "active")
    assert answer.runs is not None and answer.runs.content_version == 1 and answer.slot == "a"
    assert not slots.trial.exists() and not (slots.folder / "b").exists()
    assert systemd.installed() == kept
    return answer.settled.why


def test_a_disk_that_is_full_at_the_switch_is_a_reason_to_go_back(
    root: Path, running: Alive, make_bundle: Callable[..., Path]
) -> None:
    class Full(Disk):
        def write(self, path: Path, data: bytes) -> None:
            if path.name == "floors.json.new":
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            super().write(path, data)

    assert "floors.json.new: No space left" in went_back(Slots(root, Full()), make_bundle(2), running)


def test_a_service_that_is_to_end_ends_or_nothing_changes(
    root: Path, running: Alive, make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise WorkError("allow sudo without a password")

    slots, order = Slots(root), Order(str(make_bundle(2)), ("kit-1",), frames=2, service=False)
    with monkeypatch.context() as patch:
        patch.setattr(running, "check_allowed", refuse)
        with pytest.raises(WorkError, match="allow sudo"):
            receive(order, slots, systemd=running)
    assert (slots.current(), running.installed() is None) == ("a", False)
    unit = running.installed()
    for kept in (unit, unit, unit_text("/home/pi/.local/share/edgelens", "pi")):  # the second time it is left over
        running.install(kept or "")
        assert receive(order, slots, systemd=running).settled.state == "none"
        assert running.installed() == (None if kept == unit else kept)


def test_going_back_takes_the_keys_back_too(
    root: Path, running: Alive, make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    from edgelens.devices.deploy.signing import sign_bundle

    for key in ("one", "two"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / key], check=True)
    listed, bundle = root / "accepted_keys", Path(shutil.copy(make_bundle(2), tmp_path / "2.edge"))
    sign_bundle(str(bundle), str(tmp_path / "two"))
    order = Order(str(bundle), ("kit-1",), frames=2, service=True, keys=str(tmp_path / "two.pub"), replace_keys=True)
    shutil.copy(tmp_path / "one.pub", listed)
    running.starts = False
    assert receive(order, Slots(root), systemd=running).settled.went_back
    assert listed.read_text() == (tmp_path / "one.pub").read_text()
    running.starts = True
    assert receive(order, Slots(root), systemd=running).settled.state == "active"
    assert listed.read_text() == (tmp_path / "two.pub").read_text()


def test_programs_that_do_not_answer_end_nothing_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 60)

    monkeypatch.setattr(subprocess, "run", slow)
    systemd = Recorded(tmp_path)
    assert start_and_watch(systemd, page=True).words == "it did not start: it said nothing"
    assert not systemd.state().active
    with pytest.raises(WorkError, match=r"mkdir: no answer within 60 s"):
        systemd.install("[Unit]")


def test_going_back_needs_no_folder_of_the_connection(
    root: Path, running: Alive, make_bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots, older = Slots(root), "# an older kit's\n" + (running.installed() or "")
    (slots.folder / "a" / UNIT).write_text(older)
    running.install(older)
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.setenv("TMPDIR", str(gone))
    monkeypatch.setattr(tempfile, "tempdir", None)

    def cut(systemd: Systemd, page: bool) -> Health:
        gone.rmdir()
        return Health(False, "cut")

    monkeypatch.setattr(settle, "start_and_watch", cut)
    assert went_back(slots, make_bundle(2), running) == "cut"


def test_another_users_service_runs_again(
    root: Path, make_bundle: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "start_and_watch", lambda systemd, page: Health(False, "not well"))
    slots, systemd = Slots(root), Alive(tmp_path)
    theirs = unit_text("/home/pi/.local/share/edgelens", "pi")
    systemd.install(theirs)
    order = Order(str(make_bundle(1)), ("kit-1",), frames=2, service=True)
    answer = receive(order, slots, systemd=systemd)
    assert (answer.settled.went_back, answer.settled.state, answer.runs) == (True, "active", None)
    assert systemd.installed() == theirs
    told = not_healthy("pi", checked_answer("pi", json.dumps(answer.to_json()).encode()))
    assert told.endswith("another user's service ran there before, so another user's service runs")


class Started(Recorded):
    """A service that starts and is this process."""

    def restart(self) -> bool:
        return True

    def state(self) -> State:

        return State(True, os.getpid(), "recognizing")

    def last_words(self) -> str:
        return "nothing"


def test_a_service_that_does_not_answer_is_not_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    limits = HealthLimits(steady_s=0.01, answers_s=0.3)
    assert start_and_watch(Started(tmp_path), page=False, limits=limits).words == "it does not answer how it is"
    with StatusSocket(lambda: {"status": "ok"}, after_s=0):
        while not any(note.pid == os.getpid() for note in running_here()):
            time.sleep(0.01)
        assert start_and_watch(Started(tmp_path), page=False, limits=limits).words == "recognizing"
    assert "serves no page" in start_and_watch(Started(tmp_path), page=True, limits=limits).words
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with note_running(Running(os.getpid(), url)):
            said = start_and_watch(Started(tmp_path), page=True, limits=limits)
            assert not said.ok and "does not answer /v1/health" in said.words

            def busy() -> None:
                client, _ = silent.accept()
                client.recv(1000)
                client.sendall(b"HTTP/1.1 503 busy\r\nContent-Length: 0\r\n\r\n")
                client.close()

            silent.accept()[0].close()  # the one that gave up
            thread = threading.Thread(target=busy)
            thread.start()
            said = start_and_watch(Started(tmp_path), page=True, limits=HealthLimits(0.01, 5))
            thread.join()
            assert said.words == "its health is 503"
