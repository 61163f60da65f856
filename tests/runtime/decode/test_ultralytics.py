"""Ultralytics exports: graphs with the layouts and metadata that the exporter writes."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2
NAMES = "{0: 'person', 1: 'bicycle', 2: \"driver's cap\"}"
METADATA = {
    "description": "Ultralytics YOLO11n model", "author": "Ultralytics", "version": "8.3.40", "stride": "32",
    "task": "detect", "batch": "1", "imgsz": f"[{SIDE}, {SIDE}]", "names": NAMES, "args": "{'nms': False}",
}  # fmt: skip

# what the networks below answer: centre x, y, w, h in input pixels, class, score
TRUTH = [((20, 24, 16, 20), 0, 0.9), ((21, 25, 16, 20), 0, 0.6), ((21, 25, 16, 20), 2, 0.7), ((50, 40, 8, 8), 1, 0.2)]


def v8_output(extra=0, cells=CELLS, scale=1.0):
    out = np.zeros((1, 4 + 3 + extra, cells), np.float32)
    out[0, :2], out[0, 2:4] = SIDE / 2 / scale, 20 / scale
    for k, (box, cls, score) in enumerate(TRUTH):
        out[0, :4, 5 * k] = np.array(box) / scale
        out[0, 4 + cls, 5 * k] = score
    return out


def v5_output(anchors=3 * CELLS):
    out = np.zeros((1, anchors, 5 + 3), np.float32)
    out[0, :, 2:4] = 20
    for k, (box, cls, score) in enumerate(TRUTH):
        out[0, 7 * k, :4], out[0, 7 * k, 4], out[0, 7 * k, 5 + cls] = box, 1.0, score
    return out


def nms_output(rows=300, scale=1.0):
    out = np.zeros((1, rows, 6), np.float32)
    for k, ((x, y, w, h), cls, score) in enumerate(t for t in TRUTH if t[2] != 0.6):
        corners = np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2]) / scale
        out[0, k] = [*corners, score, cls]
    return out


@pytest.fixture
def export(tmp_path, onnx_graph):
    """Writes a model file that takes a picture, looks at every pixel of it, and answers what it is told to."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    def write(output, metadata=None, name="yolo.onnx", shape=(1, 3, SIDE, SIDE), out_shape=None):
        nodes = [
            helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["answer", "nothing"], ["output0"]),
        ]
        model = onnx_graph(
            nodes,
            {"images": ("float32", list(shape))},
            {"output0": ("float32", list(out_shape or output.shape))},
            {"answer": output, "zero": np.zeros(1, np.float32)},
            metadata,
        )
        (tmp_path / name).write_bytes(model)
        return str(tmp_path / name)

    return write


def see(model, **options):
    bundle = open_model(model, **options)
    frame = Frame(np.full((SIDE // 2, SIDE, 3), 80, np.uint8))  # half as high: 16 rows of bars above and below
    with BundleRecognizer(bundle) as recognizer:
        return recognizer.recognize(frame).recognitions, bundle


def check_truth(seen):
    """Best of each class, the overlapping second person suppressed, the faint bicycle below the threshold."""
    assert [(label, round(score, 3)) for label, score in seen] == [("person", 0.9), ("driver's cap", 0.7)]
    assert seen.boxes[0] == pytest.approx([12, 0, 16, 18])  # 14 - 16 bars = -2, clipped at the frame's edge
    assert seen.boxes[1] == pytest.approx([13, 0, 16, 19])


@pytest.mark.parametrize(
    ("output", "layout"), [(v8_output(), "v8"), (v5_output(), "v5"), (nms_output(), "nms"), (nms_output(17), "nms")]
)
def test_the_layouts_with_metadata(export, output, layout):
    seen, bundle = see(export(output, METADATA))
    check_truth(seen)
    network = bundle.manifest.main
    assert network.decode.options["layout"] == layout
    assert network.labels == ("person", "bicycle", "driver's cap")
    assert (network.pixels.resize, network.pixels.pad, network.pixels.color) == ("letterbox", 114, "rgb")
    assert network.files[0].tensor.std == (255.0,)
    assert any("from its metadata" in note for note in bundle.notes)


@pytest.mark.parametrize("output", [v8_output(scale=SIDE), nms_output(scale=SIDE)])
def test_an_onnx_file_that_was_made_of_a_tflite_export_has_boxes_in_fractions(export, output):
    check_truth(see(export(output, METADATA))[0])


@pytest.mark.parametrize(("times", "said"), [(100, "90"), (5, "4.5")])
def test_scores_that_are_no_probabilities_are_refused(export, times, said):
    output = v8_output()
    output[0, 4:] *= times
    with pytest.raises(ModelError, match=rf"scores a box {said}, and a score is 1 at most"):
        see(export(output, METADATA))


def test_v5_metadata_has_no_task_and_no_size(export):
    seen, _ = see(export(v5_output(), {"stride": "32", "names": NAMES}))
    check_truth(seen)


@pytest.mark.parametrize(("output", "layout"), [(v8_output(), "v8"), (v5_output(), "v5"), (nms_output(), "nms")])
def test_the_layouts_by_shape_alone_are_said(export, output, layout):
    seen, bundle = see(export(output))
    assert [label for label, _ in seen] == ["0", "2"]
    assert bundle.manifest.main.decode.options["layout"] == layout
    assert any("from the shape of its output" in note for note in bundle.notes)


def test_free_batch_size_and_size(export):
    path = export(v8_output(), METADATA, shape=("batch", 3, "height", "width"), out_shape=("batch", 7, "anchors"))
    seen, bundle = see(path)
    check_truth(seen)
    assert bundle.manifest.main.pixels.width == SIDE
    check_truth(see(path, input_size=f"{SIDE}x{SIDE}")[0])
    with pytest.raises(UsageError, match="--input-size"):
        see(export(v8_output(), shape=("batch", 3, "height", "width")), decoder="yolov8")
    seen, _ = see(str(path), input_size=(SIDE, SIDE))
    assert [label for label, _ in seen] == ["0", "2"]


def test_one_class_is_no_finished_output(export):
    one = {**METADATA, "names": "{0: 'person'}"}
    output = v5_output()[:, :, :6]
    seen, bundle = see(export(np.ascontiguousarray(output), one))
    assert bundle.manifest.main.decode.options["layout"] == "v5"
    assert [label for label, _ in seen] == ["person"]


def test_threshold_overlap_count_and_classes(export):
    path = export(v8_output(), METADATA)
    assert [label for label, _ in see(path, threshold=0.1)[0]] == ["person", "driver's cap", "bicycle"]
    assert len(see(path, iou=0.95)[0]) == 3
    assert len(see(path, max_det=1)[0]) == 1
    assert [label for label, _ in see(path, classes="driver's cap")[0]] == ["driver's cap"]
    assert [label for label, _ in see(path, classes=[0])[0]] == ["person"]
    with pytest.raises(UsageError, match="--classes cow"):
        see(path, classes="cow")


def test_pose_points(export):
    output = v8_output(extra=6)
    output[0, 7:13, 0] = [20, 24, 0.8, 30, 40, 0.1]
    seen, _ = see(export(output, {**METADATA, "task": "pose", "kpt_shape": "[2, 3]"}))
    assert seen.keypoints[0] == pytest.approx(np.array([[20, 8, 0.8], [30, 24, 0.1]]))


def test_a_pose_network_that_does_not_say_so_is_asked_for(export):
    output = np.zeros((1, 4 + 1 + 51, CELLS), np.float32)
    output[0, 2:4] = 20
    output[0, :5, 3] = [20, 24, 16, 20, 0.9]
    output[0, 5:8, 3], output[0, 53:56, 3] = [21, 25, 0.7], [18, 30, 0.6]
    path = export(output)
    assert any("--decode yolov8-pose" in note for note in open_model(path).notes)
    with pytest.raises(ModelError, match="which --decode may know"):  # places of keypoints are no scores
        see(path)
    seen, _ = see(path, decoder="yolov8-pose")
    assert list(seen) == [("person", pytest.approx(0.9))]
    assert seen.keypoints.shape == (1, 17, 3)
    assert seen.keypoints[0, [0, 16]] == pytest.approx(np.array([[21, 9, 0.7], [18, 14, 0.6]]))


def test_finished_poses_that_do_not_say_so_are_asked_for(export):
    output = np.zeros((1, 300, 6 + 51), np.float32)
    output[0, 0, :6] = [12, 14, 28, 34, 0.9, 0]
    output[0, 0, 6:9] = [21, 25, 0.7]
    seen, _ = see(export(output), decoder="yolov8-pose")
    assert list(seen) == [("person", pytest.approx(0.9))]
    assert seen.boxes[0] == pytest.approx([12, 0, 16, 18])
    assert seen.keypoints[0, 0] == pytest.approx([21, 9, 0.7])


def test_detr_queries(export):
    output = np.zeros((1, 30, 7), np.float32)
    output[0, 4] = [20 / SIDE, 24 / SIDE, 16 / SIDE, 20 / SIDE, 0.1, 0, 0.9]
    seen, _ = see(export(output, METADATA))
    assert list(seen) == [("driver's cap", pytest.approx(0.9))]
    assert seen.boxes[0] == pytest.approx([12, 7, 16, 10])


def picked_queries():
    """RT-DETR's best queries: centers and sizes in fractions of the picture, score and class."""
    out = np.zeros((1, 300, 6), np.float32)
    for k, (box, cls, score) in enumerate(sorted(TRUTH, key=lambda truth: -truth[2])):
        out[0, k] = [*np.array(box) / SIDE, score, cls]
    return out


@pytest.mark.parametrize("known_by", ["its head", "its name", "its graph"])
def test_detr_queries_that_are_picked_in_the_graph_are_centers_in_fractions(export, onnx_graph, tmp_path, known_by):
    output = picked_queries()
    if known_by == "its head":
        path = export(output, {**METADATA, "head": "RTDETRDecoder", "description": "Ultralytics best model"})
    elif known_by == "its name":
        path = export(output, {**METADATA, "description": "Ultralytics rtdetr-l model trained on coco"})
    else:
        helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")
        nodes = [
            helper.make_node("GridSample", ["images", "grid"], ["sampled"]),
            helper.make_node("ReduceMean", ["sampled"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["answer", "nothing"], ["output0"]),
        ]
        weights = {"grid": np.zeros((1, 1, 1, 2), np.float32), "answer": output, "zero": np.zeros(1, np.float32)}
        shapes = {"images": ("float32", [1, 3, SIDE, SIDE])}, {"output0": ("float32", list(output.shape))}
        (tmp_path / "detr.onnx").write_bytes(onnx_graph(nodes, *shapes, weights))
        path = str(tmp_path / "detr.onnx")
    seen, bundle = see(path)
    names = ["person", "driver's cap", "person"] if known_by != "its graph" else ["0", "2", "0"]
    assert [label for label, _ in seen] == names  # no suppression: each query is a thing
    assert seen.boxes[0] == pytest.approx([12, 7, 16, 10])  # stretched: a frame half as high
    assert bundle.manifest.main.pixels.resize == "stretch"


def test_detr_queries_of_two_classes_are_told_from_score_and_class(export):
    two = {**METADATA, "names": "['cat', 'dog']", "head": "RTDETRDecoder"}
    queries = np.zeros((1, 300, 6), np.float32)
    queries[0, :] = [20 / SIDE, 24 / SIDE, 16 / SIDE, 20 / SIDE, 0.001, 0.002]
    queries[0, 9, 4:] = 0.1, 0.8
    assert list(see(export(queries, two))[0]) == [("dog", pytest.approx(0.8))]
    picked = picked_queries()
    picked[..., 5] = np.minimum(picked[..., 5], 1)
    assert [label for label, _ in see(export(picked, two))[0]] == ["cat", "dog", "cat"]


@pytest.fixture
def export_classifier(onnx_graph, tmp_path):
    """Writes a classifier that gives the odds of each channel's mean, for pictures of a size; its path."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Softmax", ["mean"], ["output0"], axis=-1),
    ]

    def written(height, width):
        shapes = {"images": ("float32", [1, 3, height, width])}, {"output0": ("float32", [1, 3])}
        metadata = {**METADATA, "task": "classify", "imgsz": f"[{height}, {width}]"}
        (tmp_path / "cls.onnx").write_bytes(onnx_graph(nodes, *shapes, {}, metadata))
        return str(tmp_path / "cls.onnx")

    return written


def test_classifiers_see_the_centre_crop_and_are_not_softmaxed_again(export_classifier):
    bundle = open_model(export_classifier(8, 8))
    assert bundle.manifest.main.pixels.resize == "crop"
    frame = np.zeros((8, 24, 3), np.uint8)
    frame[:, 8:16, 0] = 255  # the middle is blue, the third channel of RGB
    with BundleRecognizer(bundle) as recognizer:
        seen = recognizer.recognize(Frame(frame)).recognitions
    assert seen.label() == "driver's cap"
    assert seen.scores[0] == pytest.approx(np.e / (np.e + 2), abs=1e-5)


def test_classifiers_that_are_no_square_see_the_whole_picture(export_classifier):
    frame = np.zeros((16, 16, 3), np.uint8)
    frame[:4, :, 0] = 255  # blue, where a crop of half the height does not look
    with BundleRecognizer(open_model(export_classifier(8, 16))) as recognizer:
        seen = recognizer.recognize(Frame(frame)).recognitions
    assert seen.label() == "driver's cap"


@pytest.mark.parametrize("content", ["json", "python"])
def test_tflite_metadata_in_the_appended_zip(content, shared, tmp_path):
    from edgelens.runtime.formats.catalog import describe

    metadata = {"task": "detect", "stride": 32, "imgsz": [64, 64], "names": {0: "person", 1: "it's"}}
    buffer = io.BytesIO((shared / "models/mlperf_tiny/pretrainedResnet.tflite").read_bytes())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        if content == "json":
            archive.writestr("metadata.json", json.dumps(metadata, indent=2))
        else:
            archive.writestr("temp_meta.txt", str(metadata))
    file = describe(buffer.getvalue(), "x.tflite")
    from edgelens.runtime.decode.ultralytics_reading import ExportMetadata

    export = ExportMetadata.of(file.metadata)
    assert export is not None
    assert (export.task, export.size, export.names) == ("detect", (64, 64), ("person", "it's"))


@pytest.mark.parametrize(
    ("output", "layout"),
    [(v8_output(scale=SIDE), "v8"), (v8_output(), "v8"), (nms_output(scale=SIDE), "nms"), (nms_output(), "nms")],
)
def test_tflite_exports_in_fractions_of_the_picture_or_in_pixels(output, layout):
    """Ultralytics divides boxes by the picture's size for TFLite; other converters of the same network do not."""
    from edgelens.runtime.bundle.manifest import Network
    from edgelens.runtime.decode.ultralytics import UltralyticsOptions, ultralytics
    from edgelens.runtime.decode.ultralytics_reading import read_as_ultralytics
    from edgelens.runtime.formats.description import ModelDescription
    from edgelens.runtime.formats.tensor import TensorInfo
    from edgelens.runtime.preprocess import PixelContract, fit_frame

    file = ModelDescription(
        "tflite",
        "tflite",
        (TensorInfo("x", (1, SIDE, SIDE, 3), "int8", 1 / 255, -128),),
        (TensorInfo("y", output.shape, "int8", 1 / 128, 0),),
        (),
        "schema 3",
        metadata=METADATA,
    )
    reading = read_as_ultralytics(file, ())
    assert reading is not None
    assert (reading.decode.options["layout"], reading.resize, reading.std) == (layout, "letterbox", (255.0,))
    pixels = PixelContract(SIDE, SIDE, "rgb", reading.resize, "linear", reading.pad)
    names = ("person", "bicycle", "driver's cap")
    network = Network("detect", names, pixels, (), reading.decode, ())
    placement = fit_frame(np.zeros((SIDE // 2, SIDE, 3), np.uint8), pixels)[1]
    check_truth(ultralytics(network, UltralyticsOptions.of(network.decode))({"predictions": output}, placement))


def test_v5_segmentation_and_old_exports_with_raw_grids(export, onnx_graph, tmp_path):
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")

    masks = np.concatenate([v5_output(), np.ones((1, 3 * CELLS, 32), np.float32)], axis=2)
    check_truth(see(export(masks, {"stride": "32", "names": NAMES}))[0])
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["output"]),
        helper.make_node("Add", ["raw", "nothing"], ["345"]),
    ]
    weights = {"answer": v5_output(), "zero": np.zeros(1, np.float32), "raw": np.zeros((1, 3, 8, 8, 8), np.float32)}
    outputs = {"output": ("float32", [1, 3 * CELLS, 8]), "345": ("float32", [1, 3, 8, 8, 8])}
    data = onnx_graph(nodes, {"images": ("float32", [1, 3, SIDE, SIDE])}, outputs, weights)
    (tmp_path / "old.onnx").write_bytes(data)
    assert [label for label, _ in see(str(tmp_path / "old.onnx"))[0]] == ["0", "2"]


def test_rows_beside_other_rows_are_no_boxes_unless_that_is_said(told):
    outputs = {"boxes": np.zeros((1, 3 * CELLS, 1, 4), np.float32), "confs": np.zeros((1, 3 * CELLS, 8), np.float32)}
    with pytest.raises(ModelError, match="no decoder fits its outputs boxes"):
        open_model(told(outputs, (SIDE, SIDE)))  # YOLOv4's: the scores are no rows of boxes
