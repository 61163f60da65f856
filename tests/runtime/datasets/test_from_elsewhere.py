"""Data sets that were made on another machine: its paths, its endings, its marks before texts and what it leaves."""

from __future__ import annotations

import codecs
import json

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import load_boxes, load_images
from edgelens.runtime.datasets.other_machine import told_apart, ways_here
from edgelens.runtime.errors import DataError

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
BOX = {"x": 10, "y": 10, "width": 20, "height": 20, "rectanglelabels": ["cat"]}


def photo(*places):
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place), np.full((40, 60, 3), 90, np.uint8))


def voc_xml(name):
    box = "<xmin>1</xmin><ymin>2</ymin><xmax>20</xmax><ymax>30</ymax>"
    thing = f"<object><name>cat</name><bndbox>{box}</bndbox></object>"
    return f"<annotation><filename>{name}</filename>{thing}</annotation>".encode()


def coco(*names):
    return {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "annotations": [{"image_id": number, "category_id": 1, "bbox": [1, 2, 10 + number, 10]}
                        for number in range(len(names))],
        "categories": [{"id": 1, "name": "cat"}],
    }  # fmt: skip


def task(picture):
    return {"id": 1, "data": {"image": picture}, "annotations": [{"result": [{"value": BOX}]}]}


def test_ways_of_a_path_are_told_longest_first():
    ways = list(ways_here(r"C:\set\cam1\1.JPG"))
    assert ways.index("set/cam1/1.JPG") < ways.index("cam1/1.JPG") < ways.index("cam1/1.jpg") < ways.index("1.jpg")
    assert next(ways_here("cam1/1.jpg")) == "cam1/1.jpg"


def test_a_picture_s_data_in_the_place_of_its_path_is_none():
    assert not list(ways_here("data:image/png;base64," + "abc/" * 500_000))
    assert len(list(ways_here("a/" * 1000 + "1.jpg"))) < 100


def test_two_paths_that_end_in_one_file_are_none_unless_one_is_the_end_of_the_other():
    assert told_apart({"/x/cam1/a.jpg": "a.jpg", "/x/cam2/a.jpg": "a.jpg", "b.jpg": "b.jpg"}) == {"b.jpg": "b.jpg"}
    both = {"/x/cam1/a.jpg": "a.jpg", "cam1/a.jpg": "a.jpg", "./a.jpg": "a.jpg"}
    assert told_apart(both) == both


@pytest.mark.parametrize("at", ["Annotations", "."])
def test_voc_with_what_macos_leaves_beside_files_and_endings_of_windows(tmp_path, at):
    photo(tmp_path / ("JPEGImages" if at != "." else ".") / "a.jpg")
    (tmp_path / at).mkdir(exist_ok=True)
    (tmp_path / at / "a.XML").write_bytes(voc_xml("a.jpg"))
    (tmp_path / at / "._a.xml").write_bytes(APPLE_DOUBLE)
    data = load_boxes(tmp_path)
    assert (data.format, len(data), data.passed_over) == ("voc", 1, 0)
    assert data.boxes[0].boxes.tolist() == [[1, 2, 19, 28]]


def test_what_macos_leaves_beside_yolo_s_texts_is_no_label(tmp_path):
    photo(tmp_path / "images" / "a.jpg")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text("0 .5 .5 .2 .2\n")
    (tmp_path / "labels/._a.txt").write_bytes(APPLE_DOUBLE)
    assert load_boxes(tmp_path).passed_over == 0


@pytest.mark.parametrize(
    ("file", "text", "form"),
    [("a.txt", "0 .5 .5 .2 .2\r\n", "yolo"),
     ("set.json", json.dumps(coco("a.jpg")), "coco"),
     ("set.json", json.dumps([task("a.jpg")]), "label-studio"),
     ("set.csv", "path,xmin,ymin,xmax,ymax,label\r\na.jpg,1,2,11,12,cat\r\n", "boxes-csv")],
)  # fmt: skip
def test_a_mark_before_a_text_changes_nothing(tmp_path, file, text, form):
    photo(tmp_path / "a.jpg")
    (tmp_path / file).write_bytes(codecs.BOM_UTF8 + text.encode())
    data = load_boxes(tmp_path)
    assert (data.format, len(data), len(data.boxes[0])) == (form, 1, 1)


def test_texts_of_windows_shells_are_read(tmp_path):
    photo(tmp_path / "yolo/images/a.jpg", tmp_path / "table/a.jpg")
    (tmp_path / "yolo/labels").mkdir()
    (tmp_path / "yolo/labels/a.txt").write_bytes("0 .5 .5 .2 .2\r\n".encode("utf-16"))
    (tmp_path / "table/set.csv").write_bytes("path\txmin\tymin\txmax\tymax\tlabel\r\na.jpg\t1\t2\t9\t9\tcat\r\n".encode("utf-16"))  # fmt: skip  # noqa: E501
    assert [len(load_boxes(tmp_path / name).boxes[0]) for name in ("yolo", "table")] == [1, 1]


@pytest.mark.parametrize("front", ["/home/bob/set/", "C:\\bob\\", "../set/"])
def test_coco_s_paths_of_another_machine_keep_apart_what_lies_in_two_folders(tmp_path, front):
    photo(tmp_path / "cam1/a.jpg", tmp_path / "cam2/a.JPG")
    names = [f"{front}cam1/a.jpg", f"{front}cam2/a.jpg"]
    (tmp_path / "set.json").write_text(json.dumps(coco(*names)))
    data = load_boxes(tmp_path)
    assert {name: boxes.boxes[0, 2] for name, boxes in zip(data.names, data.boxes, strict=True)} == {
        "cam1/a.jpg": 10, "cam2/a.JPG": 11,
    }  # fmt: skip


def test_pictures_of_two_folders_are_not_taken_for_the_one_that_is_there(tmp_path):
    photo(tmp_path / "a.jpg", tmp_path / "b.jpg")
    names = ["/x/cam1/a.jpg", "/x/cam2/a.jpg", "/x/cam1/b.jpg"]
    (tmp_path / "set.json").write_text(json.dumps(coco(*names)))
    data = load_boxes(tmp_path / "set.json")
    assert (data.names, data.passed_over) == (["b.jpg"], 2)
    (tmp_path / "set.csv").write_text("path,xmin,ymin,xmax,ymax,label\n" + "".join(f"{n},1,2,9,9,cat\n" for n in names))
    data = load_boxes(tmp_path / "set.csv")
    assert (data.names, data.passed_over) == (["b.jpg"], 2)
    (tmp_path / "set.csv").write_text("path,label\n" + "".join(f"{n},cat\n" for n in names))
    assert load_images(tmp_path / "set.csv").names == [*names[:2], "b.jpg"]


def test_coco_s_empty_outlines_are_annotations_without_a_box(tmp_path):
    photo(tmp_path / "a.jpg")
    table = coco("a.jpg")
    table["annotations"].append({"image_id": 0, "category_id": 1, "bbox": [], "segmentation": [[]]})
    (tmp_path / "set.json").write_text(json.dumps(table))
    data = load_boxes(tmp_path)
    assert (len(data.boxes[0]), data.notes) == (1, ("1 annotations without a box, left out",))


def test_a_project_of_cvat_has_a_folder_for_each_subset(tmp_path):
    photo(tmp_path / "images/Train/a.jpg", tmp_path / "images/Validation/a.jpg", tmp_path / "images/default/a.jpg")
    box = '<box label="cat" xtl="1" ytl="1" xbr="{}" ybr="20"/>'
    listed = "".join(
        f'<image id="{number}" name="a.jpg" {subset} width="60" height="40">{box.format(20 + number)}</image>'
        for number, subset in enumerate(['subset="Train"', 'subset="Validation"', ""])
    )
    (tmp_path / "annotations.xml").write_text(f"<annotations>{listed}</annotations>")
    data = load_boxes(tmp_path)
    rows = zip(data.names, data.splits.tolist(), data.boxes, strict=True)
    assert [(name, split, boxes.boxes[0, 2]) for name, split, boxes in rows] == [
        ("images/Train/a.jpg", "train", 19), ("images/Validation/a.jpg", "val", 20), ("images/default/a.jpg", "", 21),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "there"),
    [("photo #1.jpg", "photo #1.jpg"), ("50%20off.jpg", "50%20off.jpg"), ("what?.jpg", "what?.jpg"),
     ("/data/local-files/?d=bob/set/cam1/a.jpg", "cam1/a.jpg"), ("/data/local-files/?d=C:\\set\\a.jpg", "a.jpg"),
     ("/data/upload/1/12345678-a%20b.jpg", "a b.jpg")],
)  # fmt: skip
def test_label_studio_s_addresses_of_pictures(tmp_path, said, there):
    photo(tmp_path / there)
    (tmp_path / "set.json").write_text(json.dumps([task(said)]))
    assert load_boxes(tmp_path).names == [there]


@pytest.mark.parametrize("answers", [[5], 7, [None]])
def test_answers_of_label_studio_that_are_none_are_one_line(tmp_path, answers):
    (tmp_path / "set.json").write_text(json.dumps([{"id": 3, "data": {"image": "a.jpg"}, "annotations": answers}]))
    with pytest.raises(DataError, match="task 3 has a box that cannot be read"):
        load_boxes(tmp_path)


@pytest.mark.parametrize(
    ("text", "boxes"),
    [("path;xmin;ymin;xmax;ymax;label\na.jpg;1,5;2;20;20,25;cat\n", [[1.5, 2, 18.5, 18.25]]),
     ("a.jpg;1,5;2;20;20,25;cat\n", [[1.5, 2, 18.5, 18.25]]),
     ('path, xmin, ymin, xmax, ymax, label\na.jpg, 1, 2, 20, 20, "cat, black"\n', [[1, 2, 19, 18]])],
)  # fmt: skip
def test_tables_with_decimal_commas_and_blanks(tmp_path, text, boxes):
    photo(tmp_path / "a.jpg")
    (tmp_path / "set.csv").write_text(text)
    assert load_boxes(tmp_path).boxes[0].boxes.tolist() == boxes


def test_groups_in_a_table_count_neither_way(tmp_path):
    photo(tmp_path / "a.jpg")
    header = "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n"
    (tmp_path / "set.csv").write_text(header + "a,cat,0.1,0.5,0.1,0.5,0\na,cat,0.2,0.6,0.1,0.5,1\n")
    assert load_boxes(tmp_path).boxes[0].crowd.tolist() == [False, True]


@pytest.mark.parametrize(
    ("cells", "there"),
    [(["/home/bob/cam1/a.jpg", "/home/bob/cam2/a.jpg"], ["cam1/a.jpg", "cam2/a.jpg"]),
     (["C:\\bob\\a.jpg", "C:\\bob\\b.jpg"], ["a.JPG", "b.jpg"]),
     (["gone.jpg", "a.jpg"], ["images/a.jpg"])],
)  # fmt: skip
def test_a_table_s_paths_of_another_machine(tmp_path, cells, there):
    photo(*(tmp_path / name for name in there))
    (tmp_path / "set.csv").write_text("path,label\n" + "".join(f"{cell},cat\n" for cell in cells))
    data = load_images(tmp_path / "set.csv")
    found = [data.file(i) for i in range(len(data)) if data.file(i).exists()]
    assert found == [tmp_path / name for name in there]
