"""An option of a sink is a field of its dataclass, and nothing else has to know of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli.dataclass_options import brought_back, needed
from edgelens.cli.run import make_command
from edgelens.runtime.said import Said, from_said, option, spelled_in
from edgelens.runtime.sinks.catalog import SINKS, Entry, open_sinks
from edgelens.runtime.sinks.options.mqtt import MqttOptions
from edgelens.runtime.sinks.options.record import RecordOptions
from edgelens.runtime.sinks.protocol import SinkContext


@dataclass(frozen=True)
class ToyOptions:
    """What the toy can be told."""

    color: str | None = option(Said("Its colour.", choices=("red", "green"), flag="--toy"))
    bounces: int = option(Said("How often.", "N", low=1, whole=True, flag="--toy-bounces"), default=3)
    loud: bool = option(Said("Squeak.", flag="--toy-loud"), default=False)
    diary: str | None = option(Said("What it did.", "FILE", flag="--toy-diary", brought_back=True, needs="pens"))
    weight_g: float = 5.0  # no flag: Python's alone


class Toy:
    """Counts what it is given."""

    name = "toy"

    def __init__(self, options: ToyOptions, context: SinkContext) -> None:
        self.options, self.context, self.taken = options, context, 0

    def write(self, result) -> None:
        self.taken += 1

    def notice(self, notice) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc) -> None:
        pass


@pytest.fixture
def toys(monkeypatch):
    """The toys that were opened."""
    opened: list[Toy] = []

    def make(options: ToyOptions, context: SinkContext) -> Toy | None:
        if options.color is None:
            return None
        opened.append(Toy(options, context))
        return opened[-1]

    monkeypatch.setitem(SINKS, "toy", Entry(ToyOptions, make))
    return opened


def run(bundle, folder, *words):
    words = [str(bundle.path), "--source", str(folder), "--no-preview", "--engine", "onnxruntime", *words]
    return CliRunner().invoke(make_command(), words)


@pytest.fixture
def folder(tmp_path):
    for i in range(2):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((40, 60, 3), 90, np.uint8))
    return tmp_path


def test_a_new_sink_s_options_reach_it_from_the_command_line(toys, color_bundle, folder):
    done = run(color_bundle, folder, "--toy", "red", "--toy-bounces", "7", "--toy-loud", "--device-id", "pi-7")
    assert done.exit_code == 0, done.output
    (toy,) = toys
    assert toy.options == ToyOptions("red", 7, True)
    assert (toy.taken, toy.context.device, toy.context.sources) == (2, "pi-7", (str(folder),))
    assert done.stdout.count(".png: ") == 2, "the text's own options hold as before"


def test_what_an_option_may_be_is_checked_and_what_was_not_said_asks_for_nothing(toys, color_bundle, folder):
    assert "'blue' is not one of 'red', 'green'" in run(color_bundle, folder, "--toy", "blue").output
    assert "--toy-bounces" in run(color_bundle, folder, "--toy", "red", "--toy-bounces", "0").output
    assert "Its colour." in CliRunner().invoke(make_command(), ["--help"]).output
    assert run(color_bundle, folder).exit_code == 0
    assert toys == []


def test_a_device_has_what_a_sink_needs_and_gives_back_what_it_wrote(toys):
    assert brought_back() == ("json", "csv", "save", "heat_map", "toy_diary")
    assert needed({"toy_diary": "a.txt", "toy": "red", "mqtt": None}) == ("pens",)
    assert needed({"mqtt": "mqtt://host/door"}) == ("mqtt",)


def test_every_flag_is_one_sink_s_alone():
    flags = [said.flag for entry in SINKS.values() for said in spelled_in(entry.options).values()]
    assert len(flags) == len(set(flags))


def test_options_are_made_from_what_was_given_and_else_their_own(tmp_path):
    given = {"mqtt": "mqtt://host/door", "mqtt_all": True, "record": str(tmp_path), "record_mb": 2.5, "threads": 3}
    assert from_said(MqttOptions, given) == MqttOptions("mqtt://host/door", every=True)
    assert from_said(RecordOptions, given) == RecordOptions(tmp_path, most_mb=2.5)
    assert from_said(RecordOptions, {}) == RecordOptions()


def test_text_gives_way_to_lines_on_the_standard_output():
    assert [sink.name for sink in open_sinks({}, SinkContext())] == ["text"]
    assert open_sinks({}, SinkContext(printed=True)) == []


def test_the_command_line_is_made_without_anything_heavy():
    script = "import sys, edgelens.cli.run; print(*{'numpy', 'cv2', 'sqlite3', 'paho'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"
