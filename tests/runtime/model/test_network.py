"""One network with one of its files: which file is taken, and files that are not what their contract says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Output
from edgelens.runtime.errors import ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.network import LoadedNetwork, choose_file
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import PixelContract, TensorContract


def test_the_preferred_file_unless_something_else_is_asked_for(write_color_bundle, color_onnx):
    network = write_color_bundle({"models/a.onnx": color_onnx(), "models/b.onnx": color_onnx()}).manifest.main
    files = (network.files[0], dataclasses.replace(network.files[1], precision="int8"))
    network = dataclasses.replace(network, files=files)
    assert choose_file(network).path == "models/a.onnx"
    assert choose_file(dataclasses.replace(network, preferred="models/b.onnx")).path == "models/b.onnx"
    assert choose_file(network, precision="int8").path == "models/b.onnx"
    assert choose_file(network, "onnxruntime:cuda").path == "models/a.onnx"
    with pytest.raises(ModelError, match="there are: onnxruntime float32, onnxruntime int8"):
        choose_file(network, "tflite")


def test_stages_are_timed_and_outputs_bear_the_networks_names(color_bundle, frames_of_colors):
    with BundleRecognizer(color_bundle, engine="onnxruntime") as recognizer:
        seen = recognizer.recognize(Frame(frames_of_colors[0]))
        assert seen.recognitions.label() == "red"
        assert list(seen.stages) == ["preprocess", "infer", "decode"]
        assert min(seen.stages.values()) > 0
        assert {name: array.shape for name, array in seen.outputs.items()} == {"logits": (1, 3)}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda n: dataclasses.replace(n, pixels=PixelContract(16, 17)), "its contract says"),
        (lambda n: dataclasses.replace(n, pixels=PixelContract(16, 16, "gray")), "its contract says"),
        (lambda n: with_file(n, tensor=TensorContract("image", "NCHW")), "its contract says"),
        (lambda n: with_file(n, tensor=TensorContract("image", dtype="float32")), "takes uint8"),
        (lambda n: with_file(n, outputs=("gone",)), "has no output 'gone'"),
        (lambda n: with_file(n, outputs=("logits", "logits")), "has 1 outputs"),
        (lambda n: dataclasses.replace(n, outputs=(Output("a"), Output("b"))), "has 1 outputs"),
        (
            lambda n: dataclasses.replace(n, outputs=(Output("logits", (4,)),)),
            r"gives logits .*3.*its contract says \(4,\)",
        ),
        (lambda n: with_file(n, engine="abacus"), "no engine is called 'abacus'"),
        (lambda n: dataclasses.replace(n, decode=dataclasses.replace(n.decode, decoder="oracle")), "no decoder"),
        (lambda n: dataclasses.replace(n, decode=dataclasses.replace(n.decode, decoder="yolox")), "called 'grid'"),
    ],
)
def test_files_that_are_not_what_their_contract_says(color_bundle, change, match):
    network = change(color_bundle.manifest.main)
    with pytest.raises(ModelError, match=match):
        LoadedNetwork(color_bundle, network, network.files[0])


def test_a_task_that_this_kit_does_not_know_is_refused_where_it_enters(color_bundle):
    network = dataclasses.replace(color_bundle.manifest.main, task="divine")
    manifest = dataclasses.replace(color_bundle.manifest, networks={"main": network})
    with pytest.raises(ModelError, match=r"color.edge: its task 'divine' is not known here \(classify, detect"):
        BundleRecognizer(dataclasses.replace(color_bundle, manifest=manifest))


def test_a_region_is_all_the_network_sees(color_bundle):
    from edgelens.runtime.preprocess import Region

    image = np.zeros((40, 80, 3), np.uint8)
    image[:, :40, 2] = 255
    image[:, 40:, 1] = 255
    with BundleRecognizer(color_bundle, engine="onnxruntime", region=Region(0, 0, 0.5, 1)) as recognizer:
        assert recognizer.recognize(Frame(image)).recognitions.label() == "red"
        assert recognizer.recognize(Frame(image), region=Region(40, 0, 40, 40)).recognitions.label() == "green"


def with_file(network, **fields):
    return dataclasses.replace(network, files=(dataclasses.replace(network.files[0], **fields),))


@pytest.mark.parametrize(("asked", "known"), [(None, False), (0.0, True), (0.9999, False)])
def test_the_asked_threshold_holds_else_the_models_own(color_bundle, frames_of_colors, asked, known):
    network = dataclasses.replace(color_bundle.manifest.main, decode=Decode(threshold=0.999))
    manifest = dataclasses.replace(color_bundle.manifest, networks={"main": network})
    with BundleRecognizer(dataclasses.replace(color_bundle, manifest=manifest)) as recognizer:
        seen = recognizer.recognize(Frame(frames_of_colors[0]), threshold=asked).recognitions
    assert (seen.label() == "red") is known
    assert len(seen) == 1
    assert known or seen.rivals_of()[0][0] == "red"
