"""What is installed is what the tree holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def packages_in_tree() -> set[str]:
    found = {"edgelens"} | {
        f"edgelens.{p.parent.name}" for p in (ROOT / "edgelens").glob("*/__init__.py") if not p.parent.is_symlink()
    }
    for layer in ("runtime", "devices", "train", "compress"):
        for init in (ROOT / layer).rglob("__init__.py"):
            found.add(".".join(["edgelens", *init.parent.relative_to(ROOT).parts]))
    return found


def test_listed_packages_are_the_tree() -> None:
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == packages_in_tree()


def test_every_folder_of_code_is_a_package() -> None:
    for layer in ("runtime", "devices", "train", "compress"):
        for file in (ROOT / layer).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), f"{file.parent} has code and no __init__.py"


def test_data_files_are_declared() -> None:
    import fnmatch

    declared = PYPROJECT["tool"]["setuptools"]["package-data"]
    for layer in ("runtime", "devices", "train", "compress"):
        for file in (ROOT / layer).rglob("*"):
            if not file.is_file() or file.suffix in {".py", ".pyc"} or "__pycache__" in file.parts:
                continue
            homes = [p for p in file.parents if (p / "__init__.py").exists()]
            assert homes, f"{file} lies in no package"
            package = ".".join(["edgelens", *homes[0].relative_to(ROOT).parts])
            inside = file.relative_to(homes[0]).as_posix()
            patterns = declared.get(package, [])
            assert any(fnmatch.fnmatch(inside, pattern) for pattern in patterns), (
                f"{file} is in no wheel: {package} {inside}"
            )


def test_base_dependencies_stay_light() -> None:
    names = {line.split(">")[0].split("=")[0].split(";")[0].strip() for line in PYPROJECT["project"]["dependencies"]}
    assert names == {"numpy", "click", "tomli"}


def test_device_extras_hold_nothing_of_the_workstation() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    for extra in ("device", "desktop", "onnx", "tflite", "live", "mqtt"):
        for line in extras[extra]:
            assert not any(name in line for name in ("torch", "rich", "matplotlib", "optuna")), (extra, line)


def test_links_for_type_checkers() -> None:
    for layer in ("runtime", "devices", "train", "compress"):
        assert (ROOT / "edgelens" / layer).resolve() == ROOT / layer


def test_the_container_file() -> None:
    """hadolint where it is installed; what matters most, everywhere."""
    text = (ROOT / "Dockerfile").read_text()
    steps = [line.split()[0] for line in text.splitlines() if line and line[0].isupper()]
    assert steps[0] == "FROM"
    assert {"USER", "HEALTHCHECK", "ENTRYPOINT"} <= set(steps)
    assert ":latest" not in text
    assert "USER 10001" in text
    assert "--no-cache-dir" in text
    hadolint = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if hadolint:
        subprocess.run([hadolint, ROOT / "Dockerfile"], check=True)


@pytest.mark.slow
def test_wheel_from_an_sdist_holds_every_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, ROOT]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for layer in ("runtime", "devices", "train", "compress"):
        for file in (ROOT / layer).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert f"edgelens/{file.relative_to(ROOT).as_posix()}" in inside
    assert "edgelens/py.typed" in inside
    assert not any(name.startswith(("tests/", "runtime/", "train/")) for name in inside)
