"""Files of others that cannot be bundled are refused in one line; those that can are bundled with their own proof."""

import numpy as np
import pytest
from one_line import one_line

from edgelens.compress.foreign import bundle_file, compress_onnx
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import EdgelensError, ModelError


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


@pytest.mark.parametrize(("code", "dtype"), [(11, "float64"), (5, "int16")])
def test_inputs_that_no_bundle_knows_are_refused_by_the_models_name(tmp_path, code, dtype):
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info("x", code, [1, 3, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["f"], ["y"], axes=[2, 3], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "g", [x], [y])
    file = tmp_path / "m.onnx"
    file.write_bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    )
    for make in (
        lambda: bundle_file(str(file), tmp_path / "x.edge", {}),
        lambda: compress_onnx(str(file), tmp_path / "x.edge", str(tmp_path)),
    ):
        with pytest.raises(ModelError) as caught:
            make()
        one_line(caught.value, f"m.onnx: its input x holds {dtype}", "export it with a float32 input")
