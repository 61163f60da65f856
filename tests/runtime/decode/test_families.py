"""YOLOX, SSD, UltraFace and classifiers: arrays whose answer is known, and the shared models on real frames."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edgelens.runtime.bundle.manifest import Decode, Network
from edgelens.runtime.decode.boxes import BoxOptions
from edgelens.runtime.decode.grids import cells
from edgelens.runtime.decode.pytorch_ssd import pytorch_ssd
from edgelens.runtime.decode.ssd import SsdOptions, ssd, ssd_labels
from edgelens.runtime.decode.yolox import YoloxOptions, yolox
from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import PixelContract, fit_frame


def network(decode, *, labels=(), size=64, **pixels):
    return Network("detect", labels, PixelContract(size, size, **{"resize": "stretch", **pixels}), (), decode, ())


def placement(net, height=64, width=64):
    return fit_frame(np.zeros((height, width, 3), np.uint8), net.pixels)[1]


def see(path, frame, **options):
    with BundleRecognizer(open_model(str(path), **options)) as recognizer:
        return recognizer.recognize(Frame(frame)).recognitions


def video_frame(path, index):
    capture = cv2.VideoCapture(str(path))
    for _ in range(index + 1):
        frame = capture.read()[1]
    capture.release()
    return frame


def test_yolox_puts_cells_back_where_they_are():
    net = network(Decode("yolox", threshold=0.3), labels=("a", "b"))
    places, sizes = cells(64, 64, (8, 16, 32))
    raw = np.zeros((1, len(places), 7), np.float32)
    for row, label in ((10, 0), (70, 1)):  # one at stride 8, one at stride 16
        center, extent = np.array([30, 26]), np.array([12, 20])
        raw[0, row, :2] = center / sizes[row] - places[row]
        raw[0, row, 2:4] = np.log(extent / sizes[row])
        raw[0, row, 4], raw[0, row, 5 + label] = 0.9, 0.8
    seen = yolox(net, YoloxOptions.of(net.decode))({"grid": raw}, placement(net))
    assert sorted(label for label, _ in seen) == ["a", "b"]
    assert seen.scores == pytest.approx([0.72, 0.72])
    assert seen.boxes == pytest.approx(np.array([[24, 16, 12, 20]] * 2), abs=1e-4)


def test_yolox_of_another_size_is_one_line():
    net = network(Decode("yolox"))
    with pytest.raises(ModelError, match="no grid of a 64x64 picture"):
        yolox(net, YoloxOptions())({"grid": np.ones((1, 11, 7), np.float32)}, placement(net))


def test_ssd_reads_its_count_and_order():
    net = network(Decode("ssd", threshold=0.4), labels=("person", "car"))
    outputs = {
        "boxes": np.array([[[0.25, 0.5, 0.5, 0.75], [0, 0, 0.5, 0.5], [0, 0, 1, 1]]], np.float32),
        "classes": np.array([[1, 0, 0]], np.float32),
        "scores": np.array([[0.8, 0.5, 0.9]], np.float32),
        "count": np.array([2], np.float32),
    }
    seen = ssd(net, SsdOptions.of(net.decode))(outputs, placement(net))
    assert list(seen) == [("car", pytest.approx(0.8)), ("person", pytest.approx(0.5))]
    assert seen.boxes[0] == pytest.approx([32, 16, 16, 16])


def test_ssd_labels_with_background_gaps_or_neither():
    assert ssd_labels(("???", "a", "b"), 2)[0] == ("a", "b")
    assert ssd_labels(("a", "b"), 2) == (("a", "b"), ())
    names = ("person", *(f"n{i}" for i in range(1, 80)))
    spread, notes = ssd_labels(names, 90)
    assert len(spread) == 90
    assert spread[10:13] == ("n10", "n/a", "n11")
    assert spread[89] == "n79"
    assert notes
    assert ssd_labels(("", "a", "b"), 2)[0] == ("a", "b")  # numbered from 1


def test_ultraface_takes_the_face_column():
    net = network(Decode("ultraface", threshold=0.7), labels=("face",), size=64)
    scores = np.array([[[0.1, 0.9], [0.9, 0.1], [0.2, 0.8]]], np.float32)
    boxes = np.array([[[0.25, 0.25, 0.5, 0.5], [0, 0, 1, 1], [0.25, 0.25, 0.5, 0.51]]], np.float32)
    seen = pytorch_ssd(net, BoxOptions(iou=0.5))({"scores": scores, "boxes": boxes}, placement(net, 128, 128))
    assert list(seen) == [("face", pytest.approx(0.9))]
    assert seen.boxes[0] == pytest.approx([32, 32, 32, 32])


def test_shared_yolox_and_ssd_find_the_person(shared):
    frame = video_frame(shared / "video/one-by-one-person-detection.mp4", 300)
    seen = see(shared / "models/yolox/yolox_nano.onnx", frame)
    assert list(seen) == [("person", pytest.approx(0.90, abs=0.005))]
    x, y, w, h = seen.boxes[0]
    assert (x, y, w, h) == pytest.approx((381, 9, 162, 366), abs=3)
    seen = see(shared / "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite", frame)
    assert list(seen) == [("person", pytest.approx(0.66, abs=0.01))]
    assert see(shared / "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite", frame, classes="car,dog").ids.size == 0


def test_shared_ultraface_finds_the_face_silently(shared, capfd):
    seen = see(shared / "models/ultraface/version-RFB-320.onnx", video_frame(shared / "video/asl_help.mkv", 5))
    assert list(seen) == [("face", pytest.approx(1.0, abs=0.005))]
    x, y, w, h = seen.boxes[0]
    assert (x / 640, y / 480) == pytest.approx((0.47, 0.16), abs=0.01)
    assert ((x + w) / 640, (y + h) / 480) == pytest.approx((0.57, 0.34), abs=0.01)
    assert capfd.readouterr() == ("", "")


def test_shared_classifiers_need_no_options(shared, capfd):
    bundle = open_model(str(shared / "models/coral/mobilenet_v1_0.25_128_quant.tflite"))
    network = bundle.manifest.main
    assert network.decode.options["probabilities"] is True
    assert network.labels[0] == "background"
    assert len(network.labels) == 1001
    assert (network.files[0].tensor.mean, network.files[0].tensor.scale) == ((0.0,), None)
    fewer = [f"n{i}" for i in range(1000)]
    assert open_model(
        str(shared / "models/coral/mobilenet_v1_0.25_128_quant.tflite"), labels=fewer
    ).manifest.main.labels[:2] == ("background", "n0")
    with pytest.raises(UsageError, match="7 names for a model of 1001 classes"):
        open_model(str(shared / "models/coral/mobilenet_v1_0.25_128_quant.tflite"), labels=fewer[:7])


def test_shared_mnist_reads_the_digits(shared):
    import gzip

    def read(name, head):
        return np.frombuffer(
            gzip.open(shared / f"classify/mnist/test8k-{name}-ubyte.gz").read(200_000)[head:], np.uint8
        )

    images = read("images-idx3", 16)
    images = images[: len(images) // 784 * 784].reshape(-1, 28, 28)
    labels = read("labels-idx1", 8)[: len(images)]
    with BundleRecognizer(open_model(str(shared / "models/mnist_onnx/mnist.onnx"))) as recognizer:
        right = [
            recognizer.recognize(Frame(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))).recognitions.ids[0] == label
            for image, label in zip(images, labels, strict=True)
        ]
    assert np.mean(right) > 0.97


def test_tensorflow_detectors_as_onnx_are_known_by_their_outputs_names():
    """Of any size, uint8 NHWC, classes counted from 1: what the model zoo's detectors become."""
    from edgelens.runtime.decode.ssd import read_as_ssd
    from edgelens.runtime.formats.description import ModelDescription
    from edgelens.runtime.formats.tensor import TensorInfo

    names = ("detection_boxes:0", "detection_classes:0", "num_detections:0", "detection_scores:0")
    shapes = ((1, None, 4), (1, None), (1,), (1, None))
    file = ModelDescription(
        "onnx",
        "onnxruntime",
        (TensorInfo("image_tensor:0", (None, None, None, 3), "uint8"),),
        tuple(TensorInfo(name, shape, "float32") for name, shape in zip(names, shapes, strict=True)),
        (),
        "opset 11",
    )
    reading = read_as_ssd(file, ("person", "car"))
    assert reading is not None
    assert reading.outputs == ("boxes", "classes", "count", "scores")
    net = network(reading.decode, labels=reading.labels)
    outputs = {
        "boxes": np.array([[[0, 0, 0.5, 0.5]]], np.float32),
        "classes": np.array([[1]], np.float32),
        "scores": np.array([[0.9]], np.float32),
        "count": np.array([1], np.float32),
    }
    assert list(ssd(net, SsdOptions.of(net.decode))(outputs, placement(net))) == [("person", pytest.approx(0.9))]


def test_an_ssd_without_labels_answers_with_cocos_names_and_says_so(shared, shared_data, tmp_path):
    """Its classes are TensorFlow's 90 numbers, of which 80 are in use: by their order they would be other things."""
    from edgelens.runtime.datasets.catalog import load_boxes
    from edgelens.runtime.model.evaluate import evaluate

    labelled = shared / "models/ssd/coco_ssd_mobilenet_v1_1.0_quant.tflite"
    data = labelled.read_bytes()
    (tmp_path / "bare.tflite").write_bytes(data[: data.rindex(b"PK\x05\x06")])  # the labels are in the zip behind it
    bare = open_model(tmp_path / "bare.tflite")
    assert any("taken for COCO's" in note for note in bare.notes)
    names = [("n/a" if name == "???" else name) for name in open_model(labelled).manifest.main.labels]
    assert list(bare.manifest.main.labels) == names
    pictures = load_boxes(shared_data / "coco_small_a_yolo").select(range(8))
    report = evaluate(bare, pictures).report.to_json()
    assert report["labels_matched_by"] == "name"
    assert report["map50"] > 0.3


def test_numbers_beyond_the_datas_classes_are_said(halves_bundle, frames_of_colors, tmp_path):
    import dataclasses

    from edgelens.runtime.datasets.catalog import load_boxes
    from edgelens.runtime.model.evaluate import evaluate

    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    cv2.imwrite(str(tmp_path / "images/a.png"), frames_of_colors[0])
    (tmp_path / "labels/a.txt").write_text("0 .25 .5 .5 1\n")
    (tmp_path / "names.txt").write_text("thing\n")
    manifest = halves_bundle.manifest
    nameless = dataclasses.replace(manifest.main, labels=())
    bundle = dataclasses.replace(halves_bundle, manifest=dataclasses.replace(manifest, networks={"main": nameless}))
    lines = evaluate(bundle, load_boxes(tmp_path)).report.lines()
    assert any("answers with class 1 where the data has 1" in line for line in lines)
    assert not any("answers with" in line for line in evaluate(halves_bundle, load_boxes(tmp_path)).report.lines())


def test_tensorflow_detectors_may_hand_out_more_than_is_read():
    from edgelens.runtime.decode.ssd import read_as_ssd
    from edgelens.runtime.formats.description import ModelDescription
    from edgelens.runtime.formats.tensor import TensorInfo

    shapes = {
        "detection_anchor_indices": (1, 100), "detection_boxes": (1, 100, 4), "detection_classes": (1, 100),
        "detection_multiclass_scores": (1, 100, 91), "detection_scores": (1, 100), "num_detections": (1,),
        "raw_detection_boxes": (1, 1917, 4), "raw_detection_scores": (1, 1917, 91),
    }  # fmt: skip
    file = ModelDescription(
        "onnx",
        "onnxruntime",
        (TensorInfo("input_tensor", (1, None, None, 3), "uint8"),),
        tuple(TensorInfo(name, shape, "float32") for name, shape in shapes.items()),
        (),
        "opset 13",
    )
    reading = read_as_ssd(file, ())
    assert reading is not None
    assert reading.outputs == ("boxes", "classes", "scores", "count")
    assert reading.picked == ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
    assert (reading.unnamed[0], reading.unnamed[11], len(reading.unnamed)) == ("person", "n/a", 90)
