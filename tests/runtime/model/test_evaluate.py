"""`evaluate`: the published accuracies of published models, labels by name or number, and what is left out."""

from __future__ import annotations

import json
import shutil
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.errors import DataError, EdgelensError
from edgelens.runtime.model.evaluate import evaluate as evaluate_model
from edgelens.runtime.model.network import choose_file
from edgelens.runtime.model.open import open_model
from edgelens.runtime.tasks.label_match import match_labels

RESNET = "models/mlperf_tiny/pretrainedResnet_quant.tflite"
MNIST = "models/mnist_onnx/mnist.onnx"


def evaluate(*arguments):
    """The verb's JSON; errors come through as the exceptions they are."""
    done = CliRunner().invoke(cli, ["evaluate", *map(str, arguments), "--json", "-"], standalone_mode=False)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout)


def write_images(images, folder, rows):
    """Class folders of an image set's pictures."""
    for i in rows:
        target = folder / images.classes[images.labels[i]]
        target.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target / f"{i}.png"), images.image(i))
    return folder


def test_the_quantized_resnet_of_mlperf_tiny_on_all_test_images(shared, shared_data):
    result = evaluate(shared / RESNET, shared_data / "cifar10")
    assert (result["split"], result["images"]) == ("test", 8000)
    assert result["accuracy"] == pytest.approx(0.8675, abs=0.0005)
    assert result["right"] == round(result["accuracy"] * 8000)
    confusion = np.array(result["confusion"])
    assert confusion.sum() == 8000
    assert np.trace(confusion) == result["right"]
    assert [row["images"] for row in result["per_class"]] == [800] * 10
    assert result["macro"]["recall"] == pytest.approx(result["accuracy"])
    assert 0.98 < result["top5"] <= 1
    assert result["stages_ms"]["total"]["p50"] > 0


def test_mnist_on_the_first_thousand_test_digits(shared, shared_data):
    result = evaluate(shared / MNIST, shared_data / "mnist", "--limit", 1000)
    assert result["accuracy"] == pytest.approx(0.987)
    assert result["labels_matched_by"] == "name"


def test_folders_of_the_same_pictures_give_the_same_answers(shared, shared_data, tmp_path):
    images = load_images(shared_data / "mnist").split("test")
    rows = np.arange(150)
    folder = write_images(images, tmp_path / "digits", rows)
    bundle = open_model(str(shared / MNIST))
    file = choose_file(bundle.manifest.main)
    arrays: Any = evaluate_model(bundle, images.select(rows), file=file).report
    files = load_images(folder)
    from_files: Any = evaluate_model(bundle, files, file=file).report
    place = {int(name.rsplit("/")[-1].removesuffix(".png")): n for n, name in enumerate(files.names)}
    np.testing.assert_array_equal(arrays.predicted, from_files.predicted[[place[i] for i in rows]])
    np.testing.assert_array_equal(arrays.scores, from_files.scores[[place[i] for i in rows]])


def test_a_part_of_the_classes_is_compared_among_itself(shared, shared_data, tmp_path):
    images = load_images(shared_data / "mnist").split("test")
    rows = np.flatnonzero(np.isin(images.labels, [3, 8]))[:60]
    result = evaluate(shared / MNIST, write_images(images, tmp_path / "some", rows))
    assert result["classes"] == ["3", "8"]
    assert result["accuracy"] >= 0.98
    assert result["top5"] == 1.0


def test_rejected_and_unreadable_images_are_told_apart(shared, shared_data, tmp_path):
    images = load_images(shared_data / "cifar10").split("test")
    folder = write_images(images, tmp_path / "photos", np.arange(80))
    (folder / "cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "cat" / "notes.txt").write_text("not an image")
    plain = evaluate(shared / RESNET, folder)
    strict = evaluate(shared / RESNET, folder, "--threshold", 0.95)
    assert (plain["images"], plain["unreadable"], plain["rejected"]) == (80, 1, 0)
    assert strict["accuracy"] == plain["accuracy"]  # the plain top-1, whatever is rejected
    assert 5 < strict["rejected"] < 75
    assert strict["accuracy_of_accepted"] > plain["accuracy"]


def test_tables_for_people(shared, shared_data, tmp_path):
    images = load_images(shared_data / "mnist").split("test")
    folder = write_images(images, tmp_path / "digits", np.arange(40))
    target = tmp_path / "result.json"
    done = CliRunner().invoke(cli, ["evaluate", str(shared / MNIST), str(folder), "--json", str(target)])
    assert done.exit_code == 0, done.output
    assert "macro mean" in done.stdout
    assert "confusion" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("all split, 40 images, onnxruntime float32: top-1 ")
    assert json.loads(target.read_text())["schema"] == 1


@pytest.mark.parametrize(("labels", "said"), [(["cup", "pen", "cup", "pen"], True), ([0, 1, 2, 3], False)])
def test_classes_matched_by_their_order_are_said(tmp_path, labels, said):
    np.savez(tmp_path / "set.npz", images=np.full((4, 28, 28), 200, np.uint8), labels=np.array(labels))
    shown = CliRunner().invoke(cli, ["evaluate", "digits", str(tmp_path / "set.npz")])
    assert shown.exit_code == 0, shown.output
    assert ("matched by their order" in shown.stdout) == said


def test_what_cannot_be_evaluated_says_why(shared, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"")
    for arguments, message in (
        ([shared / MNIST, tmp_path], "none of 1 images can be decoded"),
        ([shared / MNIST, tmp_path, "--split", "test"], "has no split 'test'"),
        ([tmp_path / "none.onnx", tmp_path], "no such file"),
        ([shared / MNIST, tmp_path / "nowhere"], "no such file or folder"),
    ):
        with pytest.raises(EdgelensError, match=message) as error:
            evaluate(*arguments)
        assert "\n" not in str(error.value)


def test_a_detector_on_boxes(shared, shared_data, tmp_path):
    source = shared_data / "coco_small_a_yolo"
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
        for file in sorted((source / part).iterdir())[:10]:
            shutil.copy(file, tmp_path / part)
    shutil.copy(source / "names.txt", tmp_path)
    result = evaluate(shared / "models/yolox/yolox_nano.onnx", tmp_path)
    assert result["task"] == "detect"
    assert result["images"] == 10
    assert 0.3 < result["map50"] <= 1
    assert result["accuracy"] == result["map50_95"] < result["map50"]
    with pytest.raises(DataError, match="no data set with boxes"):
        evaluate(shared / "models/yolox/yolox_nano.onnx", source / "person_labels.csv")


def test_labels_match_by_name_else_by_index():
    by_name = match_labels(("Dog", "cat "), ("cat", "dog", "bird"), 3)
    assert (by_name.columns.tolist(), by_name.how) == ([1, 0], "name")
    numbers = match_labels(("3", "10"), (), 11)
    assert numbers.columns.tolist() == [3, 10]
    by_index = match_labels(("airplane", "car"), ("airplane", "automobile"), 2)
    assert (by_index.columns.tolist(), by_index.how) == ([0, 1], "index")
    partly = match_labels(("bird", "cow", "cat"), ("cat", "dog", "bird"), 3)
    assert partly.columns.tolist() == [2, -1, 0]
    assert partly.unknown.tolist() == [1]
    with pytest.raises(DataError, match="neither their names nor their numbers fit"):
        match_labels(("a", "b", "c"), ("x", "y"), 2)


def test_a_class_the_model_does_not_know_is_always_wrong(shared, shared_data, tmp_path):
    images = load_images(shared_data / "mnist").split("test")
    folder = write_images(images, tmp_path / "digits", np.arange(30))
    shutil.copytree(folder / "7", folder / "letters")
    result = evaluate(shared / MNIST, folder)
    row = next(row for row in result["per_class"] if row["class"] == "letters")
    assert result["unknown_classes"] == ["letters"]
    assert row["recall"] == 0


def test_only_what_the_data_shows_of_an_unknown_class_is_said():
    match = match_labels(("cat", "cow", "emu"), ("cat",), 1)
    assert match.said(("cat", "cow", "emu"), np.array([2, 0, 1]), "boxes count as missed") == [
        "the model has no label for: emu; their boxes count as missed"
    ]
    assert match.said(("cat", "cow", "emu"), np.array([2, 0, 0]), "boxes count as missed") == []


def test_labels_that_differ_in_case_alone_are_two():
    assert match_labels(("Ok", "ok"), ("Ok", "ok"), 2).columns.tolist() == [0, 1]
    assert match_labels(("ok", "Ok"), ("Ok", "ok", "cup"), 3).columns.tolist() == [1, 0]
    assert match_labels(("OK", "cup"), ("Ok", "ok", "Cup"), 3).columns.tolist() == [-1, 2]
