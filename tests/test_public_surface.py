"""The public surface, pinned: a change here is a decision, not an accident."""

from __future__ import annotations

import inspect

import click
import pytest
from click.testing import CliRunner

import edgelens
from edgelens.cli import VERBS, cli


def test_public_names() -> None:
    assert edgelens.__all__ == [
        "Bundle",
        "EdgelensError",
        "Frame",
        "Recognitions",
        "Recognizer",
        "Result",
        "__version__",
    ]
    for name in edgelens.__all__:
        assert getattr(edgelens, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Recogniser'"):
        _ = edgelens.Recogniser


def test_verbs() -> None:
    assert set(VERBS) == {
        "make",
        "run",
        "teach",
        "gallery",
        "collect",
        "label",
        "train",
        "tune",
        "explain",
        "compress",
        "bundle",
        "chain",
        "inspect",
        "verify",
        "evaluate",
        "bench",
        "devices",
        "doctor",
        "deploy",
        "rollback",
        "sign",
        "serve",
        "status",
        "completion",
    }


def test_recognizer_signature() -> None:
    run_options = "model engine precision threads threshold false_accepts region device_id"
    model_options = "labels mean std color resize pad input_size decoder iou max_det classes tile lexicon pattern"
    assert list(inspect.signature(edgelens.Recognizer).parameters) == f"{run_options} {model_options}".split()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_helps(verb: str) -> None:
    shown = CliRunner().invoke(cli, [verb, "--help"])
    assert shown.exit_code == 0, shown.output
    assert "Usage:" in shown.output


@pytest.mark.parametrize("verb", ["train", "evaluate"])
def test_what_takes_boxes_names_their_formats(verb: str) -> None:
    shown = CliRunner().invoke(cli, [verb, "--help"]).output
    named = [
        name for name in ("VOC", "COCO", "YOLO", "CVAT", "Label Studio", "CSV") if name not in " ".join(shown.split())
    ]
    assert not named


# an option of DESIGN.md's one grammar → the verbs that must take it, with the same meaning
GRAMMAR = {
    "--json": [
        "run",
        "train",
        "tune",
        "compress",
        "verify",
        "evaluate",
        "inspect",
        "bench",
        "devices",
        "doctor",
        "deploy",
        "status",
    ],
    "--engine": ["run", "verify", "evaluate", "bench", "serve"],
    "--precision": ["run", "verify", "evaluate", "serve"],
    "--threads": ["run", "evaluate", "serve", "train"],
    "--labels": ["run", "evaluate", "serve", "bundle", "compress"],
    "--threshold": ["run", "evaluate", "serve"],
    "--duration": ["run"],
    "--on": ["run", "verify", "evaluate", "bench", "doctor", "rollback", "status"],
}


@pytest.mark.parametrize(("option", "verb"), [(option, verb) for option, verbs in GRAMMAR.items() for verb in verbs])
def test_one_grammar(option: str, verb: str) -> None:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    assert option in {name for parameter in command.params for name in parameter.opts}, f"{verb} lacks {option}"


def test_an_unknown_verb_is_one_line_and_exit_2() -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-m", "edgelens", "recognise"], capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "recognise" in done.stderr
