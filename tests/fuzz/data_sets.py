"""Data sets of every format, one file of each damaged or swapped for an odd one, read as `evaluate` and `train` do."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from edgelens.runtime.datasets.catalog import BOX_FORMATS, load_boxes, load_images
from edgelens.runtime.datasets.texts import load_texts

from .fuzzer import Attempt, Fuzzer
from .mutate import mutated

__all__ = ["FUZZER"]

SHOWN = 4  # pictures that are decoded


def _picture(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
    return bytes(cv2.imencode((".png", ".jpg", ".bmp")[number % 3], pixels)[1])


def _folders() -> dict[str, bytes]:
    return {f"{split}/{name}/{i}.png": _picture(i) for split in ("train", "test") for name in "ab" for i in range(2)}


def _csv() -> dict[str, bytes]:
    rows = "path,label,split\n" + "".join(f"images/{i}.jpg,{'ab'[i % 2]},train\n" for i in range(4))
    return {"set.csv": rows.encode(), **{f"images/{i}.jpg": _picture(i) for i in range(4)}}


def _idx() -> dict[str, bytes]:
    images = bytes((0, 0, 8, 3)) + b"".join(n.to_bytes(4, "big") for n in (4, 5, 6)) + bytes(range(120))
    labels = bytes((0, 0, 8, 1)) + (4).to_bytes(4, "big") + bytes((0, 1, 2, 1))
    plain = {"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels}
    return plain | {name.replace("train", "t10k") + ".gz": gzip.compress(data) for name, data in plain.items()}


def _cifar() -> dict[str, bytes]:
    rows = np.random.default_rng(0).integers(0, 10, (2, 3073), np.uint8).tobytes()
    return {"data_batch_1.bin": rows, "test_batch.bin": rows, "batches.meta.txt": "\n".join("abcdefghij").encode()}


def _npz() -> dict[str, bytes]:
    buffer = io.BytesIO()
    rng = np.random.default_rng(0)
    np.savez(buffer, x_train=rng.random((4, 6, 6)), y_train=np.array([0, 1, 2, 1]), classes=np.array(["a", "b", "c"]))
    return {"set.npz": buffer.getvalue()}


def _voc() -> dict[str, bytes]:
    box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox>"
    text = f"<annotation><filename>a.png</filename><object><name>cat</name>{box}</object></annotation>"
    return {"Annotations/a.xml": text.encode(), "JPEGImages/a.png": _picture(0), "ImageSets/Main/val.txt": b"a\n"}


def _coco() -> dict[str, bytes]:
    table = {
        "images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
        "categories": [{"id": 7, "name": "cat"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}],
    }
    return {"annotations/instances_val.json": json.dumps(table).encode(), "images/a.png": _picture(0),
            "images/b.png": _picture(3)}  # fmt: skip


def _yolo() -> dict[str, bytes]:
    return {"images/a.png": _picture(0), "labels/a.txt": b"0 .5 .5 .2 .2\n1 .1 .1 .2 .1 .3 .3\n",
            "data.yaml": b"names:\n  0: cat\n  1: dog\n"}  # fmt: skip


def _boxes_csv() -> dict[str, bytes]:
    rows = "path,xmin,ymin,xmax,ymax,label,split\nimages/0.jpg,1,2,9,8,cat,train\nimages/1.png,,,,,,val\n"
    return {"set.csv": rows.encode(), "images/0.jpg": _picture(1), "images/1.png": _picture(0)}


def _cvat() -> dict[str, bytes]:
    box = '<box label="cat" xtl="1" ytl="2" xbr="9" ybr="8" occluded="0"/><polygon label="dog" points="1,1;5,1;5,5"/>'
    image = f'<image id="0" name="a.png" width="16" height="12">{box}</image>'
    text = f"<annotations><version>1.1</version>{image}</annotations>"
    return {"annotations.xml": text.encode(), "images/a.png": _picture(0)}


def _label_studio() -> dict[str, bytes]:
    value = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["cat"]}
    answer = {"type": "rectanglelabels", "original_width": 16, "original_height": 12, "value": value}
    task = {"id": 1, "data": {"image": "/data/upload/1/abcdef01-a.png"}, "annotations": [{"result": [answer]}]}
    return {"export.json": json.dumps([task]).encode(), "images/a.png": _picture(0)}


def _texts() -> dict[str, bytes]:
    rows = "file,text\n" + "".join(f"images/{i}.jpg,AB {i}\n" for i in range(4))
    return {"labels.csv": rows.encode(), **{f"images/{i}.jpg": _picture(1) for i in range(4)}}


GOOD: dict[str, Callable[[], dict[str, bytes]]] = {
    "folders": _folders, "csv": _csv, "idx": _idx, "cifar10": _cifar, "npz": _npz, "voc": _voc, "coco": _coco,
    "yolo": _yolo, "boxes-csv": _boxes_csv, "cvat": _cvat, "label-studio": _label_studio, "texts": _texts,
}  # fmt: skip
ODD_ARRAYS = (
    np.array([2**40, 0, 1, 1]), np.array([-1, 0, 1, 1]), np.array([np.nan, 1, 2, 1]), np.array(["a", "b", "a", ""]),
    np.zeros((4, 0)), np.zeros((0, 6, 6)), np.zeros((4, 6, 6, 7)), np.full((4, 6, 6), np.inf), np.array(3),
    np.zeros((4, 6, 6), complex), np.zeros((4, 6, 6), "M8[s]"), np.array([True, False, True, True]),
    np.array([0, 1, 2, 2**63], np.uint64), np.zeros((4, 36)), np.zeros(4, [("a", "i4")]), np.array([1e300, 0, 1, 1]),
)  # fmt: skip
ODD_TEXTS = (
    b"1099511627776 .5 .5 .1 .1\n", b"inf 1 1 1 1\n", b"nan 0 0 0 0", b"-1 .5 .5 .1 .1", b"0 1e999 nan inf -inf",
    b"0 .5 .5 .1 .1 .2 .3 .4", b"names: {0: a, 99999999999: b}\n", b"names: [a, b", b"names:\n  0: a\n  2: b\n",
    b"names: 5\n", b"names: '\n", b"[" * 50_000, b'{"annotations": [], "categories": [], "images": []}',
    b'{"annotations": 3, "categories": {}, "images": null}', b'{"images": [1], "annotations": [2], "categories": [3]}',
    b'{"images": [{"id": [], "file_name": "a"}], "annotations": [], "categories": []}',
    b'{"images": [{"id": 1, "file_name": "../../etc/passwd"}], "annotations": [], "categories": [{"id": 1e999}]}',
    b"path,xmin,ymin,xmax,ymax,label\n../../etc/passwd,1e999,nan,-inf,9,a\n/dev/zero,1,2,3,4,b\n",
    b"file,text\n/dev/zero,a\n",
    b'[{"data": {"image": "../../../etc/passwd"}, "annotations": [{"result": [{"value": {"x": 1e999}}]}]}]',
    b'[{"data": [], "annotations": {}}]', b'[{"data": {"image": 5}, "annotations": [{"result": 5}]}]',
    b'<annotations><image name="/dev/zero" width="nan"><box xtl="1e999"/><polygon points=";,;"/></image></annotations>',
    b"<a>" * 100_000,
    b'<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', b"<annotation><object/></annotation>",
    b"\xff\xfe\0\0", b"path;label\n\0;\0\n", b"path,label,split\na,b,other\n", b"9" * 6000 + b",1\n", b'"' * 5001,
)  # fmt: skip


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Attempt]:
    """A folder that holds one data set at a time."""
    sets = {name: make() for name, make in GOOD.items()}
    place = folder / "set"

    def attempt(chance: random.Random) -> None:
        name = chance.choice(list(sets))
        shutil.rmtree(place, ignore_errors=True)
        _write(place, _changed(chance, sets[name]), chance)
        where = {"csv": place / "set.csv", "npz": place / "set.npz"}.get(name, place)
        asked = name if chance.random() < 0.5 and name != "texts" else None
        load = load_texts if name == "texts" else load_boxes if name in BOX_FORMATS else load_images
        found, _ = load(where, format=asked).for_evaluation(chance.choice((None, "train", "test", "all")))
        for i in range(min(len(found), SHOWN)):
            found.image(i)

    yield attempt


def _changed(chance: random.Random, files: dict[str, bytes]) -> dict[str, bytes | None]:
    """The files, one or two of them damaged, swapped, emptied or gone (None)."""
    changed: dict[str, bytes | None] = dict(files)
    for name in chance.sample(list(files), min(len(files), chance.choice((1, 1, 2)))):
        how = chance.random()
        if name.endswith(".npz") and how < 0.6:
            changed[name] = _odd_npz(chance)
        elif how < 0.6:
            changed[name] = mutated(chance, files[name])
        elif how < 0.85:
            changed[name] = chance.choice(ODD_TEXTS)
        else:
            changed[name] = chance.choice((None, b"", files[chance.choice(list(files))]))
    return changed


def _odd_npz(chance: random.Random) -> bytes:
    arrays = {"x_train": np.zeros((4, 6, 6)), "y_train": np.array([0, 1, 0, 1]), "classes": np.array(["a", "b"])}
    arrays |= {"masks": np.zeros((4, 6, 6), bool)} if chance.random() < 0.3 else {}
    for name in chance.sample(list(arrays), chance.randint(1, len(arrays))):
        arrays[name] = chance.choice(ODD_ARRAYS)
    if chance.random() < 0.3:
        del arrays[chance.choice(list(arrays))]
    buffer = io.BytesIO()
    (np.savez_compressed if chance.random() < 0.3 else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def _write(place: Path, files: dict[str, bytes | None], chance: random.Random) -> None:
    for name, data in files.items():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if data is not None:
            target.write_bytes(data)
        elif chance.random() < 0.5:
            os.mkfifo(target)  # what never ends where it is read
        elif chance.random() < 0.5:
            target.mkdir()


FUZZER = Fuzzer(opened)
