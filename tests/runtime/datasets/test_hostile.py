"""Data sets that are made to hurt: numbers without end, pipes, other alphabets, files that unpack to more."""

from __future__ import annotations

import gzip
import json
import os

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import load_boxes, load_images
from edgelens.runtime.errors import DataError


def write_yolo(root, text):
    for name in ("images", "labels"):
        (root / name).mkdir()
    cv2.imwrite(str(root / "images/a.png"), np.zeros((8, 8, 3), np.uint8))
    (root / "labels/a.txt").write_text(text)
    return root


def write_npz(root, **arrays):
    np.savez(root / "set.npz", **{"x": np.zeros((2, 6, 6), np.uint8), "y": np.array([0, 1])} | arrays)
    return root / "set.npz"


@pytest.mark.parametrize("label", [2**40, 100_000, 2**63 - 1])
def test_a_label_does_not_make_as_many_names(tmp_path, label):
    with pytest.raises(DataError, match=f"a label is {label}; labels are class numbers below 100,000"):
        load_images(write_npz(tmp_path, y=np.array([0, label])))
    with pytest.raises(DataError, match="is no class and box"):
        load_boxes(write_yolo(tmp_path, f"{label} .5 .5 .1 .1\n"))


@pytest.mark.parametrize("label", ["inf", "1e300", "nan"])
def test_a_label_that_is_no_number_is_one_line(tmp_path, label):
    with pytest.raises(DataError, match="is no YOLO label file"):
        load_boxes(write_yolo(tmp_path, f"{label} .5 .5 .1 .1\n"))


@pytest.mark.parametrize(
    "arrays",
    [
        {"y": np.zeros((2, 0))},
        {"x": np.zeros((2, 0))},
        {"classes": np.array(3)},
        {"y": np.array([0, 2**63], np.uint64)},
        {"y": np.array([-1, 0])},
    ],
)
def test_arrays_that_are_none(tmp_path, arrays):
    with pytest.raises(DataError, match=r"set\.npz"):
        load_images(write_npz(tmp_path, **arrays))


def test_infinite_labels_are_names_without_a_warning(tmp_path):
    assert load_images(write_npz(tmp_path, y=np.array([np.inf, 1.0]))).classes == ("1.0", "inf")


@pytest.mark.parametrize("categories", [[3], [{"id": 1e999}], [{"name": "x"}], ["abc"]])
def test_categories_that_are_none(tmp_path, categories):
    text = json.dumps({"images": [], "annotations": [], "categories": categories})
    (tmp_path / "instances.json").write_text(text)
    with pytest.raises(DataError, match="a category is not as COCO's are"):
        load_boxes(tmp_path)


def test_names_in_another_alphabet_are_one_line(tmp_path):
    write_yolo(tmp_path, "0 .5 .5 .1 .1")
    (tmp_path / "names.txt").write_bytes("Straße".encode("latin-1"))
    with pytest.raises(DataError, match=r"names\.txt: is no UTF-8 text \(byte 4\)"):
        load_boxes(tmp_path)


@pytest.mark.parametrize("name", ["instances.json", "labels/a.txt", "data.yaml"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    write_yolo(tmp_path, "0 .5 .5 .1 .1")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    if name == "instances.json":
        assert load_boxes(tmp_path).format == "yolo"
        return
    with pytest.raises(DataError, match="is no regular file"):
        load_boxes(tmp_path)


@pytest.mark.parametrize("kind", ["npz", "csv", None])
def test_a_pipe_is_no_data_set(tmp_path, kind):
    os.mkfifo(tmp_path / "set.npz")
    with pytest.raises(DataError, match="is no regular file, nor a folder"):
        load_images(tmp_path / "set.npz", format=kind)
    with pytest.raises(DataError, match="no such file or folder"):
        load_images("x" * 5000)


def test_an_idx_file_unpacks_no_further_than_it_says(tmp_path, monkeypatch):
    read: list[int] = []
    whole = gzip.GzipFile.read

    def watched(self, size=-1):
        read.append(size)
        return whole(self, size)

    monkeypatch.setattr(gzip.GzipFile, "read", watched)
    head = bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (1, 2, 3))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + bytes(10**7)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(bytes((0, 0, 8, 1, 0, 0, 0, 1, 0)))
    with pytest.raises(DataError, match=r"says \(1, 2, 3\) and holds more than that"):
        load_images(tmp_path)
    assert read == [16, 7]


def test_a_row_whose_path_no_file_can_have_is_a_missing_image(tmp_path):
    (tmp_path / "set.csv").write_text("x" * 5000 + ",cat\n")
    assert load_images(tmp_path / "set.csv").classes == ("cat",)


def test_classes_of_thousands_of_digits_have_their_order(tmp_path):
    names = ["10", "9" * 6000, "2", "002"]
    (tmp_path / "set.csv").write_text("".join(f"a.png,{name}\n" for name in names))
    assert load_images(tmp_path / "set.csv").classes == ("002", "2", "10", "9" * 6000)


def test_notes_beside_yolo_s_folders_are_no_list_of_pictures(tmp_path):
    write_yolo(tmp_path, "0 .5 .5 .1 .1")
    (tmp_path / "training_notes.txt").write_text("These pictures were taken in the yard, " * 12)
    assert load_boxes(tmp_path).names == ["images/a.png"]
    (tmp_path / "data.yaml").write_text(f"names: [a]\ntrain: images\nval: {'x' * 300}\n")
    assert load_boxes(tmp_path).notes[0].endswith("is not there")


@pytest.mark.parametrize("damage", ["packed", "locked", "newer"])
def test_a_damaged_npz_is_one_line(tmp_path, damage):
    file = tmp_path / "set.npz"
    np.savez_compressed(file, x=np.arange(400, dtype=np.uint8).reshape(4, 10, 10), y=np.array([0, 1, 0, 1]))
    data = bytearray(file.read_bytes())
    entry = data.index(b"PK\x01\x02")
    if damage == "packed":  # a kind of block that there is none of
        data[30 + int.from_bytes(data[26:28], "little") + int.from_bytes(data[28:30], "little")] |= 6
    elif damage == "locked":
        data[entry + 8] |= 1
    else:
        data[entry + 6] |= 64
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"set\.npz: is no \.npz that can be read"):
        load_images(file)


@pytest.mark.parametrize("key", ["points", "x", "rotation"])
def test_whole_numbers_that_no_float_holds_are_one_line(tmp_path, key):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    endless = 10**400
    if key == "points":
        shape = {"label": "cup", "points": [[endless, 2], [3, 4]], "shape_type": "rectangle"}
        told = {"shapes": [shape], "imagePath": "a.png", "imageHeight": 8, "imageWidth": 8}
    else:
        mark = {"x": 1, "y": 1, "width": 5, "height": 5, "rotation": 0, "rectanglelabels": ["cup"]} | {key: endless}
        told = [{"id": 1, "data": {"image": "a.png"}, "annotations": [{"result": [{"value": mark}]}]}]
    (tmp_path / "a.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match="cannot be read"):
        load_boxes(tmp_path)
