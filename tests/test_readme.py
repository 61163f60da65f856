"""Every command that the documents show is one that the command line takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from edgelens.cli import VERBS, cli
from edgelens.cli.bench_compare import command as compare
from edgelens.cli.devices import prepare, wheels

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [ROOT / "docs", ROOT / "benchmarks", ROOT / "tests"]
# verbs of a verb
OWN: dict[tuple[str, ...], click.Command] = {
    ("bench", "compare"): compare,
    ("devices", "prepare"): prepare,
    ("devices", "wheels"): wheels,
}
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *(file for folder in FOLDERS for file in sorted(folder.rglob("*.md")))]


def commands(document: Path) -> list[str]:
    """What calls edgelens in blocks, fenced or indented (continued lines joined, comments cut), and in sentences."""
    text = document.read_text()
    fenced = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    indented = re.findall(r"^ {4}((?:\$ )?edgelens .*(?:\\\n.*)*)", prose, re.MULTILINE)
    said = [" ".join(span.split()) for span in re.findall(r"`(edgelens [^`]+)`", prose)]
    lines = "\n".join([*fenced, *indented, *said]).replace("\\\n", " ").splitlines()
    found = []
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        names = [i for i, word in enumerate(words) if word == "edgelens" or word.endswith("/bin/edgelens")]
        found += [shlex.join(words[i + 1 :]) for i in names if words[i + 1 : i + 2] and words[i + 1].isalpha()]
    return found


SHOWN = [(str(document.relative_to(ROOT)), line) for document in DOCUMENTS for line in commands(document)]


def test_the_readme_shows_commands() -> None:
    assert sum(name == "README.md" for name, _ in SHOWN) >= 10


@pytest.mark.parametrize(("document", "line"), SHOWN)
def test_command_is_taken(document: str, line: str) -> None:
    verb, *rest = shlex.split(line)
    assert verb in VERBS, f"{document} shows `edgelens {line}`; there is no such verb"
    command = OWN.get((verb, *rest[:1])) or cli.get_command(click.Context(cli), verb)
    assert command is not None
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    known.add("--help")
    if isinstance(command, click.Group):
        known |= {o for sub in command.commands.values() for p in sub.params for o in (*p.opts, *p.secondary_opts)}
    texts = {i + 1 for i, word in enumerate(rest) if word == "--run-options"}  # which holds options of `run`
    for i in texts:
        test_command_is_taken(document, f"run {rest[i]}")
    words = [word for i, word in enumerate(rest) if i not in texts]
    unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
    assert not unknown, f"{document} shows `edgelens {line}`; {verb} has no {unknown}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_point_at_something(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def figures(document: Path) -> list[tuple[str, str]]:
    """What was measured and the command that measures it, row by row."""
    tables = re.findall(r"^\| what \| measured \| command \|\n\|-.*\n((?:\|.*\n)+)", document.read_text(), re.MULTILINE)
    rows = [line.strip("| \n").split(" | ") for table in tables for line in table.splitlines()]
    return [(row[1], row[2]) for row in rows]


def test_the_readmes_figures_are_those_of_the_whole_list() -> None:
    shown, listed = figures(ROOT / "README.md"), figures(ROOT / "docs" / "figures.md")
    assert len(shown) == 8
    assert not set(shown) - set(listed)
    assert f"[{len(listed)} figures](docs/figures.md)" in (ROOT / "README.md").read_text()
