import inspect

import cv2
import numpy as np
import pytest

import edgelens
from edgelens import Recognizer
from edgelens.runtime.errors import ImageError, UsageError


def test_an_image_or_a_file_is_recognized(color_bundle, frames_of_colors, tmp_path):
    path = tmp_path / "green.png"
    cv2.imwrite(str(path), frames_of_colors[1])
    with Recognizer(color_bundle.path) as recognizer:
        assert recognizer.labels == ("red", "green", "blue")
        assert recognizer(frames_of_colors[0]).top[0] == "red"
        assert recognizer(path).top[0] == "green"
        with pytest.raises(ImageError, match="uint8 BGR"):
            recognizer(np.zeros((4, 4)))


def test_a_stream_gives_results_and_can_be_left(color_bundle, frames_of_colors, tmp_path):
    for i, frame in enumerate(frames_of_colors):
        cv2.imwrite(str(tmp_path / f"{i}.png"), frame)
    with Recognizer(str(color_bundle.path), engine="onnxruntime", threads=1, device_id="me") as recognizer:
        results = list(recognizer.stream(tmp_path / "*.png"))
        assert [result.seen.label() for result in results] == ["red", "green", "blue"] * 2
        assert results[0].origin.device == "me"
        assert results[0].origin.bundle == "color"
        for result in recognizer.stream("demo"):
            assert result.frame.size == (480, 640)
            break


def test_threshold_and_region(color_bundle, frames_of_colors):
    with Recognizer(color_bundle, threshold=0.9999999, region=(0, 0, 10, 10)) as recognizer:
        assert recognizer(frames_of_colors[0] // 3).top[0] == "unknown"


def test_a_bare_model_file_is_told_what_its_picture_is(color_onnx, frames_of_colors, tmp_path):
    path = tmp_path / "color.onnx"
    path.write_bytes(color_onnx())
    options = {"labels": ["r", "g", "b"], "mean": 128, "std": (128, 128, 128), "color": "rgb", "resize": "crop"}
    with Recognizer(path, **options, classes=["g", "b"]) as recognizer:
        assert recognizer.labels == ("r", "g", "b")
        assert recognizer(frames_of_colors[2]).top[0] == "b"
        answer = recognizer(frames_of_colors[0])
        assert {label for label, _ in [*answer, *answer.rivals_of()]} == {"g", "b"}


def test_a_bundle_takes_what_concerns_its_answer_and_keeps_its_picture(color_bundle, frames_of_colors):
    with Recognizer(color_bundle, labels=["x", "y", "z"]) as recognizer:
        assert recognizer(frames_of_colors[1]).top[0] == "y"
    with pytest.raises(UsageError, match="is a bundle and brings its own"):
        Recognizer(color_bundle, std=255)


def test_the_public_class_is_pinned():
    assert edgelens.Recognizer is Recognizer
    wanted = (
        "(model='digits', *, engine='auto', precision=None, threads=None, threshold=None, region=None, device_id=None,"
        " labels=None, mean=None, std=None, color=None, resize=None, pad=None, input_size=None, decoder=None,"
        " iou=None, max_det=None, classes=None)"
    )
    bare = inspect.signature(Recognizer)
    shown = bare.replace(
        parameters=[p.replace(annotation=inspect.Parameter.empty) for p in bare.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    assert str(shown) == wanted
    assert [name for name in vars(Recognizer) if not name.startswith("_")] == ["labels", "stream"]
