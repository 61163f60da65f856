"""Every file, folder and dotted name of the kit that a document names is there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from import_graph import ROOT, imports, modules, parsed, top_level_names

TOPS = ("runtime", "train", "compress", "devices", "edgelens", "tests", "benchmarks", "docs")
# a path from the root, wherever it stands; NAME, <class> and … are placeholders and no part of one
PATH = re.compile(rf"(?<![\w/.<>{{}}*-])((?:{'|'.join(TOPS)})/[\w./-]*\w/?)(?![\w<>{{}}*…])")
DOTTED = re.compile(r"(?<![\w/.])edgelens(?:\.[A-Za-z_]\w*)+")


def documents() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and name != "CHANGELOG.md"]


def resolves(dotted: str) -> bool:
    """Whether a dotted name is a module of the kit, or something that one defines or imports."""
    known = modules()
    if dotted in known:
        return True
    home, _, name = dotted.rpartition(".")
    if home not in known:
        return home.count(".") > 0 and resolves(home)  # a method, a field
    brought = {target.rpartition(".")[2] for _, target in imports(known[home])}
    return name in top_level_names(parsed(known[home])) | brought


def named(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """What a pattern finds, each with the document that says it."""
    for document in documents():
        for found in pattern.findall(document.read_text()):
            yield str(document.relative_to(ROOT)), found


def test_paths_are_there() -> None:
    gone = [f"{document}: {path}" for document, path in named(PATH) if not (ROOT / path).exists()]
    assert not gone, "\n".join(gone)


def test_dotted_names_are_there() -> None:
    gone = [f"{where}: {name}" for where, name in named(DOTTED) if name != "edgelens.service" and not resolves(name)]
    assert not gone, "\n".join(gone)


def test_what_is_gone_is_seen() -> None:
    assert PATH.findall("see `runtime/bundle.py`, x/runtime/y.py and train/<class>/a.jpg") == ["runtime/bundle.py"]
    assert resolves("edgelens.runtime.preprocess.fit_frame")
    assert resolves("edgelens.compress.compress_run")
    assert not resolves("edgelens.runtime.bundle_archive")
    assert not resolves("edgelens.runtime.preprocess.resize_it")
