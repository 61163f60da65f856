"""Nothing but a task's own files and the catalogs knows which task it is."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("runtime", "train", "compress", "devices", "edgelens/cli")
OWN = ("runtime/tasks/", "runtime/decode/", "train/tasks/", "compress/tasks/")  # tasks, and decoders of their outputs
# what names a task for another reason than to ask for it
DEFAULTS = {
    "runtime/bundle/manifest.py": "the decoder that a manifest without one means, and the tasks that format 1 can hold",
    "runtime/recognitions.py": "the optional column itself, behind `places` and `has_place`",
    "train/config.py": "the task of a training that names none",
}
TASKS = {"classify", "detect", "identify"}


def files() -> list[Path]:
    found = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    return [path for path in found if not str(path.relative_to(ROOT)).startswith(OWN)]


def asks_for_a_task(tree: ast.AST) -> list[str]:
    """Comparisons with a task, tasks' names as text, and columns that stand for a task compared with None."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            names = {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts}
            constant = any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in parts)
            none = any(isinstance(part, ast.Constant) and part.value is None for part in parts)
            if ("task" in names and constant) or ("boxes" in names and none):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Constant) and node.value in TASKS:
            found.append(f"line {node.lineno}: {node.value!r}")
        elif isinstance(node, ast.Call) and ast.unparse(node).endswith(".argmax(1)") and "logits" in ast.unparse(node):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def test_no_file_outside_the_tasks_asks_which_task_it_is():
    found = {
        str(path.relative_to(ROOT)): asked
        for path in files()
        if (asked := asks_for_a_task(ast.parse(path.read_text("utf-8"))))
    }
    assert {name: asked for name, asked in found.items() if name not in DEFAULTS} == {}
    assert set(DEFAULTS) <= set(found), "a default that is gone needs no excuse any more"


@pytest.mark.parametrize(
    "code",
    ["if network.task == 'classify': pass", "x = {'detect': 1}", "if seen.boxes is None: pass", "a = logits.argmax(1)"],
)
def test_the_test_sees_what_it_looks_for(code):
    assert asks_for_a_task(ast.parse(code))
