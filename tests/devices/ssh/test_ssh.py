"""The SSH side's parts that need no board."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgelens.devices.remote import send_input
from edgelens.devices.ssh import agent
from edgelens.devices.ssh import connection as connection_module
from edgelens.devices.ssh.agent.store import Store, placed
from edgelens.devices.ssh.agent.wire import RefusedError
from edgelens.devices.ssh.connection import Connection, ssh_command
from edgelens.devices.ssh.environment import _bring, bring, forget_unused
from edgelens.devices.ssh.failures import explain
from edgelens.devices.ssh.kit import pack_kit
from edgelens.devices.ssh.pins import pinned
from edgelens.devices.ssh.wheels import Layer
from edgelens.runtime.errors import DeviceError, UsageError

if sys.version_info >= (3, 11):
    pass
else:
    pass


def test_the_users_own_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGELENS_SSH_COMMAND", raising=False)
    assert ssh_command("pi@host")[0] == "ssh"
    monkeypatch.setenv("EDGELENS_SSH_COMMAND", "ssh -J 'jump host'")
    assert ssh_command("pi@host") == ["ssh", "-J", "jump host", "pi@host"]


@pytest.mark.parametrize("host", ["", "-oProxyCommand=x", "a b"])
def test_a_host_is_never_an_option(host: str) -> None:
    with pytest.raises(UsageError):
        ssh_command(host)


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        (
            "@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.",
            "ssh-keygen -R pi5",
        ),
        ("Host key verification failed.", "not known yet"),
        ("me@pi5: Permission denied (publickey).", "wrong user or key"),
        ("ssh: Could not resolve hostname pi5: Name or service not known", "no device of that name"),
        ("ssh: connect to host pi5 port 22: Connection refused", "no SSH server"),
        ("ssh: connect to host pi5 port 22: No route to host", "does not answer"),
        ("bash: line 1: exec: python3: not found", "no python3"),
        ("Connection to pi5 closed by remote host.", "lost while verifying"),
    ],
)
def test_what_ssh_says_in_one_line(stderr: str, words: str) -> None:
    line = explain("me@pi5", stderr, 255, "verifying")
    assert words in line
    assert "\n" not in line


def test_the_kit_travels_without_the_workstations_half() -> None:
    _, data, digest = pack_kit()
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert pack_kit()[2] == digest
    assert "edgelens/runtime/bundle/bundle.py" in names
    assert "edgelens/devices/profiles/rpi4.toml" in names
    assert not [name for name in names if name.startswith(("edgelens/train", "edgelens/compress")) or "pycache" in name]
    assert len(data) < 8_000_000


def test_the_agent_is_understood_by_old_pythons() -> None:
    import ast

    files = sorted(Path(agent.__file__).parent.glob("*.py"))
    assert len(files) > 3
    for file in files:
        tree = ast.parse(file.read_text(), feature_version=(3, 7))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
        imported = {alias.name.split(".")[0] for node in imports for alias in node.names}
        imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
        assert imported <= sys.stdlib_module_names, file


@pytest.fixture
def near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A host whose shell is this machine's, reached by no network."""
    monkeypatch.setenv("EDGELENS_SSH_COMMAND", "sh -c 'echo welcome; eval \"$1\"'")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # its python3 is this one
    return "near"


def test_a_connection_carries_files_and_words_both_ways(near: str, tmp_path: Path) -> None:
    said: list[tuple[int, bytes]] = []
    program = "import sys; print(open('in').read()); open('out', 'w').write('back'); sys.exit(3)"
    with Connection(near) as connection:
        assert connection.hello.python == sys.version_info[:3]
        connection.send({"do": "write", "path": "in"}, b"there ")
        connection.send({"do": "write", "path": "in", "append": True}, b"and")
        code = connection.run(["{python}", "-c", program], {}, lambda number, data: said.append((number, data)))
        assert (code, b"".join(data for number, data in said if number == 1)) == (3, b"there and\n")
        assert connection.fetch("out") == b"back"
        assert connection.fetch("nothing") is None
        with pytest.raises(DeviceError, match="near: a path outside the work folder was asked for"):
            connection.fetch("../../../etc/passwd")
    assert not list((tmp_path / "edgelens" / "work").iterdir())


def test_login_scripts_may_leave_a_line_open(near: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGELENS_SSH_COMMAND", "sh -c 'printf title; eval \"$1\"'")
    monkeypatch.setattr(connection_module, "_GREETS_WITHIN_S", 5)
    with Connection(near) as connection:
        assert connection.hello.bits == 64


def test_weights_beside_a_model_travel_with_it(near: str, split_onnx: Path) -> None:
    ort = pytest.importorskip("onnxruntime")
    with Connection(near) as connection:
        send_input(connection, split_onnx, "in/add.onnx")
        there = connection.fetch("in/add.onnx")
    (answer,) = ort.InferenceSession(there).run(None, {"x": np.zeros((1, 3, 8, 8), np.float32)})
    assert answer.sum() == 192


def test_wheels_unpack_to_their_library_parts() -> None:
    assert placed("numpy/core.so") == "numpy/core.so"
    assert placed("x-1.data/purelib/x/y.py") == "x/y.py"
    assert placed("x-1.data/scripts/x") is None
    for name in ("../evil", "/evil", "a/../../evil", "folder/"):
        assert placed(name) is None


def test_a_damaged_wheel_is_not_unpacked(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.open()
    message = {"key": "x-1", "sha256": "0" * 64, "at": 0, "total": 4}
    with pytest.raises(RefusedError, match="damaged"):
        store.put(message, b"abcd")
    assert not list((tmp_path / "incoming").iterdir())
    with pytest.raises(RefusedError, match="outside"):
        store.inside("../../etc")
    store.close()


@pytest.fixture
def wheel(tmp_path: Path) -> Layer:
    """A wheel of two files."""
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pkg/a.py", "x = 1\n" * 500)
        archive.writestr("pkg/b.py", "y = 1\n" * 500)
    return Layer(path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("there", ["half", "whole", "more", "other"])
def test_what_lies_there_of_a_wheel_is_gone_on_with(near: str, tmp_path: Path, wheel: Layer, there: str) -> None:
    data, root = wheel.path.read_bytes(), tmp_path / "edgelens"
    (root / "incoming").mkdir(parents=True)
    lies = {"half": data[:99], "whole": data, "more": data + b"x", "other": b"x" * len(data)}[there]
    (root / "incoming" / wheel.key).write_bytes(lies)
    (root / "site/old-1.partial").mkdir(parents=True)  # what a power failure left
    with contextlib.ExitStack() as stack:
        if there == "other":
            stack.enter_context(pytest.raises(DeviceError, match="arrived damaged: try again"))
        with Connection(near) as connection:
            _bring(connection, wheel, lambda _: None)
    with Connection(near) as connection:
        if there == "other":
            _bring(connection, wheel, lambda _: None)
    assert os.listdir(root / "site") == [wheel.key] and os.listdir(root / "site" / wheel.key / "pkg")
    assert not os.listdir(root / "incoming")


def test_a_layer_that_was_changed_is_not_run(near: str, tmp_path: Path, wheel: Layer) -> None:
    there, words = tmp_path / "edgelens/site" / wheel.key, ["{python}", "-c", "import pkg.a; print(pkg.a.__cached__)"]
    said: list[bytes] = []
    with Connection(near) as connection:
        _bring(connection, wheel, lambda _: None)
        assert connection.run(words, {wheel.key: wheel.unpacked_hash()}, lambda _, data: said.append(data)) == 0
    compiled = tmp_path / "edgelens/compiled" / str(there).lstrip("/")
    assert b"".join(said).decode().startswith(str(compiled))  # not in the layer, where nobody looks
    (there / "more.py").touch()
    for known, line in ((wheel.unpacked_hash(), "is not what was brought there"), ("", "anew")):
        with Connection(near) as connection, pytest.raises(DeviceError, match=line):
            connection.run(words, {wheel.key: known}, lambda *_: None)
    compiled.mkdir(parents=True, exist_ok=True)
    with Connection(near) as connection:
        forget_unused(connection)
    assert not there.exists() and not compiled.exists()


def test_two_that_bring_one_wheel_do_not_spoil_it(tmp_path: Path, wheel: Layer) -> None:
    data = wheel.path.read_bytes()
    first, second = Store(str(tmp_path / "store")), Store(str(tmp_path / "store"))
    first.open()
    second.open()

    def put(store: Store, start: int, end: int) -> bool:
        message = {"key": wheel.key, "sha256": wheel.sha256, "at": start, "total": len(data)}
        return store.put(message, data[start:end])

    assert not put(first, 0, 100)
    for start in (0, 50):
        with pytest.raises(RefusedError, match="another connection"):
            put(second, start, 150)
    assert not put(first, 100, 200)
    assert put(first, 200, len(data))
    assert put(second, 150, 200)
    assert os.listdir(first.site) == [wheel.key] and not os.listdir(first.incoming)
    first.close()
    second.close()


def test_a_layer_half_unpacked_or_half_removed_is_none(
    tmp_path: Path, wheel: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, store = wheel.path.read_bytes(), Store(str(tmp_path / "store"))
    message = {"key": wheel.key, "sha256": wheel.sha256, "at": 0, "total": len(data)}
    store.open()
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "open", full)
        with pytest.raises(OSError, match="No space"):
            store.put(message, data)
    assert not os.listdir(store.site) and os.listdir(store.incoming) == [wheel.key]
    assert store.put({**message, "at": len(data)}, b"")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # the power goes
        store.forget(wheel.key)
    assert not store.layers() and os.listdir(store.site)
    store.close()
    store.open()
    assert not os.listdir(store.site)
    store.close()


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def stub_wheels(folder: Path, version: str) -> str:
    """Wheels of one's own, of this Python's names and a version that was never tested."""
    folder.mkdir()
    for pin in pinned(["mqtt"], sys.version_info):
        with zipfile.ZipFile(folder / f"{pin.name.replace('-', '_')}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{pin.name.replace('-', '_')}/__init__.py", version)
    return str(folder)


def test_layers_that_nothing_needs_leave(near: str, tmp_path: Path) -> None:
    def names() -> list[str]:
        return sorted(key.rpartition("-")[0] for key in os.listdir(tmp_path / "edgelens/site"))

    with Connection(near) as connection:
        first = bring(connection, ["mqtt"], stub_wheels(tmp_path / "one", "1"), lambda _: None)
        everything = names()
    slot = tmp_path / "edgelens/slots/a"
    slot.mkdir(parents=True)
    kept = next(layer.key for layer in first if layer.key.startswith("numpy"))
    (slot / "slot.json").write_text(json.dumps({"layers": [kept]}))
    with Connection(near) as connection:  # replaced ones leave at once, but for the one that a slot runs on
        bring(connection, ["mqtt"], stub_wheels(tmp_path / "two", "2"), lambda _: None)
        assert names() == sorted([*everything, "numpy"])
    with Connection(near) as connection:
        assert kept in connection.hello.layers
        forget_unused(connection)
    assert os.listdir(tmp_path / "edgelens/site") == [kept]
