"""Boxes as people have them: every dialect's pictures, splits, classes and boxes are counted exactly."""

from __future__ import annotations

import json
from collections import Counter

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import holds_boxes, load_boxes

NAMES = ("круг", "rote Kiste")


def write_images(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / name), np.full((60, 80, 3), 90, np.uint8))


def splits(data):
    return dict(Counter(data.splits.tolist()))


def boxes(data, name):
    found = next(known for at, known in zip(data.names, data.boxes, strict=True) if at.endswith(name))
    return found.in_pixels(60, 80).round(3).tolist()


def annotation(picture, category, **told):
    return {"image_id": picture, "category_id": category, "bbox": [8, 6, 40, 30]} | told


def test_a_coco_folder_a_split_with_what_its_exporters_leave(tmp_path):
    for number, split in enumerate(("train", "valid", "test")):
        write_images(tmp_path / split, f"{split}.jpg")
        table = {
            "images": [{"id": number, "file_name": f"{split}.jpg"}, {"id": 50, "file_name": "gone.jpg"}],
            "categories": [
                {"id": 0, "name": "things", "supercategory": "none"},
                {"id": 90, "name": NAMES[0], "supercategory": "things"},
                {"id": 7, "name": NAMES[1], "supercategory": "things"},
            ],
            "annotations": [
                annotation(number, 90, area=None),
                annotation(number, 7, iscrowd=1, segmentation={"counts": [1, 2], "size": [60, 80]}),
                annotation(number, 7, bbox=None, segmentation=[[1, 2, 21, 2, 21, 12]]),
                annotation(number, 7, bbox=[]),
                annotation(number, 1234),
                annotation(77, 7),
            ],
        }
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(table))
    data = load_boxes(tmp_path)
    assert data.classes == (NAMES[1], NAMES[0])
    assert splits(data) == {"train": 1, "val": 1, "test": 1}
    assert boxes(data, "valid.jpg") == [[8, 6, 40, 30], [8, 6, 40, 30], [1, 2, 20, 10]]
    assert data.boxes[0].crowd.tolist() == [False, True, False]
    assert data.boxes[0].areas[0] == 1200
    assert data.passed_over == 3
    assert sorted(data.notes) == [
        "3 annotations of a category that is not listed, left out",
        "3 annotations of pictures that are not listed, left out",
        "3 annotations without a box, left out",
    ]


def yolo_data(tmp_path, yaml, at="data.yaml"):
    """Six pictures under data/images, five of them with a label; the yaml beside `data`."""
    write_images(tmp_path / "data" / "images", *(f"{n}.jpg" for n in range(6)))
    (tmp_path / "data" / "labels").mkdir()
    for n in range(5):
        (tmp_path / "data" / "labels" / f"{n}.txt").write_text("1 0.35 0.35 0.5 0.5\n")
    for split, some in (("train", "012"), ("val", "3"), ("test", "45")):
        (tmp_path / "data" / f"{split}.txt").write_text("".join(f"./images/{n}.jpg\n" for n in some))
    (tmp_path / at).write_text(yaml)


@pytest.mark.parametrize(
    ("yaml", "counts"),
    [
        ("path: data\ntrain: train.txt\nval: val.txt # short\ntest: test.txt\n", {"train": 3, "val": 1, "test": 2}),
        ("path: /content/data\ntrain: [train.txt, test.txt]\nval: val.txt\ntest:\n", {"train": 5, "val": 1}),
        ("train:\n  - data/train.txt\n  - data/val.txt\nval: data/test.txt\n", {"train": 4, "val": 2}),
        ("train: ../data/images\nnc: 2\n", {"train": 6}),
        ("path: data\nval: images\n", {"val": 6}),
    ],
)
def test_a_data_yaml_says_where_the_splits_lie(tmp_path, yaml, counts):
    yolo_data(tmp_path, yaml + f"names: {{0: {NAMES[0]}, '1': \"{NAMES[1]}\"}}\n")
    for path in (tmp_path, tmp_path / "data.yaml"):
        data = load_boxes(path)
        assert splits(data) == counts
        assert data.classes == NAMES
        assert sum(map(len, data.boxes)) == 5
        assert boxes(data, "0.jpg") == [[8, 6, 40, 30]]


def test_a_data_yaml_whose_places_are_gone_says_so_and_the_folders_count(tmp_path):
    yolo_data(tmp_path, "train: nowhere/images2\nnames: [a, b's]\n")
    data = load_boxes(tmp_path)
    assert data.notes == ("data.yaml: train: nowhere/images2 is not there",)
    assert (len(data), data.classes) == (6, ("a", "b's"))


def test_pictures_without_labels_in_folders_of_their_own_are_negatives(tmp_path):
    yolo_data(tmp_path, "nc: 2\n")
    write_images(tmp_path / "data" / "images" / "background", "0.jpg", "x.jpg")
    data = load_boxes(tmp_path)
    assert (len(data), sum(map(len, data.boxes))) == (8, 5)


def test_labels_beside_their_pictures_with_lists_as_darknet_and_cvat_have_them(tmp_path):
    write_images(tmp_path / "obj_train_data", "a.jpg", "b.jpg")
    for name in "ab":
        (tmp_path / "obj_train_data" / f"{name}.txt").write_text("0 0.35 0.35 0.5 0.5\n")
    (tmp_path / "obj.names").write_text("\n".join(NAMES))
    (tmp_path / "train.txt").write_text("data/obj_train_data/a.jpg\n")
    (tmp_path / "valid.txt").write_text("data/obj_train_data/b.jpg\n")
    data = load_boxes(tmp_path)
    assert (splits(data), data.classes) == ({"train": 1, "val": 1}, NAMES)
    assert boxes(data, "a.jpg") == [[8, 6, 40, 30]]


def test_keypoints_behind_a_box_are_no_polygon(tmp_path):
    yolo_data(tmp_path, "path: data\ntrain: images\nkpt_shape: [3, 2]\nnames: [a, b]\n")
    (tmp_path / "data" / "labels" / "0.txt").write_text("1 0.35 0.35 0.5 0.5 .9 .9 .95 .95 .1 .1\n")
    assert boxes(load_boxes(tmp_path), "0.jpg") == [[8, 6, 40, 30]]


def test_a_yaml_of_some_other_program_does_not_make_photos_boxes(tmp_path):
    write_images(tmp_path / "cat", "a.jpg")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "setup.yaml").write_text("names: 5\ntrain: cat\n")
    assert not holds_boxes(tmp_path)


def voc_xml(name, difficult="0"):
    return (
        f"<annotation><filename>{name}</filename><object><name>{NAMES[1]}</name><difficult>{difficult}</difficult>"
        "<bndbox><xmin>8</xmin><ymin>6</ymin><xmax>48</xmax><ymax>36</ymax></bndbox></object></annotation>"
    )


def test_an_xml_beside_each_picture_as_labelimg_writes_it(tmp_path):
    for split in ("train", "valid"):
        write_images(tmp_path / split, "a.jpg", "b.png", "bare.jpg")
        (tmp_path / split / "a.xml").write_text(voc_xml("a.jpg", difficult="True"), encoding="utf-8")
        (tmp_path / split / "other.xml").write_text(voc_xml("b.png"), encoding="utf-8")
        (tmp_path / split / "lost.xml").write_text(voc_xml("nowhere.png"), encoding="utf-8")
    data = load_boxes(tmp_path)
    assert (data.format, splits(data), data.passed_over) == ("voc", {"train": 2, "val": 2}, 2)
    assert [known.crowd.tolist() for known in data.boxes[:2]] == [[True], [False]]
    assert boxes(data, "valid/b.png") == [[8, 6, 40, 30]]


@pytest.mark.parametrize(("annotations", "photos"), [("Annotations", "JPEGImages"), ("annotations", "images")])
def test_voc_in_folders_below_its_folders(tmp_path, annotations, photos):
    for day in ("monday", "tuesday"):
        write_images(tmp_path / photos / day, "a.jpg")
        (tmp_path / annotations / day).mkdir(parents=True)
        (tmp_path / annotations / day / "a.xml").write_text(voc_xml("a.jpg"), encoding="utf-8")
    data = load_boxes(tmp_path)
    assert sorted(data.names) == [f"{photos}/{day}/a.jpg" for day in ("monday", "tuesday")]


def test_a_table_a_split_and_a_folder_a_split(tmp_path):
    write_images(tmp_path / "one" / "images", "a.jpg", "b.jpg")
    for split, name in (("train", "a"), ("test", "b")):
        text = f"filename,width,height,class,xmin,ymin,xmax,ymax\n{name}.jpg,80,60,{NAMES[0]},8,6,48,36\n"
        (tmp_path / "one" / f"{split}_labels.csv").write_text(text, encoding="utf-8")
        write_images(tmp_path / "two" / split, f"{name}.jpg")
        (tmp_path / "two" / split / "_annotations.csv").write_text(text, encoding="utf-8")
    for root in ("one", "two"):
        data = load_boxes(tmp_path / root)
        assert splits(data) == {"train": 1, "test": 1}
        assert boxes(data, "b.jpg") == [[8, 6, 40, 30]]


@pytest.mark.parametrize(
    "text",
    [
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\na,x,cat,1,.1,.6,.1,.6\n",
        "image;x_center;y_center;width;height;class\na.jpg;.35;.35;.5;.5;cat\n",
        'image_id,width,height,bbox,label\na,80,60,"[8.0, 6.0, 40.0, 30.0]",cat\n',
        "image_path\tx_min\ty_min\tx_max\ty_max\tclass_name\na.jpg\t8\t6\t48\t36\tcat\n",
    ],
)
def test_tables_with_fractions_middles_lists_and_names_without_an_ending(tmp_path, text):
    write_images(tmp_path / "images", "a.jpg")
    (tmp_path / "boxes.csv").write_text(text)
    data = load_boxes(tmp_path)
    assert boxes(data, "a.jpg") == [[8, 6, 40, 30]]
    assert bool(data.notes) == (".1" in text or ".35" in text)


def test_a_table_whose_first_row_no_reader_takes_tells_no_boxes(tmp_path):
    write_images(tmp_path, "a.jpg")
    (tmp_path / "notes.csv").write_text("x" * 200_000 + "\n")
    assert not holds_boxes(tmp_path)


def test_shapes_of_cvat_and_the_tracks_of_its_videos(tmp_path):
    write_images(tmp_path / "stills" / "images", "a.jpg")
    (tmp_path / "stills" / "annotations.xml").write_text(
        '<annotations><image name="a.jpg" width="80" height="60">'
        '<box label="a" xtl="20" ytl="10" xbr="60" ybr="30" rotation="90"/>'
        '<ellipse label="b" cx="40" cy="30" rx="20" ry="10"/>'
        '<ellipse label="b" cx="40" cy="30" rx="20" ry="10" rotation="90"/>'
        '<mask label="b" rle="0, 4" left="5" top="6" width="20" height="30"/>'
        '<polyline label="a" points="1,2;3,4"/></image></annotations>'
    )
    data = load_boxes(tmp_path / "stills")
    assert boxes(data, "a.jpg") == [[30, 0, 20, 40], [20, 20, 40, 20], [30, 10, 20, 40], [5, 6, 20, 30]]
    assert data.notes == ("1 of CVAT's polyline have no box around them, left out",)

    write_images(tmp_path / "video" / "images", *(f"frame_{n:06d}.PNG" for n in range(4)))
    shapes = "".join(
        f'<box frame="{n}" outside="{int(n == 2)}" xtl="{n}" ytl="6" xbr="{n + 40}" ybr="36"/>' for n in range(3)
    )
    (tmp_path / "video" / "annotations.xml").write_text(
        f'<annotations><track id="0" label="cup">{shapes}</track><track id="1" label="dish">'
        '<box frame="1" outside="0" xtl="1" ytl="1" xbr="9" ybr="9"/><box frame="9" xtl="1" ytl="1" xbr="9" ybr="9"/>'
        "</track></annotations>"
    )
    data = load_boxes(tmp_path / "video")
    assert [len(known) for known in data.boxes] == [1, 2, 0, 0]
    assert (boxes(data, "frame_000001.PNG")[0], data.passed_over) == ([1, 6, 40, 30], 1)


def test_shapes_of_label_studio_and_its_small_export(tmp_path):
    write_images(tmp_path / "whole", "a.jpg")
    write_images(tmp_path / "small", "a.jpg")
    shown = {"original_width": 80, "original_height": 60}
    box = {"x": 10, "y": 10, "width": 50, "height": 50}
    marks = [
        {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "ellipselabels": ["dish"]},
        {"x": 50, "y": 50, "radiusX": 15, "radiusY": 20, "rotation": 45, "ellipselabels": ["dish"]},
        {"points": [[60, 60], [80, 60], [80, 90]], "polygonlabels": ["dish"]},
        box | {"labels": ["cup"]},
        {"format": "rle", "rle": [1], "brushlabels": ["cup"]},
    ]
    task = {"data": {"number": 3, "image": "/data/upload/1/0a1b2c3d-a.jpg"}}
    task["annotations"] = [{"result": [shown | {"value": mark} for mark in marks]}]
    (tmp_path / "whole" / "p.json").write_text(json.dumps([task]))
    small = {"id": 1, "image": task["data"]["image"], "label": [shown | box | {"rectanglelabels": ["cup"]}]}
    (tmp_path / "small" / "p.json").write_text(json.dumps([small]))
    whole = load_boxes(tmp_path / "whole")
    assert boxes(whole, "a.jpg") == [[32, 18, 16, 24], [28, 18, 24, 24], [48, 36, 16, 18], [8, 6, 40, 30]]
    assert whole.notes == ("1 marks (brushlabels) have no box around them, left out",)
    assert boxes(load_boxes(tmp_path / "small"), "a.jpg") == [[8, 6, 40, 30]]


def test_boxes_of_label_studio_whose_picture_had_no_size_there(tmp_path):
    write_images(tmp_path, "a.jpg")
    mark = {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["cup"]}
    result = [{"original_width": 0, "original_height": 0, "value": mark}]
    task = {"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"result": result}]}
    (tmp_path / "p.json").write_text(json.dumps([task]))
    data = load_boxes(tmp_path)
    assert (boxes(data, "a.jpg"), data.empty) == ([[8, 6, 40, 30]], ())


def test_coco_listings_that_number_the_same_classes_otherwise(tmp_path):
    for split, names in (("train", ("cup", "dish")), ("valid", ("dish", "cup"))):
        write_images(tmp_path / split, f"{split}.jpg")
        listing = {
            "images": [{"id": 1, "file_name": f"{split}.jpg"}],
            "annotations": [annotation(1, 1 + names.index("cup"))],
            "categories": [{"id": 1 + place, "name": name} for place, name in enumerate(names)],
        }
        (tmp_path / split / "_annotations.coco.json").write_text(json.dumps(listing))
    data = load_boxes(tmp_path)
    assert data.classes == ("cup", "dish")
    assert [[data.classes[label] for label in known.labels] for known in data.boxes] == [["cup"], ["cup"]]


def test_coco_splits_whose_pictures_have_the_same_names(tmp_path):
    for split, count in (("train", 3), ("val", 2)):
        write_images(tmp_path / split, *(f"{n:04}.jpg" for n in range(count)))
        listing = {
            "images": [{"id": n, "file_name": f"{n:04}.jpg", "width": 80, "height": 60} for n in range(count)],
            "annotations": [annotation(n, 1, id=n) for n in range(count)],
            "categories": [{"id": 1, "name": "cup"}],
        }
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / f"{split}_coco.json").write_text(json.dumps(listing))
    data = load_boxes(tmp_path)
    assert {(split, name.partition("/")[0]) for split, name in zip(data.splits.tolist(), data.names, strict=True)} == {
        ("train", "train"), ("val", "val"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ('names:\n  0: "cup #1"\n  1: "3\\" pipe" # inches\n', ("cup #1", '3" pipe')),
        ("names: ['cup #1', 'cup #2']\nnc: 2\n", ("cup #1", "cup #2")),
        ("names: [it's, that's]\n", ("it's", "that's")),
        ("names: ['a]b',\n  'c']\nnc: 2\n", ("a]b", "c")),
        ("names:\n- 'it''s'\n- \"ä\"\n", ("it's", "ä")),
    ],
)
def test_names_of_a_data_yaml_with_quotes(tmp_path, names, classes):
    yolo_data(tmp_path, "path: data\ntrain: images\n" + names)
    assert load_boxes(tmp_path / "data.yaml").classes == classes


def test_labels_beside_pictures_of_upper_case_endings(tmp_path):
    write_images(tmp_path, "IMG_0.JPG", "IMG_1.JPG")
    (tmp_path / "classes.txt").write_text("cup\n")
    for n in range(2):
        (tmp_path / f"IMG_{n}.txt").write_text("0 0.35 0.35 0.5 0.5\n")
    assert sum(map(len, load_boxes(tmp_path).boxes)) == 2


def test_a_table_of_boxes_with_whole_paths(tmp_path):
    write_images(tmp_path / "photos", "0.jpg", "1.jpg")
    (tmp_path / "data").mkdir()
    rows = "".join(f"{tmp_path}/photos/{n}.jpg,8,6,48,36,cup\n" for n in range(2))
    (tmp_path / "data" / "boxes.csv").write_text(rows)
    data = load_boxes(tmp_path / "data")
    assert [boxes(data, f"{n}.jpg") for n in range(2)] == [[[8, 6, 40, 30]]] * 2
    assert all((tmp_path / "data" / name).is_file() for name in data.names)


def test_linked_folders_are_looked_into_and_circles_end(tmp_path):
    write_images(tmp_path / "elsewhere" / "images", "0.jpg")
    (tmp_path / "elsewhere" / "labels").mkdir()
    (tmp_path / "elsewhere" / "labels" / "0.txt").write_text("0 0.35 0.35 0.5 0.5\n")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "classes.txt").write_text("cup\n")
    data = load_boxes(tmp_path / "data")
    assert (data.names, data.splits.tolist()) == (["train/images/0.jpg"], ["train"])


def coco_table(pictures, categories, annotations):
    images = [{"id": number, "file_name": name} for number, name in pictures.items()]
    return json.dumps({"images": images, "categories": categories, "annotations": annotations})


def test_a_category_that_is_its_own_kind_stays_where_nothing_shows_it(tmp_path):
    """COCO's persons are of the kind person: a listing without one knows the class all the same."""
    write_images(tmp_path / "images", "a.jpg")
    kinds = [
        {"id": n, "name": name, "supercategory": kind}
        for n, name, kind in ((1, "person", "person"), (2, "car", "vehicle"))
    ]
    (tmp_path / "all.json").write_text(coco_table({5: "a.jpg"}, kinds, [annotation(5, 2)]))
    data = load_boxes(tmp_path)
    assert data.classes == ("person", "car")
    assert data.boxes[0].labels.tolist() == [1]


def test_a_picture_that_several_listings_name_is_one_with_the_boxes_of_all(tmp_path):
    """A listing a class, or one of everything beside those of the splits: no picture twice, each half unlabelled."""
    write_images(tmp_path / "images", "a.jpg", "b.jpg")
    cat, dog = {"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}
    pictures = {5: "a.jpg", 6: "b.jpg"}
    (tmp_path / "cats.json").write_text(coco_table(pictures, [cat], [annotation(5, 1, iscrowd=1), annotation(6, 1)]))
    (tmp_path / "dogs_val.json").write_text(
        coco_table({1: "a.jpg"}, [cat, dog], [annotation(1, 2, bbox=[1, 2, 3, 4]), annotation(1, 1)])
    )
    data = load_boxes(tmp_path)
    assert data.names == ["images/a.jpg", "images/b.jpg"]
    assert data.splits.tolist() == ["val", ""]
    assert [found.labels.tolist() for found in data.boxes] == [[0, 1], [0]]
    assert data.boxes[0].crowd.tolist() == [True, False]
    assert data.boxes[0].areas.tolist() == [1200, 12]
    assert data.notes == ("1 times a picture is listed that was before: taken once, with the boxes of all",)


@pytest.mark.parametrize("yaml", [None, "train: Images/train\nval: Images/val\nnames: [a, b]\n"])
def test_a_yolo_set_in_a_folder_called_images_keeps_its_labels(tmp_path, yaml):
    root = tmp_path / "images" / "set"
    for split in ("train", "val"):
        write_images(root / "Images" / split, f"{split}.jpg")
        (root / "Labels" / split).mkdir(parents=True)
        (root / "Labels" / split / f"{split}.txt").write_text("1 .5 .5 .25 .5\n")
    if yaml:
        (root / "data.yaml").write_text(yaml)
    data = load_boxes(root)
    assert data.passed_over == 0
    assert [boxes(data, name) for name in ("train.jpg", "val.jpg")] == [[[30, 15, 20, 30]]] * 2


def test_the_keys_of_a_data_yaml_may_stand_in_quotes(tmp_path):
    write_images(tmp_path / "one" / "images", "a.jpg")
    (tmp_path / "one" / "labels").mkdir()
    (tmp_path / "one" / "labels" / "a.txt").write_text("1 .5 .5 .25 .5\n")
    (tmp_path / "data.yaml").write_text("\"val\": one/images\n'names':\n  '0': rot\n  '1': blau\n")
    data = load_boxes(tmp_path)
    assert data.classes == ("rot", "blau")
    assert splits(data) == {"val": 1}
