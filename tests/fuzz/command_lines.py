"""Command lines of every odd kind, through the entry that people call, in a folder with a few files."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import click
import cv2
import numpy as np

from edgelens.cli import VERBS, cli, main
from edgelens.runtime.model.open import open_model

from .fuzzer import Attempt, Fuzzer

__all__ = ["FUZZER"]

# These would go on for long: always with a mistake.
LASTING = ("serve", "doctor", "bench", "collect", "tune", "train", "label")
HERE = (
    "a.png", "digits.edge", "labels.txt", "empty", "text.toml", "pipe", "words.csv", "gone.onnx", "digits", "demo", ".",
)  # fmt: skip
ODD = (
    "", " ", "-", "--", "-1", "0", "1", "1x1", "0x0", "640x480", "1e999", "nan", "inf", "-inf", "0.5", "9" * 5000, "²",
    "1,2,3", "0,0,1,1", "0,0,0,0", "a,b", "3/5", "0/0", "9/1", "x" * 5000, "é\u202e", "\udce9", "\x1b[2J", "'", '"',
    "$(true)", "%s", "{}", "http://[::1", "http://127.0.0.1:9/", "rtsp://u:p@127.0.0.1:9/s", "mqtt://[", "*", "[",
    "mqtt://127.0.0.1:9", "localhost:99999", ":0", "0.0.0.0:-1", "/dev/zero", "/dev/null", "/proc/self/mem", "/",
    "../..", "true", "auto", "tflite:edgetpu", "onnxruntime:nothing", "int8", "15ms", "100KB", "-5ms", "5%",
    "2026-13-45", "a.png,digits",
)  # fmt: skip
HOSTS = ("-oProxyCommand=true", "", "a b", "user@", "\u202e", "-l root", "x" * 300 + ".invalid")
WRONG = ("--no-such-option", "--no-such-option=1")


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """The folder is where the commands run; a home of its own keeps what they remember."""
    with contextlib.suppress(ImportError):
        import torch  # noqa: F401

    _fill(folder)
    options = {verb: list(_options(verb)) for verb in VERBS}
    before, environment = Path.cwd(), {**os.environ}
    os.environ |= {"HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(folder)}
    os.chdir(folder)

    def attempt(chance: random.Random) -> str:
        words = _words(chance, options)
        code, said = _run(words)
        assert code in (0, 1, 2, 130), f"exit code {code} of {words}"
        assert "Traceback" not in said, f"a traceback of {words}: {said[-500:]}"
        assert code == 0 or said.strip(), f"fails without a word: {words}"
        return said

    try:
        yield attempt
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(environment)


def _fill(folder: Path) -> None:
    cv2.imwrite(str(folder / "a.png"), np.full((40, 50, 3), 120, np.uint8))
    bundle = open_model("digits").path
    assert bundle is not None
    shutil.copy(bundle, folder / "digits.edge")
    (folder / "labels.txt").write_text("a\nb\n")
    (folder / "text.toml").write_text("[[source]]\nurl = 'demo'\n")
    (folder / "words.csv").write_text("path,label\na.png,b\n")
    (folder / "empty").mkdir()
    (folder / "home").mkdir()
    os.mkfifo(folder / "pipe")


def _options(verb: str) -> Iterator[tuple[str, bool, tuple[str, ...]]]:
    """An option's spelling, whether it is a flag, and values that it takes."""
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option):
            known = tuple(map(str, option.type.choices)) if isinstance(option.type, click.Choice) else ()
            yield option.opts[0], option.is_flag, known


def _words(chance: random.Random, options: dict[str, list[tuple[str, bool, tuple[str, ...]]]]) -> list[str]:
    verb = chance.choice(list(VERBS))
    words = [verb] if chance.random() < 0.97 else [chance.choice(ODD)]
    words += [chance.choice(HERE if chance.random() < 0.6 else ODD) for _ in range(chance.choice((0, 1, 1, 1, 2, 3)))]
    for spelled, flag, known in chance.sample(options[verb], min(chance.choice((0, 1, 2, 4)), len(options[verb]))):
        there = [name for name in HERE if name != "pipe"]  # who names a pipe waits for its other end
        value = chance.choice((*known, *there) if chance.random() < 0.4 else ODD)
        if spelled == "--on":
            value = chance.choice(HOSTS)
        elif spelled == "--preview":
            value = "127.0.0.1:99999"
        elif spelled == "--source" and chance.random() < 0.5:
            value = "demo"
        words += [spelled] if flag else [spelled, value] if chance.random() < 0.8 else [f"{spelled}={value}"]
    if verb in ("deploy", "rollback", "status") and len(words) > 1:
        words[-1] = chance.choice(HOSTS)
    if verb in LASTING:
        words.insert(chance.randint(1, len(words)), chance.choice(WRONG))
    if verb == "run":
        words += ["--no-preview", "--duration", "0.1"]
    return words


def _run(words: list[str]) -> tuple[int, str]:
    """The exit code, and what was printed."""
    sys.argv = ["edgelens", *words]
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
    out.flush()
    return code, out.buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]


FUZZER = Fuzzer(opened, secrets=("u:p@",), most_s=20.0)  # teaching from a film takes its seconds
