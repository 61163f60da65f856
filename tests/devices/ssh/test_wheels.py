"""Which wheels a device gets: pinned, hashed, by its own markers, and from where."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from edgelens.devices.ssh.agent.launch import file_hash, tree_hash
from edgelens.devices.ssh.hello import Hello
from edgelens.devices.ssh.pins import parts_known, pinned, wheel_hashes
from edgelens.devices.ssh.wheel_names import Wheel, fitting, platform_tags
from edgelens.devices.ssh.wheels import Target, cache_folder, fetch_wheels
from edgelens.runtime.errors import DeviceError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).resolve().parents[3]
PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))


def constraints() -> set[tuple[str, str]]:
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9._-]+)==([^;\s]+)", line) for line in lines)
    return {(re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]) for match in found if match}


def test_devices_get_the_tested_versions() -> None:
    for python in PYTHONS:
        for pin in pinned(parts_known(), python):
            assert (pin.name, pin.version) in constraints(), "run tests/board/pin_wheels.py"


def test_a_device_gets_what_the_package_declares() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for part in ("live", "mqtt"):
        declared = {re.split("[<>=]", requirement)[0] for requirement in project["optional-dependencies"][part]}
        assert declared <= {pin.name for pin in pinned([part], (3, 11))}


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_every_pin_has_a_wheel_for_every_device(python: tuple[int, int], machine: str) -> None:
    target = Target(python, machine, "glibc 2.36" if python > (3, 10) else "glibc 2.35")
    wheels = [wheel for file in wheel_hashes() if (wheel := Wheel.of(file))]
    assert len(wheels) == len(wheel_hashes())
    for pin in pinned(parts_known(), python):
        assert target.best([w for w in wheels if (w.name, w.version) == (pin.name, pin.version)]), (pin, target)


def test_markers_are_the_devices() -> None:
    assert "exceptiongroup" in {pin.name for pin in pinned(["live"], (3, 10))}
    assert "exceptiongroup" not in {pin.name for pin in pinned(["live"], (3, 11))}
    assert {pin.version for pin in pinned([], (3, 10)) if pin.name == "numpy"} == {"2.2.6"}


def test_platform_tags_follow_the_boards_glibc() -> None:
    tags = platform_tags("aarch64", "glibc 2.36")
    assert tags[0] == "manylinux_2_36_aarch64"
    assert "manylinux_2_17_aarch64" in tags and "manylinux2014_aarch64" in tags
    with pytest.raises(DeviceError, match="musl"):
        platform_tags("aarch64", "musl 1.2")


@pytest.mark.parametrize(
    ("file", "python", "fits"),
    [
        ("a-1-py3-none-any.whl", (3, 10), True),
        ("a-1-py2.py3-none-any.whl", (3, 13), True),
        ("a-1-py2-none-any.whl", (3, 11), False),
        ("a-1-cp311-cp311-manylinux_2_28_aarch64.whl", (3, 11), True),
        ("a-1-cp311-cp311-manylinux_2_28_aarch64.whl", (3, 12), False),
        ("a-1-cp37-abi3-manylinux_2_28_aarch64.whl", (3, 13), True),
        ("a-1-cp312-abi3-manylinux_2_28_aarch64.whl", (3, 11), False),
        ("a-1-cp311-cp311-manylinux_2_39_aarch64.whl", (3, 11), False),
        ("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", (3, 11), False),
        ("a-1-py3-none-manylinux2014_aarch64.whl", (3, 11), True),
        ("a-1-cp311-cp311t-manylinux_2_28_aarch64.whl", (3, 11), False),
    ],
)
def test_what_a_device_takes(file: str, python: tuple[int, int], fits: bool) -> None:
    wheel = Wheel.of(file)
    assert wheel is not None
    assert (fitting(wheel, python, platform_tags("aarch64", "glibc 2.36")) is not None) == fits


HELLO = Hello((3, 10, 12), "x86_64", "glibc 2.35", "/home/pi", 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Wheels of the user's own, empty but for their names."""
    for pin in pinned(["mqtt"], HELLO.python):
        with zipfile.ZipFile(tmp_path / f"{pin.name.replace('-', '_')}-{pin.version}.1-py3-none-any.whl", "w"):
            pass
    return tmp_path


def test_a_folder_of_ones_own_is_used_and_what_was_not_tested_is_said(folder: Path) -> None:
    said: list[str] = []
    layers = fetch_wheels(HELLO, ["mqtt"], str(folder), said.append)
    assert {layer.path.name.split("-")[0] for layer in layers} == {
        "click", "numpy", "opencv_python_headless", "tomli", "paho_mqtt"
    }  # fmt: skip
    assert "numpy 2.2.6.1 (tested: 2.2.6)" in said[0]


def test_a_folder_that_lacks_one_says_how_it_is_filled(folder: Path) -> None:
    (folder / "paho_mqtt-2.2.0.1-py3-none-any.whl").unlink()
    with pytest.raises(DeviceError, match=r"paho-mqtt.*edgelens devices wheels DIR --python 3.10 --machine x86_64"):
        fetch_wheels(HELLO, ["mqtt"], str(folder), print)


def test_a_wheel_that_is_not_what_was_published_is_refused(folder: Path) -> None:
    (folder / "paho_mqtt-2.2.0.1-py3-none-any.whl").rename(folder / "paho_mqtt-2.2.0-py3-none-any.whl")
    with pytest.raises(DeviceError, match=r"is not the paho-mqtt 2\.2\.0 that was published"):
        fetch_wheels(HELLO, ["mqtt"], str(folder), print)


def test_what_pip_would_bring_is_held_to_its_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An index that gives something else under the tested name."""
    index = tmp_path / "index"
    index.mkdir()
    for file in wheel_hashes():
        with zipfile.ZipFile(index / file, "w") as wheel:
            name, version = file.split("-")[:2]
            wheel.writestr(
                f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            )
            wheel.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    with pytest.raises(DeviceError, match=r"gave no wheels|has no pip"):
        fetch_wheels(HELLO, [], None, lambda _: None)
    assert not list(cache_folder().glob("*.whl"))


def test_a_damaged_cache_is_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    cache_folder().mkdir(parents=True)
    for file in wheel_hashes():
        (cache_folder() / file).write_bytes(b"half")
    with pytest.raises(DeviceError, match=r"gave no wheels|has no pip"):
        fetch_wheels(HELLO, [], None, lambda _: None)


def test_an_unpacked_layer_has_the_hash_that_its_sender_reckons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgelens.devices.ssh.agent.store import Store
    from edgelens.devices.ssh.wheels import Layer

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name in (
            "x/__init__.py",
            "x/__pycache__/y.pyc",
            "x-1.data/purelib/z.py",
            "x-1.data/scripts/x",
            "x-1/RECORD",
        ):
            wheel.writestr(name, name)
    layer = Layer(path, file_hash(str(path)))
    store = Store(str(tmp_path / "device"))
    store.open()
    data = path.read_bytes()
    message = {"key": layer.key, "sha256": layer.sha256, "at": 0, "total": len(data)}
    assert store.put(message, data)
    there = Path(store.site) / layer.key
    assert tree_hash(str(there)) == layer.unpacked_hash()
    (there / "x/__pycache__").mkdir(exist_ok=True)
    (there / "x/__pycache__/y.cpython-311.pyc").write_text("compiled")
    assert tree_hash(str(there)) == layer.unpacked_hash()
    (there / "x/__init__.py").write_text("changed")
    assert tree_hash(str(there)) != layer.unpacked_hash()
    store.close()
    shutil.rmtree(tmp_path / "device")
