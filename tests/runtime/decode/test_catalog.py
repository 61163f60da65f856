"""One entry a decoder: a new one is added in one place, and a classifier starts without the detectors."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network, Output
from edgelens.runtime.decode.catalog import DECODERS, Entry, decoder_for, options_of, words
from edgelens.runtime.decode.protocol import DecodeOptions, option, whole
from edgelens.runtime.errors import ModelError
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.runtime.recognitions import Recognitions

PLACEMENT = fit_frame(np.zeros((8, 8, 3), np.uint8), PixelContract(8, 8))[1]


@dataclass(frozen=True)
class DotsOptions(DecodeOptions):
    most: int = option(9, whole())


def dots(network, options):
    def decode(outputs, placement, threshold=None):
        value = np.minimum(outputs["count"].reshape(1), options.most).astype(np.float32)
        return Recognitions(network.labels, [0], [1.0], values=value, task=network.task)

    return decode


def network(decoder, outputs, **options):
    outputs = tuple(map(Output, outputs))
    return Network("dots", ("dots",), PixelContract(8, 8), outputs, Decode(decoder, options=options), ())


def test_a_decoder_is_one_entry(monkeypatch):
    monkeypatch.setitem(DECODERS, "dots", Entry("dots", lambda: (dots, DotsOptions), frozenset(["count"])))
    seen = decoder_for(network("dots", ["count"], most=3))({"count": np.array([7])}, PLACEMENT)
    assert (seen.values[0], seen.task) == (3, "dots")
    with pytest.raises(ModelError, match="decode option 'most' has a value"):
        decoder_for(network("dots", ["count"], most="many"))
    with pytest.raises(ModelError, match="needs an output called 'count'"):
        decoder_for(network("dots", ["other"]))
    with pytest.raises(ModelError, match="no decoder is called 'oracle'"):
        decoder_for(network("oracle", []))


@pytest.mark.parametrize("name", list(DECODERS))
def test_every_decoder_has_options_that_start_from_defaults(name):
    kind = options_of(name)
    assert kind.of(Decode(name)) == kind()
    known = {option.name for option in kind.__dataclass_fields__.values()}
    named = {"read": "alphabet", "identify": None}.get(DECODERS[name].task, "classes")
    assert named is None or named in known


def test_words_of_the_command_line():
    guessed = (
        "lens-det ctc embedding edgelens ultralytics ssd ultraface pytorch-ssd rf-detr hf-detr d-fine yunet "
        "lpd-yunet yunet-2022 scrfd retinaface mediapipe movenet yolo-nas yolov7-nms nanodet fastestdet yolox classify"
    )
    assert " ".join(words()) == f"{guessed} yolov5 yolov8 yolov8-pose yolov8-obb db"


def test_a_classifier_starts_without_the_detectors():
    code = (
        "import sys\n"
        "from edgelens.runtime.model.open import open_model\n"
        "from edgelens.runtime.decode.catalog import decoder_for\n"
        "decoder_for(open_model('digits').manifest.main)\n"
        "print([name for name in sys.modules if name.rpartition('.')[2] in "
        "('boxes', 'ssd', 'yolox', 'ultralytics', 'ultraface', 'ultralytics_reading', 'bare', 'yunet', 'nanodet', "
        "'mediapipe', 'fastestdet', 'prototypes', 'masks', 'scrfd', 'retinaface', 'faces')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
