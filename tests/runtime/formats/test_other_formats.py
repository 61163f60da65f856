"""Files that others run and this kit does not: every verb says in one line what they are and what to do."""

from __future__ import annotations

import zipfile

import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.errors import EdgelensError, UsageError


def said(*arguments):
    """The one line that a verb refuses with."""
    done = CliRunner().invoke(cli, [*map(str, arguments)], standalone_mode=False)
    assert isinstance(done.exception, EdgelensError), done.exception
    assert done.exception.exit_code == 2
    assert "\n" not in str(done.exception)
    return str(done.exception)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """One file or folder of every format, with content that its kind has."""
    folder = tmp_path_factory.mktemp("others")
    for name, content in {
        "yolo.engine": b"ftrt" + bytes(60), "old.bin": b"\x80\x02\x8a\nl\xfc", "net.h5": b"\x89HDF\r\n\x1a\n",
        "weights.dat": b"\x89HDF\r\n\x1a\n", "graph.pb": b"\n\x05", "small.ort": b"\x18\0\0\0ORTM", "m.rknn": b"RKNN",
        "model.bin": b"\x1c\0\0\0TFL3", "m.xml": b"<net/>", "m.param": b"7767517", "m.mlmodel": b"\x08\x01",
        "m.pdmodel": b"\n", "m.caffemodel": b"\n", "w.safetensors": bytes(16), "model.onnx": b"\x08\x08",
    }.items():  # fmt: skip
        (folder / name).write_bytes(content)
    for name, entry in {"yolo11n.pt": "yolo11n/data.pkl", "x.pth2": "archive/data.pkl", "face.task": "face.tflite",
                        "new.keras": "model.weights.h5"}.items():  # fmt: skip
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr(entry, b"x")
    (folder / "saved").mkdir()
    (folder / "saved/saved_model.pb").write_bytes(b"")
    (folder / "run").mkdir()
    (folder / "run/run.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("yolo11n.pt", "yolo export model=.*yolo11n.pt format=onnx"), ("x.pth2", "torch.onnx.export"),
        ("old.bin", "torch.onnx.export"), ("w.safetensors", "torch.onnx.export"),
        ("net.h5", "from_keras_model"), ("weights.dat", "from_keras_model"), ("new.keras", "from_keras_model"),
        ("saved", "from_saved_model"), ("graph.pb", "tf2onnx"), ("yolo.engine", "--engine onnxruntime:tensorrt"),
        ("face.task", "unzip it"), ("small.ort", "give the .onnx"), ("model.bin", "rename it to end in .tflite"),
        ("m.rknn", "one accelerator"), ("m.xml", "onnxruntime:openvino"), ("m.param", "ncnn"), ("m.mlmodel", "Core ML"),
        ("m.pdmodel", "paddle2onnx"), ("m.caffemodel", "Caffe"), ("run", "edgelens compress .*run --out"),
    ],
)  # fmt: skip
def test_what_others_run_is_named_with_its_way_here(others, name, way):
    import re

    line = said("inspect", others / name)
    assert re.search(f"^{re.escape(str(others / name))}: .*{way}", line), line


@pytest.mark.parametrize("verb", ["inspect", "verify", "evaluate", "bundle", "serve", "run"])
def test_every_verb_says_it(others, verb, tmp_path):
    if verb == "bundle":
        pytest.importorskip("torch", reason="bundle is a workstation's verb")
    more = {"evaluate": [tmp_path], "bundle": ["--out", tmp_path / "x.edge"], "run": ["--source", "demo"]}
    assert "torch.onnx.export" in said(verb, others / "yolo11n.pt", *more.get(verb, []))


@pytest.mark.parametrize(("name", "way"), [("yolo11n.pt", "torch.onnx.export"), ("saved", "from_saved_model")])
def test_compress_says_it_before_it_asks_for_anything(others, tmp_path, name, way):
    pytest.importorskip("torch")
    assert way in said("compress", others / name, "--out", tmp_path / "x.edge")


def test_compress_shows_a_finished_file_the_way_to_bundle(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "m.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    line = said("compress", tmp_path / "m.tflite", "--out", tmp_path / "x.edge")
    assert f"`edgelens bundle {tmp_path}/m.tflite --out NAME.edge` wraps it" in line
    (tmp_path / "b.edge").write_bytes(b"PK")
    assert "is a bundle already" in said("compress", tmp_path / "b.edge", "--out", tmp_path / "x.edge")


def test_what_needs_a_bundle_shows_a_bare_file_the_way_to_one(others, tmp_path):
    from edgelens.runtime.bundle.bundle import Bundle

    with pytest.raises(EdgelensError, match=r"edgelens bundle .*model.onnx --out NAME.edge"):
        Bundle.open(others / "model.onnx")


def test_a_bundle_under_another_name_still_opens(color_bundle, tmp_path):
    from edgelens.runtime.bundle.bundle import Bundle

    other = tmp_path / "color.zip"
    other.write_bytes(color_bundle.path.read_bytes())
    assert Bundle.open(other).manifest == color_bundle.manifest
    with pytest.raises(UsageError, match="no such file"):
        raise UsageError(said("inspect", tmp_path / "gone.pt"))
