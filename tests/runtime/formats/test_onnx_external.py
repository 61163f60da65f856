"""Weights in a file beside the model, as torch writes them: read as one model, and every broken place in one line."""

from __future__ import annotations

import random

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError
from edgelens.runtime.model.bare import read_model
from edgelens.runtime.model.inspection import inspect_model
from edgelens.runtime.model.open import open_model

WEIGHTS = "color.onnx.data"


@pytest.fixture
def split(tmp_path, color_onnx):
    """The colour model with its weights in another file, and the model as it was."""
    onnx = pytest.importorskip("onnx", reason="the onnx package splits the model of this test")
    whole = color_onnx(bias=0.5)
    path = tmp_path / "color.onnx"
    model = onnx.load_from_string(whole)
    onnx.save_model(model, str(path), save_as_external_data=True, location=WEIGHTS, size_threshold=0)
    return path, whole


def told(path, key, value):
    """Change what the file says of where its weights lie."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    for weight in model.graph.initializer:
        for entry in weight.external_data:
            if entry.key == key:
                entry.value = value
    path.write_bytes(model.SerializeToString())


def test_a_split_model_answers_as_the_whole_one(split):
    ort = pytest.importorskip("onnxruntime")
    path, whole = split
    data, file = read_model(path)
    assert file.external == (WEIGHTS,)
    picture = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), np.uint8)
    answers = [ort.InferenceSession(part).run(None, {"image": picture})[0] for part in (whole, data)]
    assert np.array_equal(*answers)
    assert open_model(str(path)).read("models/color.onnx") == data


def test_constants_and_inner_graphs_are_filled_in_too(tmp_path):
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    value = onnx.numpy_helper.from_array(np.arange(6, dtype=np.float32), "value")
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["z"], value=value)], "inner", [],
        [helper.make_tensor_value_info("z", 1, [6])],
    )  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)], "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", 1, [6])],
    )  # fmt: skip
    (tmp_path / "w.bin").write_bytes(bytes(8) + np.arange(6, dtype=np.float32).tobytes())
    for node in graph.node[0].attribute:
        tensor = node.g.node[0].attribute[0].t
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, said in (("location", "w.bin"), ("offset", "8"), ("length", "24")):
            tensor.external_data.add(key=key, value=said)
    # an initializer makes the file one that keeps weights elsewhere at its top level, too
    top = graph.initializer.add(name="w", data_type=1, dims=[2], data_location=onnx.TensorProto.EXTERNAL)
    top.external_data.add(key="location", value="w.bin")
    top.external_data.add(key="length", value="8")
    path = tmp_path / "if.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    model = onnx.load_from_string(read_model(path)[0])
    for branch in model.graph.node[0].attribute:
        found = onnx.numpy_helper.to_array(branch.g.node[0].attribute[0].t)
        assert found.tolist() == [0, 1, 2, 3, 4, 5]
    assert onnx.numpy_helper.to_array(model.graph.initializer[0]).tolist() == [0, 0]


def test_a_file_left_behind_is_named(split):
    path, _ = split
    (path.parent / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=rf"its weights are in '{WEIGHTS}', which must lie beside it \(No such file"):
        open_model(str(path))
    assert inspect_model(str(path))["external"] == [WEIGHTS]


def test_a_name_that_is_none_is_named(split):
    path, _ = split
    told(path, "location", "a\0b")
    with pytest.raises(ModelError, match=r"which must lie beside it \(embedded null byte"):
        open_model(str(path))


def test_a_file_cut_short_is_named(split):
    path, _ = split
    weights = path.parent / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match=rf"'{WEIGHTS}' beside it ends before its weights do"):
        open_model(str(path))


@pytest.mark.parametrize("place", ["../secret", "/etc/hostname"])
def test_no_file_outside_the_models_folder_is_read(split, place):
    path, _ = split
    told(path, "location", place)
    with pytest.raises(ModelError, match="outside its folder: save the model as one file"):
        open_model(str(path))


@pytest.mark.parametrize("value", ["-4", "far"])
def test_a_place_that_is_none_is_damage(split, value):
    path, _ = split
    told(path, "length", value)
    with pytest.raises(ModelError, match=r"color.onnx: is no onnx file or is damaged \(a weight's place"):
        open_model(str(path))


def test_damage_is_one_clear_line_or_still_readable(split):
    path, _ = split
    data, rng = path.read_bytes(), random.Random(3)
    for _ in range(80):
        broken = bytearray(data[: rng.randrange(len(data))] if rng.random() < 0.5 else data)
        for _ in range(2):
            if broken:
                broken[rng.randrange(len(broken))] = rng.randrange(256)
        path.write_bytes(broken)
        try:
            read_model(path)
        except ModelError as error:
            assert "\n" not in str(error)


def test_weights_that_are_named_again_and_again_are_refused_before_memory_is_taken(split):
    import onnx

    path, _ = split
    (path.parent / WEIGHTS).write_bytes(bytes(1 << 20))
    model = onnx.load(path, load_external_data=False)
    first = model.graph.initializer[0]
    for entry in first.external_data:
        if entry.key == "offset":
            entry.value = "0"
        if entry.key == "length":
            entry.value = str(1 << 20)
    for i in range(40):
        model.graph.initializer.add().CopyFrom(first)
        model.graph.initializer[-1].name = f"again{i}"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=f"names the weights in '{WEIGHTS}' again and again"):
        read_model(path)
    del model.graph.initializer[3:]  # tied weights are named twice
    path.write_bytes(model.SerializeToString())
    assert len(read_model(path)[0]) > 1 << 20


def test_a_length_beyond_the_file_takes_no_memory(split):
    path, _ = split
    told(path, "length", str(10**15))
    with pytest.raises(ModelError, match=r"again and again|ends before"):
        read_model(path)


@pytest.mark.parametrize("which", ["weights", "model"])
def test_a_pipe_is_not_waited_for(split, which):
    import os

    path, _ = split
    pipe = path.parent / (WEIGHTS if which == "weights" else path.name)
    pipe.unlink()
    os.mkfifo(pipe)
    with pytest.raises(ModelError, match="is no regular file"):
        read_model(path)


def test_graphs_within_graphs_have_an_end(split):
    """Within a node of the model's own graph: of a second graph behind it nothing would be read."""
    import onnx

    from edgelens.runtime.formats.protobuf import length_delimited

    def field(number, value):
        return length_delimited(number, len(value)) + value

    path, _ = split
    model = onnx.load(path, load_external_data=False)
    graph = model.graph.SerializeToString()
    model.ClearField("graph")

    def nested(deep):
        inner = b""
        for _ in range(deep):
            inner = field(1, field(5, field(6, inner)))  # a graph's node's attribute's graph
        path.write_bytes(model.SerializeToString() + field(7, graph + inner))

    nested(31)
    read_model(path)
    nested(3000)
    with pytest.raises(ModelError, match="more than 32 deep"):
        read_model(path)
