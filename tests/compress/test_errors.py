"""What bad input gets: one line, the right exit code, nothing half-written."""

import shutil

import numpy as np
import pytest

from edgelens.compress.config import CompressConfig
from edgelens.compress.foreign import bundle_file, compress_onnx
from edgelens.compress.ingredients import calibration_folder, ingredients_of
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.errors import DataError, EdgelensError, ModelError, UsageError, WorkError


def one_line(error: EdgelensError, *words: str) -> None:
    text = str(error)
    assert "\n" not in text
    assert all(word in text for word in words), text


def test_a_run_without_checkpoint(run_folder, tmp_path):
    broken = tmp_path / "run"
    shutil.copytree(run_folder, broken)
    (broken / "best.safetensors").unlink()
    with pytest.raises(DataError) as caught:
        compress_run(broken, tmp_path / "x.edge")
    one_line(caught.value, "best.safetensors")
    assert not list(tmp_path.glob("*.edge"))


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(DataError) as caught:
        compress_run(tmp_path, tmp_path / "x.edge")
    assert caught.value.exit_code == 2


def test_an_empty_calibration_folder(run, tmp_path):
    with pytest.raises(DataError) as caught:
        ingredients_of(run, CompressConfig(calibrate=str(tmp_path)))
    one_line(caught.value, "holds no images")


def test_a_background_label_that_the_run_does_not_know(run):
    with pytest.raises(UsageError) as caught:
        ingredients_of(run, CompressConfig(background=("nothing",)))
    one_line(caught.value, "--background nothing")


def test_calibration_images_of_any_size_are_fitted(run, tmp_path):
    import cv2

    for i, side in enumerate((7, 200)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((side, side + 3, 3), 90, np.uint8))
    assert len(calibration_folder(str(tmp_path))) == 2
    assert ingredients_of(run, CompressConfig(calibrate=str(tmp_path))).calibration.shape == (2, 16, 16, 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08\x08" + bytes(64)])
def test_what_is_no_onnx(tmp_path, content):
    file = tmp_path / "m.onnx"
    file.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        compress_onnx(str(file), tmp_path / "x.edge", str(tmp_path))
    one_line(caught.value, "m.onnx")


def test_unknown_operators(tmp_path):
    from onnx import TensorProto, helper

    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3, 8, 8]) for n in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Frobnicate", ["x"], ["y"], domain="odd")], "g", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("odd", 1)])
    model.ir_version = 8
    file = tmp_path / "m.onnx"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError) as caught:
        compress_onnx(str(file), tmp_path / "x.edge", str(tmp_path))
    one_line(caught.value, "Frobnicate")


def test_parity_outside_its_limits_writes_nothing(run_folder, tmp_path):
    from edgelens.compress.quantize.observers import Observer

    config = CompressConfig(
        formats=("onnx",), precisions=("int8",), observer=Observer("percentile", 55.0), calibration_images=16,
        equalize=False, correct_bias=False,
    )  # fmt: skip
    with pytest.raises(WorkError, match="--allow-mismatch"):
        compress_run(run_folder, tmp_path / "x.edge", config)
    assert not (tmp_path / "x.edge").exists()


@pytest.mark.parametrize("name", ["x.onnx", "nowhere/x.edge"])
def test_a_target_that_cannot_be_is_refused_before_the_work(run_folder, tmp_path, name):
    from edgelens.compress.search.budget import Budget
    from edgelens.compress.search.search import SearchConfig, search_run

    for make in (
        lambda out: compress_run(run_folder, out),
        lambda out: search_run(run_folder, out, SearchConfig(Budget(size_bytes=1))),
        lambda out: compress_onnx("no.onnx", out, str(tmp_path)),
        lambda out: bundle_file("no.tflite", out),
    ):
        with pytest.raises(UsageError, match="--out"):
            make(tmp_path / name)


def test_the_content_version_grows(compressed, tmp_path):
    target = tmp_path / "grows.edge"
    shutil.copy(compressed.bundle.path, target)
    manifest = compressed.bundle.manifest
    entries = {name: compressed.bundle.read(name) for name in manifest.entries}
    assert write_bundle(target, manifest, entries).manifest.content_version == manifest.content_version + 1


def test_labels_that_do_not_match(compressed, tmp_path):
    file = tmp_path / "m.tflite"
    file.write_bytes(compressed.bundle.read("models/main.int8.tflite"))
    names = tmp_path / "names.txt"
    names.write_text("one\ntwo\nthree\n")
    with pytest.raises(EdgelensError) as caught:
        bundle_file(str(file), tmp_path / "x.edge", {"labels": str(names)})
    one_line(caught.value, "names.txt", "10")
    assert not (tmp_path / "x.edge").exists()


def test_a_finished_file_is_bundled_with_its_own_proof(compressed, tmp_path):
    import cv2

    from edgelens.runtime.model.verify import verify_bundle

    for i in range(6):
        frame = np.random.default_rng(i).integers(0, 256, (40, 50, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"{i}.png"), frame)
    file = tmp_path / "m.tflite"
    file.write_bytes(compressed.bundle.read("models/main.int8.tflite"))
    made = bundle_file(str(file), tmp_path / "x.edge", images=str(tmp_path))
    assert verify_bundle(Bundle.open(tmp_path / "x.edge")).ok
    assert made.bundle.manifest.main.labels == tuple(str(n) for n in range(10))
