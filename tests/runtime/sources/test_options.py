"""An option of a source is a field of its dataclass: a flag of `run`, a key of `--config`, and nothing else knows."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli.run import make_command
from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.said import Said, option, spelled_in
from edgelens.runtime.sources import catalog
from edgelens.runtime.sources.catalog import SOURCES, Entry, open_source, option_classes
from edgelens.runtime.sources.csi import CsiCamera
from edgelens.runtime.sources.options.camera import CameraOptions
from edgelens.runtime.sources.options.demo import DemoOptions
from edgelens.runtime.sources.options.turned import TurnOptions
from edgelens.runtime.sources.protocol import SourceContext
from edgelens.runtime.sources.turned import FLIPS, ROTATIONS


@dataclass(frozen=True)
class ToyOptions:
    """What the toy can be told."""

    pictures: int = option(Said("How many.", "N", low=1, whole=True, flag="--toy-pictures"), default=2)
    paint: str | None = option(Said("Its colour.", choices=("red", "green"), flag="--toy-paint"))
    dim: bool = option(Said("Half as bright.", flag="--toy-dim"), default=False)


class Toy:
    """So many pictures of one colour."""

    live = False

    def __init__(self, options: ToyOptions, context: SourceContext) -> None:
        self.options, self.name, self._left = options, context.name or "toy", options.pictures

    def read(self) -> Frame | None:
        """The next one."""
        self._left -= 1
        return Frame(np.full((40, 60, 3), 90, np.uint8), source=self.name) if self._left >= 0 else None

    def interrupt(self) -> None:
        """Nothing waits."""

    def __enter__(self) -> Toy:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> list[Toy]:
    """The toys that were opened."""
    opened: list[Toy] = []

    def make(_: str, options: ToyOptions, context: SourceContext) -> Toy:
        opened.append(Toy(options, context))
        return opened[-1]

    usual = catalog.kind_of
    monkeypatch.setitem(SOURCES, "toy", Entry(ToyOptions, make))
    monkeypatch.setattr(catalog, "kind_of", lambda spec: "toy" if spec == "toy" else usual(spec))
    return opened


def run(bundle: Any, *words: str) -> Any:
    words = (str(bundle.path), "--no-preview", "--engine", "onnxruntime", *words)
    return CliRunner().invoke(make_command(), words)


def test_a_new_source_s_options_reach_it_from_the_command_line(toys: list[Toy], color_bundle: Any) -> None:
    done = run(color_bundle, "--source", "toy", "--toy-pictures", "3", "--toy-paint", "red", "--toy-dim")
    assert done.exit_code == 0, done.output
    assert [toy.options for toy in toys] == [ToyOptions(3, "red", True)]
    assert "3 processed" in done.stdout
    assert "'blue' is not one of 'red', 'green'" in run(color_bundle, "--toy-paint", "blue").output


def test_and_from_a_file_of_sources_where_each_has_its_own(toys: list[Toy], color_bundle: Any, tmp_path: Any) -> None:
    config = tmp_path / "toys.toml"
    config.write_text(
        "[[source]]\nurl = 'toy'\nname = 'one'\npictures = 1\npaint = 'green'\n"
        "[[source]]\nurl = 'toy'\nname = 'two'\ndim = true\nrotate = 90\n"
    )
    done = run(color_bundle, "--config", str(config), "--toy-pictures", "4")
    assert done.exit_code == 0, done.output
    assert {toy.name: toy.options for toy in toys} == {
        "one": ToyOptions(1, "green"),
        "two": ToyOptions(4, None, True),
    }
    for line, said in (
        ("pictures = 0", "pictures 0: must be at least 1"),
        ("paint = 'blue'", "paint blue: must be one of red, green"),
        ("dim = 'yes'", "dim 'yes': must be true or false"),
    ):
        config.write_text(f"[[source]]\nurl = 'toy'\n{line}\n")
        refused = run(color_bundle, "--config", str(config)).exception
        assert isinstance(refused, UsageError)
        assert str(refused) == f"--config {config}: source 1: {said}"


def test_what_two_kinds_share_is_one_option_and_every_flag_one_key_s() -> None:
    said = [(name, how) for options in option_classes() for name, how in spelled_in(options).items()]
    assert len(set(said)) == len({name for name, _ in said}) == len({how.flag for _, how in said})


def test_a_source_takes_what_is_its_own() -> None:
    given = {"size": (320, 200), "camera_fps": 12.0, "seed": 4, "rotate": 0}
    with open_source("demo", given, SourceContext("door")) as demo:
        frame = demo.read()
    assert frame is not None
    assert (frame.size, frame.source, demo.scene.seed, demo.scene.fps) == ((200, 320), "door", 4, 12.0)  # type: ignore[attr-defined]
    assert isinstance(open_source("csi:0", given), CsiCamera)
    assert DemoOptions() == DemoOptions(None, None, 0)
    assert CameraOptions() != DemoOptions()


def test_every_turn_that_can_be_asked_for_is_one_that_is_made() -> None:
    said = spelled_in(TurnOptions)
    assert set(said["flip"].choices) == set(FLIPS)
    assert {int(turn) for turn in said["rotate"].choices} == {0, *ROTATIONS}


def test_the_command_line_is_made_without_anything_heavy() -> None:
    script = "import sys, edgelens.cli.run, edgelens.cli.collect; print(*{'numpy', 'cv2'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"
