import inspect

import cv2
import numpy as np
import pytest

import edgelens
from edgelens import Recognizer
from edgelens.runtime.errors import ImageError


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
        assert results[0].device == "me"
        for result in recognizer.stream("demo"):
            assert result.frame.size == (480, 640)
            break


def test_threshold_and_region(color_bundle, frames_of_colors):
    with Recognizer(color_bundle, threshold=0.9999999, region=(0, 0, 10, 10)) as recognizer:
        assert recognizer(frames_of_colors[0] // 3).top[0] == "unknown"


def test_the_public_class_is_pinned():
    assert edgelens.Recognizer is Recognizer
    wanted = (
        "(model='digits', *, engine='auto', precision=None, threads=None, threshold=None, region=None, device_id=None)"
    )
    bare = inspect.signature(Recognizer)
    shown = bare.replace(
        parameters=[p.replace(annotation=inspect.Parameter.empty) for p in bare.parameters.values()],
        return_annotation=inspect.Signature.empty,
    )
    assert str(shown) == wanted
    assert [name for name in vars(Recognizer) if not name.startswith("_")] == ["labels", "stream"]
