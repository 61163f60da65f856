"""The recipe for a new task names what a task has to bring, no more and no less."""

from __future__ import annotations

import ast
import re

import pytest
from import_graph import ROOT, parsed

TABLES = re.findall(
    r"^\| field \| for dots \|\n\|-.*\n((?:\|.*\n)+)",
    (ROOT / "CONTRIBUTING.md").read_text(),
    re.MULTILINE,
)
FLOORS = ("train/task.py", "compress/tasks/task.py", "runtime/tasks/task.py")


def fields(file: str) -> dict[str, bool]:
    """The fields of a floor's Task, and whether each must be given."""
    (task,) = (n for n in parsed(ROOT / file).body if isinstance(n, ast.ClassDef) and n.name == "Task")
    found = [node for node in task.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {node.target.id: node.value is None for node in found if isinstance(node.target, ast.Name)}


@pytest.mark.parametrize(("table", "file"), list(zip(TABLES, FLOORS, strict=True)), ids=FLOORS)
def test_a_floors_table_has_the_fields_of_its_task(table: str, file: str) -> None:
    told = {name for line in table.splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])}
    known = fields(file)
    assert told <= set(known)
    assert {name for name, required in known.items() if required} - {"name"} <= told
