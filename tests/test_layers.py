"""The folders are the layers: imports go one way, and the device side never loads what only a workstation has."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from import_graph import LAYERS, ROOT, circle, import_graph, imports, modules, parsed, rooms

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
    "litert_quantizer",
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
MOST_AT_A_ROOT = 10


def python_files(layer: str) -> list[Path]:
    folder = ROOT / "edgelens" / "cli" if layer == "cli" else ROOT / layer
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("layer", ARROWS)
def test_imports_go_one_way(layer: str) -> None:
    wrong = []
    for path in python_files(layer):
        for line, name in imports(path):
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
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.ImportFrom):
                continue
            depth = len(path.relative_to(ROOT).parts) - 1
            if layer != "cli" and node.level > depth:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: a relative import leaves the layer")
            if layer != "cli" and node.level == 0 and (node.module or "").startswith(f"edgelens.{layer}."):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: inside a layer imports are relative")
    assert not wrong, "\n".join(wrong)


def test_no_files_import_one_another_in_a_circle() -> None:
    found = circle(import_graph())
    assert not found, " → ".join(found)


def test_on_devices_no_file_is_loaded_by_a_name_that_hides_a_circle() -> None:
    wrong = []
    for layer in DEVICE_SIDE:
        for path in python_files(layer):
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                    words = ast.unparse(node)
                    if "__package__" in words or "edgelens." in words:
                        wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {words}")
    assert not wrong, "\n".join(wrong)


def test_no_folders_import_one_another_in_a_circle() -> None:
    files = import_graph()
    found = circle(rooms(files))
    assert not found, " → ".join(found)


@pytest.mark.parametrize("layer", LAYERS)
def test_few_files_lie_at_a_layers_root(layer: str) -> None:
    loose = sorted(path.name for path in (ROOT / layer).iterdir() if path.is_file())
    assert len(loose) <= MOST_AT_A_ROOT, f"{layer}/ has become a pile; give them a folder: {', '.join(loose)}"


def test_a_circle_is_seen_also_where_imports_are_late_or_for_types(tmp_path: Path) -> None:
    """The walker itself: two files that need each other inside functions, and so do their folders."""
    written = {
        "runtime/loop/pace.py": "def f():\n    from ..live.page import draw\n",
        "runtime/live/page.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..loop import heat\n",
        "runtime/loop/heat.py": "import numpy\n",
        "train/loop.py": "def f():\n    import edgelens.train.feed\n",
        "train/feed.py": "from .loop import train\n",
    }
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    files = import_graph(tmp_path)
    assert set(circle(files)) == {"edgelens.train.feed", "edgelens.train.loop"}
    folders = rooms({name: targets for name, targets in files.items() if ".runtime." in name}, tmp_path)
    assert set(circle(folders)) == {"runtime/live", "runtime/loop"}
    assert set(files) == set(modules(tmp_path))


@pytest.mark.parametrize("layer", DEVICE_SIDE)
def test_device_side_names_no_workstation_package(layer: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in python_files(layer)
        for line, name in imports(path)
        if name.split(".")[0] in WORKSTATION
    ]
    assert not wrong, "\n".join(wrong)


def test_device_side_tests_need_nothing_of_the_workstation_at_their_top() -> None:
    """They run with the device side alone: one that also trains says inside itself what it is skipped without."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for layer in DEVICE_SIDE
        for path in sorted((ROOT / "tests" / layer).rglob("*.py"))
        for line, name in imports(path, late=False)
        if name.startswith(("edgelens.train", "edgelens.compress"))
    ]
    assert not wrong, "\n".join(wrong)


DEVICE_VERBS = (
    *("run", "teach", "gallery", "serve", "collect", "evaluate", "verify", "inspect", "chain"),
    *("bench", "devices", "doctor", "deploy", "rollback", "sign", "status"),
)


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


def test_running_the_demo_loads_nothing_of_the_workstation_and_no_data_sets() -> None:
    script = (
        "import sys\n"
        "sys.argv = ['edgelens', 'run', '--source', 'demo', '--duration', '1', '--no-preview']\n"
        "from edgelens.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print(*sorted(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.splitlines()[-1].split()
    assert not WORKSTATION & {name.split(".")[0] for name in loaded}
    unneeded = (
        "edgelens.runtime.datasets.",
        "edgelens.runtime.model.later_steps",
        "edgelens.runtime.tasks.canvas",
        "xml.",
    )
    assert not [name for name in loaded if name.startswith(unneeded)]  # start-up pays for each
