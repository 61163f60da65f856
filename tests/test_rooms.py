"""The house explains itself: each folder says what lives in it, and what is looked for lies where one would look."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from import_graph import LAYERS, ROOT, parsed, top_level_names

LEAST_WORDS = 6  # of a folder's sentence; "Helpers." explains nothing


def folders_of_code() -> list[Path]:
    """Every folder of the package, the face's and the layers'."""
    found = {ROOT / "edgelens", ROOT / "edgelens" / "cli"}
    for layer in LAYERS:
        found |= {file.parent for file in (ROOT / layer).rglob("*.py")}
    return sorted(found)


def other_folders() -> list[Path]:
    """Every other folder that is kept, and its parents; nothing hidden."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout")
    files = [Path(name) for name in listed.stdout.split("\0") if name and not name.startswith(".")]
    folders = {folder for file in files for folder in file.parents if folder != Path()}
    return sorted(folders - {folder.relative_to(ROOT) for folder in folders_of_code()})


@pytest.mark.parametrize("folder", folders_of_code(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_of_code_says_what_lives_there(folder: Path) -> None:
    said = ast.get_docstring(parsed(folder / "__init__.py")) or ""
    assert len(said.split()) >= LEAST_WORDS, f"{folder.relative_to(ROOT)}/__init__.py says {said!r}"


def explained(folder: Path) -> bool:
    """Whether a folder mirrors one of the kit's, has a README, or is named by what explains the folder around it."""
    inside = Path(*folder.parts[1:])
    mirrors = folder.parts[0] == "tests" and any((ROOT / home / inside).is_dir() for home in (".", "edgelens"))
    if (mirrors and inside != Path()) or (ROOT / folder / "README.md").exists():
        return True
    around = ROOT / folder.parent
    said = ast.get_docstring(parsed(around / "__init__.py")) if (around / "__init__.py").exists() else ""
    said = (said or "") + ((around / "README.md").read_text() if (around / "README.md").exists() else "")
    return f"`{folder.name}/`" in said


def test_every_other_folder_is_explained() -> None:
    silent = [str(folder) for folder in other_folders() if not explained(folder)]
    assert not silent, f"these say nothing of themselves: {', '.join(silent)}"


# what is looked for → the files that hold it, each with what it is called there
GUESSES = {
    "where is a frame resized": {"runtime/preprocess.py": "fit_frame"},
    "where is a layer pruned": {"compress/prune/channels.py": "prune_channels"},
    "where is the Pi 5": {"devices/profiles/rpi5.toml": 'title = "Raspberry Pi 5"'},
    "where is the camera loop": {"runtime/loop/loop.py": "watch"},
    "where is a result made JSON": {"runtime/result.py": "Result.to_json"},
    "where is unknown decided": {"runtime/decode/classify.py": "ranked"},
    "where is a checkpoint written": {"train/runs/checkpoint.py": "save_state"},
    "where is a decoder added": {"runtime/decode/catalog.py": "DECODERS"},
    "where is a task added": {f"{layer}/tasks/catalog.py": "TASKS" for layer in ("train", "compress", "runtime")},
}


def defined(file: Path) -> set[str]:
    """The names that a module defines at its top, and its classes' methods as `Class.method`."""
    classes = [node for node in parsed(file).body if isinstance(node, ast.ClassDef)]
    methods = {f"{c.name}.{inner.name}" for c in classes for inner in c.body if isinstance(inner, ast.FunctionDef)}
    return top_level_names(parsed(file)) | methods


@pytest.mark.parametrize("question", GUESSES)
def test_one_guess_finds_it(question: str) -> None:
    for name, held in GUESSES[question].items():
        file = ROOT / name
        assert file.exists(), f"{question}? Not in {name} any more"
        there = held in (defined(file) if file.suffix == ".py" else file.read_text().splitlines())
        assert there, f"{question}? {name} does not hold {held} any more"


def test_the_guesses_are_told_in_the_architecture() -> None:
    told = (ROOT / "docs" / "architecture.md").read_text()
    missing = [name for files in GUESSES.values() for name in files if f"`{name}`" not in told]
    assert not missing, f"docs/architecture.md does not name {', '.join(missing)}"


def test_no_other_file_claims_what_a_guess_finds() -> None:
    """A second `prune_channels` or `TASKS` elsewhere would make two guesses of one."""
    for question, files in GUESSES.items():
        wanted = {held for name, held in files.items() if name.endswith(".py") and re.fullmatch(r"\w{6,}", held)}
        for layer in LAYERS:
            for file in (ROOT / layer).rglob("*.py"):
                twice = wanted & defined(file) if str(file.relative_to(ROOT)) not in files else set()
                assert not twice, f"{question}? {file.relative_to(ROOT)} defines {', '.join(twice)} too"


# each of these once meant two or three things at a time, as a class or as a function at a file's top
TOLD_APART = ("Feed", "ModelOptions", "Pictures", "Slot", "Plan", "Choice", "Point", "fit", "finish", "choose_file")


@pytest.mark.parametrize("name", TOLD_APART)
def test_a_name_that_was_told_apart_means_one_thing(name: str) -> None:
    made = (ast.ClassDef, ast.FunctionDef)
    homes = [
        str(file.relative_to(ROOT))
        for layer in LAYERS
        for file in (ROOT / layer).rglob("*.py")
        if any(isinstance(node, made) and node.name == name for node in parsed(file).body)
    ]
    assert len(homes) <= 1, f"{name} is {' and '.join(sorted(homes))}"
