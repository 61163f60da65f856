"""`--config` files of every odd kind, read as `edgelens run` reads them, up to the sources and models they name."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from edgelens.cli.run import make_command
from edgelens.cli.run_lanes import control_of, open_lanes, plans_of
from edgelens.cli.run_options import RunOptions

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER"]

KEYS = (
    "url", "source", "name", "model", "labels", "region", "motion", "threshold", "smoothing", "agree", "max_fps",
    "size", "camera_fps", "flip", "rotate", "seed", "nothing", '"odd key"', "given",
)  # fmt: skip
VALUES = (
    '"demo"', '"0"', '"csi:0"', '"rtsp://u:p@h/s"', '"http://[::1"', '"digits"', '"sign-digits"', '"a.edge"', '""',
    '"²"', '"csi:²"', '"a\\u0000b"', '"*"', '"0,0,1,1"', '".1,.1,.5,.5"', '"3/5"', '"640x480"', '"x"', '"horizontal"',
    '"\\u202e"', "0", "1", "-1", "0.5", "1e999", "nan", "-inf", "90", "45", "true", "false", "[3, 5]", "[0, 0, 1, 1]",
    "[]", "[[]]", "{}", "{a = 1}", "[640, 480]", "[1e300, 2, 3, 4]", "1979-05-27", "07:32:00", "0x" + "f" * 5000,
    "9" * 5000, f'"{"9" * 5000}"', f'"{"9" * 5000}x1"', '"1/' + "9" * 5000 + '"', "[" * 2000 + "]" * 2000,
    '"' + "é" * 3000 + '"',
)  # fmt: skip
USUAL = {
    "url": ('"demo"', '"0"', '"rtsp://camera/1"', "0"), "model": ('"digits"', '"sign-digits"'),
    "region": ('"0,0,.5,.5"', "[0, 0, 100, 100]"), "agree": ('"3/5"', "[2, 4]"), "threshold": ("0.5", "0", "1"),
    "smoothing": ("1", "0.5"), "max_fps": ("5", "0.2"), "motion": ("true", "false"), "size": ('"640x480"',),
    "flip": ('"both"',), "rotate": ("90",), "name": ('"door"',), "labels": ('"labels.txt"',),
}  # fmt: skip


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """A file that is written anew for every case."""
    path = folder / "sources.toml"
    (folder / "labels.txt").write_text("\n".join(map(str, range(11))))
    context = make_command().make_context("run", ["digits", "--config", str(path), "--no-preview"])
    options = RunOptions.of(context.params)

    def attempt(chance: random.Random) -> None:
        text = "\n".join(_table(chance) for _ in range(chance.choice((1, 1, 2, 3)))).encode("utf-8", "surrogatepass")
        path.write_bytes(mutated(chance, text) if chance.random() < 0.3 else text)
        with ExitStack() as stack:
            plans = plans_of(options)
            control_of(plans, open_lanes(plans, options, stack, str), options)

    before = Path.cwd()
    os.chdir(folder)
    try:
        yield attempt
    finally:
        os.chdir(before)


def _table(chance: random.Random) -> str:
    """A table of usual keys and values, one or two of them odd."""
    keys = ["url", *chance.sample(list(USUAL)[1:], chance.randint(0, 6))]
    lines = {key: chance.choice(USUAL[key]) for key in keys}
    for _ in range(chance.randint(0, 2)):
        lines[chance.choice(KEYS)] = chance.choice(VALUES)
    head = chance.choice(("[[source]]",) * 20 + ("[source]", "[[sources]]", "source = 1", "[[source.a]]", ""))
    return "\n".join([head, *(f"{key} = {value}" for key, value in lines.items())])


FUZZER = Fuzzer(opened)
