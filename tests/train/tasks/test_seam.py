"""Nothing but a task's own folder knows what a network answers."""

from __future__ import annotations

import re
from pathlib import Path

TRAIN = Path(__file__).resolve().parents[3] / "train"
OWN, NETWORKS = TRAIN / "tasks", TRAIN / "models"  # in networks attention is a softmax too
KNOWS = re.compile(
    r"""\btask\s*[!=]=\s*["']|["']classify["']|argmax\((1|dim=1|axis=1)\)|softmax\(|["']logits["']|["']val_accuracy["']"""
)
ALLOWED = ["config.py"]  # the default of `--task`


def lines_that_know(folder: Path) -> list[tuple[Path, str]]:
    return [(file, found[0]) for file in sorted(folder.rglob("*.py")) for found in KNOWS.finditer(file.read_text())]


def test_no_other_file_knows_what_is_answered() -> None:
    outside = [(file, said) for file, said in lines_that_know(TRAIN) if not {OWN, NETWORKS} & set(file.parents)]
    assert [str(file.relative_to(TRAIN)) for file, _ in outside] == ALLOWED, outside


def test_the_pattern_finds_what_it_is_for() -> None:
    assert {said for _, said in lines_that_know(OWN)} >= {'"classify"', "argmax(1)", '"logits"', "softmax("}
