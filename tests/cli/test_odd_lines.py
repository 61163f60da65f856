"""Command lines that are odd end with one line and exit code 2, and repeat no login."""

from __future__ import annotations

import os
import sys

import click
import pytest

from edgelens.cli import VERBS, cli, main


def said(monkeypatch, capsys, *words):
    """What the entry that people call prints on stderr, and its exit code."""
    monkeypatch.setattr(sys, "argv", ["edgelens", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("edgelens: ")
    return lines[0], ended.value.code


@pytest.mark.parametrize("verb", ["evaluate", "bundle"])
def test_a_verb_without_its_model_says_so(monkeypatch, capsys, verb):
    line, code = said(monkeypatch, capsys, verb)
    assert code == 2
    assert "Missing argument 'MODEL'" in line or "Missing option" in line


def test_a_bundle_without_a_name_is_refused(monkeypatch, capsys, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08")
    line, code = said(monkeypatch, capsys, "compress", tmp_path / "m.onnx", "--out=", "--calibrate", tmp_path)
    assert code == 2
    assert line


def test_a_model_that_is_a_pipe_is_not_waited_for(monkeypatch, capsys, tmp_path):
    for name in ("pipe", "pipe.onnx", "pipe.edge"):
        os.mkfifo(tmp_path / name)
        line, code = said(monkeypatch, capsys, "inspect", tmp_path / name)
        assert code == 2
        assert "is no" in line


def test_a_login_where_it_does_not_belong_is_not_repeated(monkeypatch, capsys):
    for words in (["inspect", "rtsp://joe:secret@10.0.0.5/1"], ["inspect", "digits", "rtsp://joe:secret@10.0.0.5/1"]):
        line, code = said(monkeypatch, capsys, *words)
        assert code == 2
        assert "secret" not in line
        assert "10.0.0.5" in line


def test_no_option_takes_what_is_no_number():
    """Every comparison with nan is false: a limit or a time of that kind is none, without a word."""
    for verb in VERBS:
        command = cli.get_command(click.Context(cli), verb)
        for each in command.params if command is not None else ():
            if isinstance(each.type, click.FloatRange):
                for written in ("nan", "inf"):  # the latter no JSON can say: the page of such a run stood still
                    with pytest.raises(click.BadParameter):
                        each.type.convert(written, each, None)


@pytest.mark.parametrize(
    "words", [["--minutes", "nan"], ["--minutes", "-1"], ["--max-drop", "nan"], ["--min-accuracy", "nan"]]
)
def test_a_search_without_end_or_limit_is_refused_before_the_work(monkeypatch, capsys, tmp_path, words):
    line, code = said(monkeypatch, capsys, "compress", "run", "--out", tmp_path / "x.edge", "--max-size", "9KB", *words)
    assert code == 2
    assert words[0] in line
