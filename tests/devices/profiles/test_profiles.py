"""Profiles: all there, whole, and matched to the machine they describe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.devices.here import features_of, this_machine
from edgelens.devices.profile import load_profile, parse_profile, profile_names
from edgelens.runtime.errors import UsageError

BOARDS = {
    "Raspberry Pi Zero 2 W Rev 1.0": "rpi-zero2w",
    "Raspberry Pi 3 Model B Plus Rev 1.3": "rpi3",
    "Raspberry Pi 4 Model B Rev 1.4": "rpi4",
    "Raspberry Pi 5 Model B Rev 1.0": "rpi5",
    "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super": "jetson-orin-nano",
    "NVIDIA Jetson Orin NX Engineering Reference Developer Kit": "jetson-orin-nx",
    "NVIDIA Jetson Nano Developer Kit": "jetson-nano",
    "Orange Pi 5": "aarch64",
}


def tree(root: Path, model: str, features: str = "fp asimd crc32") -> Path:
    base = root / "sys/firmware/devicetree/base"
    base.mkdir(parents=True)
    (base / "model").write_bytes(model.encode() + b"\0")
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_text(
        "".join(f"processor\t: {i}\nFeatures\t: {features}\nCPU part\t: 0xd0b\n\n" for i in range(4))
    )
    (root / "proc/meminfo").write_text("MemTotal:        3884052 kB\n")
    return root


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_is_whole(name: str) -> None:
    profile = load_profile(name)
    assert profile.cores > 0
    assert profile.best_engine in profile.engines
    assert profile.run_on in ("never", "emulated", "hardware")
    assert profile.bandwidth_gbs > 0


@pytest.mark.parametrize(("model", "name"), BOARDS.items())
def test_a_board_is_known_by_its_device_tree(tmp_path: Path, model: str, name: str) -> None:
    machine = this_machine(tree(tmp_path, model), machine="aarch64")
    assert (machine.profile, machine.model, machine.cores, machine.cpu) == (name, model, 4, "Cortex-A76")
    assert machine.memory_mb == 3793


def test_compatible_wins_over_the_model_line(tmp_path: Path) -> None:
    root = tree(tmp_path, "Some carrier board")
    (root / "sys/firmware/devicetree/base/compatible").write_bytes(b"nvidia,p3768-0000+p3767-0001\0nvidia,tegra234\0")
    (root / "etc").mkdir()
    (root / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic\n")
    machine = this_machine(root, machine="aarch64")
    assert (machine.profile, machine.release) == ("jetson-orin-nx", "L4T 36.4.3")


def test_features_are_those_every_core_has() -> None:
    assert features_of("Features\t: asimd asimddp asimdhp\n\nFeatures\t: asimd\n") == ("neon",)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"coers": 4}, "'coers' is no key"), ({"cores": "4"}, "cores must be int"), ({"engines": [1]}, "engines must be")],
)
def test_a_wrong_profile_names_its_key(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_profile("odd", change)


def test_the_verb_lists_shows_and_says_where_it_is() -> None:
    run = CliRunner().invoke
    assert "rpi-zero2w" in run(cli, ["devices"]).output
    shown = json.loads(run(cli, ["devices", "rpi5", "--json", "-"]).output)
    assert "dotprod" in shown["features"]
    assert shown["published"][0]["source"].startswith("https://")
    here = json.loads(run(cli, ["devices", "--here", "--json", "-"]).output)
    assert here["profile"] in profile_names()
    assert here["cores"] >= 1
    assert isinstance(run(cli, ["devices", "rpi9"]).exception, UsageError)
    assert "ask for one of them" in str(run(cli, ["devices", "rpi5", "--here"]).exception)


def test_a_c_library_that_is_no_version_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    words = ["devices", "wheels", str(tmp_path / "wheels"), "--glibc", "abc"]
    assert "--glibc abc: write 2.36" in str(CliRunner().invoke(cli, words).exception)


def test_a_profile_names_no_sensor() -> None:
    """Sensors are found where they are, by the probes; what a profile said of them nothing would read."""
    for name in profile_names():
        said = CliRunner().invoke(cli, ["devices", name]).output
        assert "sys/" not in said and "vcgencmd" not in said
