"""Readers of labelled images: every format, recognised by looking, and one line for what is wrong."""

from __future__ import annotations

import gzip
import os
import struct

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.errors import DataError, ImageError


def photo(value=100):
    return cv2.imencode(".png", np.full((6, 8, 3), value, np.uint8))[1].tobytes()


def tree(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(photo())
    return folder


def idx(array):
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def refused(path, message, **options):
    with pytest.raises(DataError, match=message) as error:
        load_images(path, **options)
    assert "\n" not in str(error.value)


def test_class_folders_with_and_without_splits(tmp_path):
    plain = load_images(tree(tmp_path / "plain", "cat/1.png", "cat/deep/2.PNG", "dog/1.jpg", "dog/notes.txt"))
    assert plain.format == "folders"
    assert plain.classes == ("cat", "dog")
    assert plain.labels.tolist() == [0, 0, 1]
    assert set(plain.splits) == {""}
    assert plain.passed_over == 1
    split = load_images(
        tree(
            tmp_path / "s",
            "Train/cat/1.png",
            "valid/cat/2.png",
            "testing/dog/3.png",
            "valid/dog/4.png",
            "eval/dog/5.png",
        )
    )
    assert dict(zip(split.names, split.splits, strict=True)) == {
        "Train/cat/1.png": "train",
        "valid/cat/2.png": "val",
        "valid/dog/4.png": "val",
        "testing/dog/3.png": "test",
        "eval/dog/5.png": "test",
    }
    assert split.image(0).shape == (6, 8, 3)


def test_a_class_may_be_called_test_and_numbers_count_by_value(tmp_path):
    assert load_images(tree(tmp_path / "a", "test/1.png", "good/1.png")).classes == ("good", "test")
    assert load_images(tree(tmp_path / "b", *(f"{c}/1.png" for c in range(12)))).classes == tuple(map(str, range(12)))


def test_only_test_folders_are_a_test_set(tmp_path):
    images, used = load_images(tree(tmp_path, "test/cat/1.png", "test/dog/1.png")).for_evaluation()
    assert (len(images), used) == (2, "test")


def test_splits_beside_classes_are_refused(tmp_path):
    refused(tree(tmp_path, "train/cat/1.png", "cat/1.png"), "beside them images in cat")


def test_names_that_are_no_utf8(tmp_path):
    tree(tmp_path, "a/1.png", "b/1.png")
    with open(os.fsencode(tmp_path / "a") + b"/\xff\xe9.png", "wb") as stream:
        stream.write(photo(7))
    images = load_images(tmp_path)
    assert sorted(images.image(i)[0, 0, 0] for i in range(3)) == [7, 100, 100]


def test_class_folders_that_are_no_utf8_get_names_that_can_be_written(tmp_path):
    tree(tmp_path, "a/1.png", "b/1.png")
    os.rename(os.fsencode(tmp_path / "b"), os.fsencode(tmp_path) + b"/\xe9t\xe9")
    images = load_images(tmp_path)
    assert images.classes == ("a", "\xe9t\xe9")
    assert images.image(1).shape == images.image(0).shape


def test_csv_with_and_without_header(tmp_path):
    tree(tmp_path, "1.png", "images/2.png", "images/3.png")
    table = tmp_path / "set.csv"
    table.write_text("label,split,path\ndog,train,1.png\ncat,validation,images/2.png\n")
    images = load_images(table)
    assert images.classes == ("cat", "dog")
    assert images.splits.tolist() == ["train", "val"]
    table.write_text("1.png,b\nimages/2.png,a\n")
    assert load_images(table).labels.tolist() == [1, 0]
    table.write_text("1.png;b;test\nimages/2.png;a;train\n")
    assert load_images(table).splits.tolist() == ["test", "train"]
    table.write_text("file,person,boxes\n2.png,1,4\n3.png,0,0\n")  # another header, files in images/
    images = load_images(table)
    assert images.labels.tolist() == [1, 0]
    assert images.image(0).shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("name", "data"),
    [("set.csv", b"label,image_path\na,images/1.png\nb,images/2.png\n"),
     ("set.csv", b"id,Image Name,class_name\n7,1.png,a\n8,2.png,b\n"),
     ("set.csv", b"image_id,label\n1,a\n2,b\n"),
     ("set.csv", b"\xef\xbb\xbfpath,label\r\nimages\\1.png,a\r\nimages\\2.png,b\r\n"),
     ("set.csv", "path\tlabel\r\nimages/1.png\ta\r\nimages/2.png\tb\r\n".encode("utf-16")),
     ("set.tsv", b"images/1.png\ta\nimages/2.png\tb\n"),
     ("photos.csv", b"1.png,a\n2.png,b\n")],
)  # fmt: skip
def test_csv_as_other_tools_write_it(tmp_path, name, data):
    folder = "photos" if name == "photos.csv" else "images"
    tree(tmp_path, f"{folder}/1.png", f"{folder}/2.png")
    (tmp_path / name).write_bytes(data)
    images = load_images(tmp_path / name)
    assert (images.classes, images.labels.tolist()) == (("a", "b"), [0, 1])
    assert images.image(1).shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "lists no images"), ("path,label\n", "lists no images"),
     ("path,label\n1.png\n", "row 1 .* has no path or no label"),
     ("path,label,split\n1.png,a,later\n", "split 'later'")],
)  # fmt: skip
def test_csv_that_is_wrong(tmp_path, text, message):
    (tmp_path / "set.csv").write_text(text)
    refused(tmp_path / "set.csv", message)


def test_a_listed_image_that_is_missing_is_found_when_it_is_read(tmp_path):
    (tmp_path / "set.csv").write_text("path,label\nnone.png,a\nnone.png,b\n")
    with pytest.raises(ImageError, match=r"none.png: could not be read"):
        load_images(tmp_path / "set.csv").image(0)


@pytest.mark.parametrize("packed", [True, False])
def test_idx(tmp_path, packed):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 4, 6), np.uint8)
    for part in ("train", "t10k"):
        for kind, array in (("images-idx3", pictures), ("labels-idx1", np.array([0, 2, 1, 0, 2], np.uint8))):
            data = idx(array)
            name = f"{part}-{kind}-ubyte" + (".gz" if packed else "")
            (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    images = load_images(tmp_path)
    assert (images.format, images.classes, len(images)) == ("idx", ("0", "1", "2"), 10)
    test = images.split("test")
    np.testing.assert_array_equal(test.image(1)[..., 0], pictures[1])
    np.testing.assert_array_equal(test.pixels, pictures)
    assert test.select(np.array([4, 0])).image(0)[0, 0, 0] == pictures[4, 0, 0]


@pytest.mark.parametrize(
    ("names", "folder"),
    [("emnist-letters-{}-{}-idx{}-ubyte", "."), ("{}-{}.idx{}-ubyte", "."), ("{}8k-{}-idx{}-ubyte", "raw")],
    ids=["emnist", "kaggle", "torchvision"],
)
def test_idx_under_the_names_that_others_give(tmp_path, names, folder):
    for part, count in (("train", 5), ("test", 3)):
        for kind, axes, array in (("images", 3, np.zeros((count, 4, 6), np.uint8)), ("labels", 1, np.arange(count))):
            file = tmp_path / folder / names.format(part, kind, axes)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(idx(array.astype(np.uint8)))
            file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))  # torchvision leaves both
    images = load_images(tmp_path)
    assert (len(images.split("train")), len(images.split("test")), len(images)) == (5, 3, 8)


def test_emnist_is_upright_and_its_letters_have_names(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 6, 6), np.uint8)
    for part in ("train", "test"):
        start = f"emnist-letters-{part}"
        (tmp_path / f"{start}-images-idx3-ubyte").write_bytes(idx(pictures))
        (tmp_path / f"{start}-labels-idx1-ubyte").write_bytes(idx(np.array([1, 2, 4, 2], np.uint8)))
    assert load_images(tmp_path).classes == ("1", "2", "4")
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n3 67 99\n4 68 100\n")
    images = load_images(tmp_path)
    assert images.classes == ("A", "B", "D")
    assert images.labels.tolist() == [0, 1, 2, 1] * 2
    np.testing.assert_array_equal(images.image(5)[..., 0], pictures[1].T)
    (tmp_path / "emnist-letters-mapping.txt").write_text("1\n")
    refused(tmp_path, "no table of a label")
    (tmp_path / "emnist-digits-train-images-idx3-ubyte").write_bytes(idx(pictures))
    (tmp_path / "emnist-digits-train-labels-idx1-ubyte").write_bytes(idx(np.zeros(4, np.uint8)))
    refused(tmp_path, r"several sets \(emnist-digits, emnist-letters\)")


def test_idx_that_is_wrong(tmp_path):
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    refused(tmp_path, "labels and no images")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((2, 4, 4), np.uint8)))
    refused(tmp_path, "3 labels for 2 images")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((3, 4, 4), np.uint8))[:-5])
    refused(tmp_path, r"says \(3, 4, 4\) and holds 43 bytes")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\x1f\x8bnot really")
    refused(tmp_path, "could not be read")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"PK")
    refused(tmp_path, "no IDX file")


def test_cifar10(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (7, 3073), np.uint8)
    rows[:, 0] = np.arange(7)
    rows[:4].tofile(tmp_path / "data_batch_1.bin")
    rows[4:].tofile(tmp_path / "test_batch.bin")
    images = load_images(tmp_path)
    assert images.classes[6] == "frog"
    assert images.splits.tolist() == ["train"] * 4 + ["test"] * 3
    np.testing.assert_array_equal(images.image(5)[..., ::-1], rows[5, 1:].reshape(3, 32, 32).transpose(1, 2, 0))
    (tmp_path / "data_batch_2.bin").write_bytes(b"short")
    refused(tmp_path, "no whole number")
    rows[:, 0] = 77
    rows.tofile(tmp_path / "data_batch_2.bin")
    refused(tmp_path, "label is 77")


def npz(path, **arrays):
    np.savez(path / "set.npz", **arrays)
    return path / "set.npz"


def test_npz_splits_names_and_layouts(tmp_path):
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 256, (4, 8, 9, 3), np.uint8)
    both = load_images(npz(tmp_path, x_train=colour, y_train=np.arange(4), x_test=colour[:2], y_test=np.arange(2)))
    assert both.splits.tolist() == ["train"] * 4 + ["test"] * 2
    np.testing.assert_array_equal(both.image(4)[..., ::-1], colour[0])
    first = load_images(npz(tmp_path, images=colour.transpose(0, 3, 1, 2), labels=np.array(list("abca"))))
    np.testing.assert_array_equal(first.pixels, colour)
    assert first.classes == ("a", "b", "c")
    flat = load_images(npz(tmp_path, data=colour[..., 0][:, :8, :8].reshape(4, 64), target=np.eye(4)))
    assert flat.pixels.shape == (4, 8, 8)
    assert flat.labels.tolist() == [0, 1, 2, 3]
    named = load_images(npz(tmp_path, images=colour, labels=[0, 1, 0, 1], classes=np.array(["x", "y", "z"])))
    assert named.classes == ("x", "y", "z")


@pytest.mark.parametrize(
    "names",
    [
        "X_train Y_train X_valid Y_valid",
        "trainX trainy testX testy",
        "train_image train_label validation_image validation_label",
    ],
)
def test_npz_names_that_others_give(tmp_path, names):
    pictures, labels = np.full((4, 8, 9), 200, np.uint8), np.array([0, 1, 0, 1])
    arrays = dict(zip(names.split(), (pictures, labels, pictures[:2], labels[:2]), strict=True))
    images = load_images(npz(tmp_path, **arrays, target_names=np.array(["cat", "dog"])))
    assert images.classes == ("cat", "dog")
    assert images.splits.tolist() == ["train"] * 4 + (["test"] if "testX" in names else ["val"]) * 2


@pytest.mark.parametrize(
    ("low", "top", "values"),
    [
        (-0.03, 1.04, np.float32),
        (0, 1.0000001, np.float64),
        (-1.02, 1.03, np.float32),
        (-6, 259, np.float32),
        (0, 1, np.uint8),
    ],
)
def test_npz_pixels_past_black_and_white_are_those_of_a_resize(tmp_path, low, top, values):
    pictures = np.zeros((2, 10, 10), values)
    pictures[:, :5] = top
    pictures[:, 5:] = low
    images = load_images(npz(tmp_path, images=pictures, labels=[0, 1]))
    assert (images.pixels[:, :5] == 255).all()
    assert (images.pixels[:, 5:] == 0).all()


@pytest.mark.parametrize(
    ("values", "white"),
    [(np.float32, 1.0), (np.float64, 255.0), (np.uint16, 65535), (np.uint16, 4095), (np.int64, 255), (np.bool_, 1)],
)
def test_npz_values_of_any_depth_become_bytes(tmp_path, values, white):
    ramp = (np.linspace(0, 1, 100).reshape(1, 10, 10) * white).round(6).astype(values)
    ramp = np.concatenate([ramp, ramp])
    images = load_images(npz(tmp_path, images=ramp, labels=[0, 1]))
    expected = ramp.astype(float) / white * 255
    assert np.abs(images.pixels - expected).max() <= 1
    assert images.masks is None


@pytest.mark.parametrize(("gray", "black", "white"), [(500, 0, 4000), (0.5, -1.0, 1.0), (1, 0, 200)])
def test_npz_splits_mean_the_same_gray_by_the_same_number(tmp_path, gray, black, white):
    kind = np.float32 if black < 0 else np.uint16 if white > 255 else np.uint8
    train, test = np.full((2, 10, 10), gray, kind), np.full((2, 10, 10), gray, kind)
    train[0, 0, 0], train[1] = black, white
    images = load_images(npz(tmp_path, x_train=train, y_train=[0, 1], x_test=test, y_test=[0, 1]))
    assert images.pixels[0, 5, 5] == images.pixels[2, 5, 5]


def test_npz_missing_pixels_are_filled_with_their_images_mean(tmp_path):
    pictures = np.full((3, 6, 6), 0.2, np.float32)
    pictures[0, :3] = 0.6
    pictures[0, 0, 0] = np.nan
    pictures[2] = np.nan
    images = load_images(npz(tmp_path, images=pictures, labels=[0, 1, 1]))
    mean = np.nanmean(pictures[0]) * 255
    assert abs(int(images.pixels[0, 0, 0]) - mean) < 1
    assert (images.pixels[2] == 128).all()
    assert images.masks.sum(axis=(1, 2)).tolist() == [1, 0, 36]
    colour = np.full((2, 4, 4, 4), 200, np.uint8)
    colour[0, 0, 0] = [9, 9, 9, 0]
    images = load_images(npz(tmp_path, images=colour, labels=[0, 1], masks=np.eye(4, dtype=bool)[None].repeat(2, 0)))
    assert images.pixels.shape == (2, 4, 4, 3)
    assert (images.pixels == 200).all()
    assert images.masks.sum() == 8


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": np.zeros((2, 4, 4))}, "holds pictures; it needs"),
        ({"images": np.zeros((2, 4, 4))}, "no labels for them"),
        ({"images": np.zeros((2, 4, 4)), "labels": [0, 1, 2]}, "2 images with labels of shape"),
        ({"images": np.zeros((2, 5)), "labels": [0, 1]}, "is no images"),
        ({"images": np.zeros((2, 4, 4)), "labels": [0, -1]}, "a label is -1"),
        ({"images": np.zeros((2, 4, 4)), "labels": [0, 3], "classes": ["a"]}, "`classes` names 1"),
        ({"images": np.full((2, 4, 4), -2.5), "labels": [0, 1]}, "pixels from -2.5 to -2.5"),
        ({"images": np.full((2, 4, 4), 4.25), "labels": [0, 1]}, "pixels from 4.25 to 4.25"),
        (
            {"images": np.zeros((2, 4, 4), np.uint8), "labels": [0, 1], "masks": np.zeros((2, 3, 3), bool)},
            "masks of shape",
        ),
        ({"images": np.array([["a"], [{}]], object), "labels": [0, 1]}, "no .npz that can be read"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_npz_that_is_wrong(tmp_path, arrays, message):
    refused(npz(tmp_path, **arrays), message)


def test_a_large_npz_is_mapped_and_a_torn_one_refused(tmp_path):
    path = npz(tmp_path, images=np.full((2000, 32, 32), 200, np.uint8), labels=np.arange(2000) % 3)
    assert isinstance(load_images(path).stored, np.memmap)
    path.write_bytes(path.read_bytes()[:5000])
    refused(path, "no .npz that can be read")


def test_a_detectors_data_is_no_set_of_classes(tmp_path):
    tree(tmp_path, "JPEGImages/1.png")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations" / "1.xml").write_text("<annotation/>")
    refused(tmp_path, r"holds boxes \(voc\)")
    assert len(load_images(tmp_path, format="folders")) == 1


def test_what_is_no_data_set_says_what_would_be_one(tmp_path):
    refused(tmp_path, "is an empty folder; give")
    refused(tmp_path / "nothing", "no such file or folder")
    (tmp_path / "a.txt").write_text("hello")
    refused(tmp_path / "a.txt", "is a file and no data set")
    refused(tmp_path, "is no data set that is known")
    refused(tmp_path, "--format tfrecord: must be one of", format="tfrecord")
    tree(tmp_path, "1.png")
    refused(tmp_path, "1 images and no folders")
    (tmp_path / "cat").mkdir()
    refused(tmp_path, "no images in class folders")


def test_splits_that_are_asked_for(tmp_path):
    images = load_images(tree(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/2.png"))
    assert images.for_evaluation()[1] == "val"
    assert len(images.for_evaluation("all")[0]) == 3
    for split, message in (("test", "no split 'test'; there are: train, val"), ("x", "--split x: must be one of")):
        with pytest.raises(DataError, match=message):
            images.for_evaluation(split)
