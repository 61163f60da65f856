"""What is kept for people to look at, and that training takes it as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.frame import Frame
from edgelens.runtime.preprocess import Region
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.options.uncertain import UncertainOptions
from edgelens.runtime.sinks.uncertain import UncertainSink, blurred_outside, is_uncertain

LABELS = ("cup", "a/b", "..")


def result(ids: list[int], scores: list[float], captured: float = 0.0, boxes: Any = None) -> Result:
    """A detector's boxes; without them a classifier's best class, or rejection, and its rivals."""
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    seen = Recognitions(LABELS, ids, scores, boxes=boxes, task="detect")
    if boxes is None and ids:
        rivals = {"rivals": np.array([ids[1:]], np.int32), "rival_scores": np.array([scores[1:]], np.float32)}
        seen = Recognitions(LABELS, ids[:1], scores[:1], **rivals, task="classify")
    return Result(Frame(image, captured=captured, source="door"), seen)


@pytest.mark.parametrize(("seen", "expected"), [
    (result([-1, 0, 1], [0.4, 0.4, 0.3]), True),  # rejected
    (result([0, 1], [0.65, 0.1]), True),  # near the threshold
    (result([0, 1], [0.95, 0.02]), False),
    (result([0, 1], [0.75, 0.70]), True),  # a narrow lead
    (result([], []), False),
    (result([0, 0], [0.95, 0.62], boxes=[[0, 0, 9, 9], [20, 20, 9, 9]]), True),  # one box of two
    (result([0, 1], [0.95, 0.93], boxes=[[0, 0, 9, 9], [20, 20, 9, 9]]), False),  # two things are no rivals
])  # fmt: skip
def test_what_counts_as_uncertain(seen: Result, expected: bool) -> None:
    assert is_uncertain(seen, Decode(threshold=0.6), UncertainOptions(Path())) is expected


def test_a_label_is_near_its_own_threshold() -> None:
    held, options = Decode(threshold=0.6, thresholds={"cup": 0.3}), UncertainOptions(Path())
    assert not is_uncertain(result([0], [0.65], boxes=[[0, 0, 9, 9]]), held, options)
    assert is_uncertain(result([0], [0.35], boxes=[[0, 0, 9, 9]]), held, options)
    assert is_uncertain(result([0, 1], [0.9, 0.65], boxes=[[0, 0, 9, 9], [20, 20, 9, 9]]), held, options)
    assert not is_uncertain(result([0], [0.65]), held, options)


def test_pictures_land_in_class_folders_that_training_reads(tmp_path: Path) -> None:
    options = UncertainOptions(tmp_path, every_s=5, keep_free_bytes=0)
    with UncertainSink(options, decode=lambda source: Decode(threshold=0.6)) as sink:
        for i, label in enumerate([0, 0, 1, 0, 2, 1, 0]):
            sink.write(result([-1, label], [0.3, 0.3], captured=i * 3.0))
    assert sink.kept == 4, "one in five seconds"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a_b", "cup", "unknown"]
    from edgelens.runtime.datasets import folders

    images = folders.read(tmp_path)
    assert len(images) == 4


def test_a_file_s_pictures_are_kept_by_its_own_time_and_image_files_all(tmp_path: Path) -> None:
    shown, options = result([-1, 0], [0.3, 0.3]), UncertainOptions(tmp_path, every_s=5, keep_free_bytes=0)
    clip = [replace(shown, frame=replace(shown.frame, position_s=3.0 * i, source="clip")) for i in range(5)]
    files = [replace(shown, frame=replace(shown.frame, path=f"{i}.png", source="folder")) for i in range(5)]
    with UncertainSink(options, decode=lambda source: Decode(threshold=0.6)) as sink:
        for each in clip:
            sink.write(each)
        assert sink.kept == 3
        for each in files:
            sink.write(each)
    assert sink.kept == 8


def test_the_quota_takes_the_oldest(tmp_path: Path) -> None:
    options = UncertainOptions(tmp_path, every_s=0, quota_bytes=60_000, keep_free_bytes=0)
    with UncertainSink(options) as sink:
        for i in range(12):
            sink.write(result([-1, 0], [0.3, 0.3], captured=float(i)))
            assert sum(path.stat().st_size for path in tmp_path.rglob("*.jpg")) <= 60_000
    assert sink.kept == 12


def test_blur_leaves_only_the_recognized_area() -> None:
    image = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    out = blurred_outside(image, [(40, 30, 50, 40)])
    assert (out[30:70, 40:90] == image[30:70, 40:90]).all()
    outside = np.ones((120, 160), bool)
    outside[30:70, 40:90] = False
    assert out[outside].std() < image[outside].std() / 4


def test_blur_follows_boxes_or_the_region(tmp_path: Path) -> None:
    options = UncertainOptions(tmp_path, every_s=0, blur=True, keep_free_bytes=0)
    with UncertainSink(options, region=lambda source: Region(0.5, 0, 0.5, 1)) as sink:
        sink.write(result([-1, 0], [0.3, 0.3]))
    (kept,) = tmp_path.rglob("*.jpg")
    image = cv2.imread(str(kept))
    assert image[:, 100:].std() > 3 * image[:, :70].std()


def test_blur_leaves_every_box_of_what_was_found(tmp_path: Path) -> None:
    options = UncertainOptions(tmp_path, every_s=0, blur=True, keep_free_bytes=0)
    unsure = result([0, 0], [0.62, 0.61], boxes=[[0, 0, 60, 120], [float("nan")] * 4])
    with UncertainSink(options, decode=lambda source: Decode(threshold=0.6)) as sink:
        sink.write(unsure)
    (kept,) = tmp_path.rglob("*.jpg")
    image = cv2.imread(str(kept))
    assert image[:, :50].std() > 3 * image[:, 80:].std()


def test_training_takes_the_folder_as_it_is(tmp_path: Path) -> None:
    """The loop from the field back to training: two labels that a linear network tells apart."""
    train = pytest.importorskip("edgelens.cli.train", reason="training is not installed")
    pytest.importorskip("torch")
    from edgelens.train import Run

    draw, kept = np.random.default_rng(3), tmp_path / "kept"
    with UncertainSink(
        UncertainOptions(kept, every_s=0, keep_free_bytes=0), decode=lambda source: Decode(threshold=0.6)
    ) as sink:
        for i in range(40):
            image = draw.integers(0, 100, (48, 64, 3), dtype=np.uint8)
            image[:24] += np.uint8(120 * (i % 2))
            rival = {"rivals": np.array([[i % 2]], np.int32), "rival_scores": np.array([[0.5]], np.float32)}
            seen = Recognitions(("dark", "bright"), [-1], [0.5], **rival, task="classify")
            sink.write(Result(Frame(image, i, captured=float(i), source="door"), seen))
    words = [str(kept), "--out", str(tmp_path / "run"), "--model", "linear", "--epochs", "12", "--size", "16x16"]
    words += ["--augment", "none", "--threads", "1", "--precision", "float32", "--cache", str(tmp_path / "cache")]
    done = CliRunner().invoke(train.command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    run = Run.open(tmp_path / "run")
    assert sorted(run.classes) == ["bright", "dark"]
    assert run.facts.metrics["val_accuracy"] == 1.0
