"""What a network's outputs are called is the business of its task: no other file of compression says a name."""

import ast
from pathlib import Path

import edgelens.compress
from edgelens.compress.tasks.catalog import TASKS

HOME = Path(edgelens.compress.__file__).parent


def names_in(source: str) -> set[str]:
    """The texts of a program that are no docstrings."""
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)} - {None}


def test_no_file_outside_the_tasks_names_an_output():
    known = {name for load in TASKS.values() for name in load().outputs}
    assert known >= {"logits"}
    found = {
        str(path.relative_to(HOME)): said
        for path in HOME.rglob("*.py")
        if path.parent.name != "tasks" and (said := known & names_in(path.read_text("utf-8")))
    }
    assert found == {}
    assert names_in('def f(outputs=("logits",)): ...') & known
