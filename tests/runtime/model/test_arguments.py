"""What can be said of a model: read and checked in one place, for the command line and for Python."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import click
import pytest

from edgelens.cli.options import answer_options, labels_option, model_arguments, pixel_options, threshold_option
from edgelens.runtime.decode.catalog import DECODERS, options_of
from edgelens.runtime.errors import UsageError
from edgelens.runtime.model.arguments import ModelArguments, spelled
from edgelens.runtime.model.open import open_model
from edgelens.runtime.preprocess import COLORS, RESIZES


def test_the_command_lines_way_and_pythons_mean_the_same():
    written = ModelArguments(mean="1,2,3", std="4", input_size="64x48", classes="a, b,", pad=7)
    meant = ModelArguments(mean=[1, 2, 3], std=4, input_size=(64, 48), classes=["a", "b"], pad=7)
    assert written == meant == dataclasses.replace(written)
    assert ModelArguments(input_size="96").input_size == (96, 96)
    assert ModelArguments(labels=["x", "y"]).labels == ("x", "y")
    assert ModelArguments(classes=[3]).said_to_decoder() == {"classes": ("3",)}
    assert ModelArguments(decoder="ssd", iou=0.5).said_of_picture() == ("--decode",)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"iou": float("nan")}, "--iou nan: must be between 0 and 1"),
        ({"iou": 1.5}, "--iou 1.5: must be between 0 and 1"),
        ({"max_det": 0}, "--max-det 0: must be at least 1"),
        ({"max_det": 2.5}, "--max-det 2.5: must be a whole number"),
        ({"color": "cmyk"}, "--color cmyk: must be one of rgb, bgr, gray"),
        ({"mean": [None]}, r"--mean \[None\]: write one number, or one a channel"),
        ({"std": (1, 2, None)}, r"--std \(1, 2, None\): write one number, or one a channel"),
        ({"input_size": (0, 4)}, "--input-size .*: write WIDTHxHEIGHT"),
    ],
)
def test_what_cannot_be_is_one_line(said, match):
    with pytest.raises(UsageError, match=match):
        ModelArguments(**said)


def test_choices_are_those_of_the_pixel_path_and_the_decoders_options_are_theirs():
    assert spelled()["color"].choices == COLORS
    assert spelled()["resize"].choices == RESIZES
    known = {field.name for name in DECODERS for field in dataclasses.fields(options_of(name))}
    assert {name for name, said in spelled().items() if said.decoder} <= known


def test_the_command_line_has_them_all():
    @click.command()
    @labels_option
    @threshold_option
    @answer_options
    @pixel_options
    def command(**given):
        said.append(model_arguments({**given, "source": "demo"}, labels=None))

    said: list[ModelArguments] = []
    assert {option.opts[0] for option in command.params} == {one.flag for one in spelled().values()}
    command.main(["--max-det", "3", "--decode", "ssd", "--mean", "1"], standalone_mode=False)
    assert said == [ModelArguments(max_det=3, decoder="ssd", mean=1)]


def test_options_of_other_decoders_say_nothing_and_unknown_ones_are_refused(color_bundle):
    changed = open_model(color_bundle, iou=0.5, max_det=3, classes="red", threshold=0.25).manifest.main.decode
    assert (changed.options, changed.threshold) == ({"classes": [0]}, 0.25)
    with pytest.raises(TypeError, match="max_dets"):
        open_model(color_bundle, max_dets=3)


def test_an_asked_threshold_holds_for_every_label(color_bundle):
    manifest = color_bundle.manifest
    decode = dataclasses.replace(manifest.main.decode, threshold=0.4, thresholds={"red": 0.9})
    networks = {"main": dataclasses.replace(manifest.main, decode=decode)}
    bundle = dataclasses.replace(color_bundle, manifest=dataclasses.replace(manifest, networks=networks))
    assert open_model(bundle, iou=0.5).manifest.main.decode.thresholds == {"red": 0.9}
    assert open_model(bundle, threshold=0.2).manifest.main.decode.thresholds == {}


def test_the_command_lines_options_load_nothing_heavy():
    code = "import sys, edgelens.cli.options\nprint([n for n in ('numpy', 'cv2', 'torch') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
