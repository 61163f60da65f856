"""The folders are the layers: imports go one way, and the device side never loads what only a workstation has."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# layer → the layers that it may import
ARROWS = {
    "runtime": set(),
    "devices": {"runtime"},
    "train": {"runtime"},
    "compress": {"runtime", "train", "devices"},
    "cli": {"runtime", "train", "compress", "devices"},
}
WORKSTATION = {
    "torch",
    "onnx",
    "matplotlib",
    "litert_torch",
    "ai_edge_quantizer",
    "torch_pruning",
    "optuna",
    "rich",
    "PIL",
    "scipy",
    "sklearn",
    "safetensors",
    "pandas",
    "transformers",
    "jax",
    "tensorflow",
}
DEVICE_SIDE = ("runtime", "devices")


def python_files(layer: str) -> list[Path]:
    folder = ROOT / "edgelens" / "cli" if layer == "cli" else ROOT / layer
    return sorted(folder.rglob("*.py"))


def imports(path: Path, package: list[str]) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything a file imports, in functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.ImportFrom):
            home = package[: len(package) - node.level + 1]
            yield node.lineno, ".".join([*home, node.module or ""]).rstrip(".")


def package_of(path: Path) -> list[str]:
    return ["edgelens", *path.relative_to(ROOT).with_suffix("").parts[:-1]]


@pytest.mark.parametrize("layer", ARROWS)
def test_imports_go_one_way(layer: str) -> None:
    wrong = []
    for path in python_files(layer):
        for line, name in imports(path, package_of(path)):
            parts = name.split(".")
            if parts[0] == "edgelens" and len(parts) > 1 and parts[1] in ARROWS:
                target = parts[1]
                if target != layer and target not in ARROWS[layer]:
                    wrong.append(f"{path.relative_to(ROOT)}:{line}: {name}")
    assert not wrong, f"{layer} may import only {sorted(ARROWS[layer])}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("layer", ARROWS)
def test_crossings_are_absolute_and_the_rest_relative(layer: str) -> None:
    wrong = []
    for path in python_files(layer):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom):
                continue
            depth = len(path.relative_to(ROOT).parts) - 1
            if layer != "cli" and node.level > depth:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: a relative import leaves the layer")
            if layer != "cli" and node.level == 0 and (node.module or "").startswith(f"edgelens.{layer}."):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: inside a layer imports are relative")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("layer", DEVICE_SIDE)
def test_device_side_names_no_workstation_package(layer: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in python_files(layer)
        for line, name in imports(path, package_of(path))
        if name.split(".")[0] in WORKSTATION
    ]
    assert not wrong, "\n".join(wrong)


DEVICE_VERBS = ("run", "evaluate", "verify", "bench", "doctor", "inspect", "devices")


@pytest.mark.parametrize(
    "statement",
    [
        "import edgelens.runtime",
        "import edgelens.runtime.api, edgelens.runtime.loop.loop, edgelens.runtime.model.open",
        *(f"import edgelens.cli.{verb}" for verb in DEVICE_VERBS),
    ],
)
def test_nothing_of_the_workstation_is_loaded_on_the_device(statement: str) -> None:
    script = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not WORKSTATION & set(loaded)


def test_running_the_demo_loads_nothing_of_the_workstation() -> None:
    script = (
        "import sys\n"
        "sys.argv = ['edgelens', 'run', '--source', 'demo', '--duration', '1', '--no-preview']\n"
        "from edgelens.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not WORKSTATION & set(done.stdout.splitlines()[-1].split())
