"""The same boxes however a set's folders, endings and lists are spelt: none is lost, and every split stays."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import load_boxes, load_images
from edgelens.runtime.errors import DataError, EdgelensError
from edgelens.runtime.labelling.pictures import pictures_of


def write_image(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.full((60, 80, 3), 90, np.uint8))


def boxes(data):
    """Every picture's boxes in pixels, by its name without folders."""
    return {
        name.rsplit("/", 1)[-1]: known.in_pixels(60, 80).round(3).tolist()
        for name, known in zip(data.names, data.boxes, strict=True)
    }


@pytest.mark.parametrize(
    ("images", "labels", "ending"),
    [("Images", "Labels", ".txt"), ("images", "labels", ".TXT"), ("IMAGES", "LABELS", ".TXT"), ("images", "", ".TXT")],
)
@pytest.mark.parametrize("yaml", [True, False])
def test_yolo_s_folders_and_texts_in_capitals(tmp_path, images, labels, ending, yaml):
    write_image(tmp_path / images / "train" / "a.b.JPG")
    text = (tmp_path / (labels or images) / "train" / "a.b.txt").with_suffix(ending)
    text.parent.mkdir(parents=True, exist_ok=True)
    text.write_text("1 0.35 0.35 0.5 0.5\n")
    if yaml:
        (tmp_path / "data.yaml").write_text(f"train: {images}/train\nnames: [cup, pot]\n")
    else:
        (tmp_path / f"classes{ending}").write_text("cup\npot\n")
    data = load_boxes(tmp_path)
    assert boxes(data) == {"a.b.JPG": [[8, 6, 40, 30]]}
    if yaml or labels:
        assert data.classes == ("cup", "pot")
        assert data.splits.tolist() == ["train"]


def write_voc(root, sets, *lines):
    """Three annotated pictures, one of whose names ends as a class's list marks its lines; and a list for `test`."""
    for name in ("day 1", "day", "cam/night"):
        write_image(root / "JPEGImages" / f"{name}.jpg")
        file = root / "Annotations" / f"{name}.xml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("<annotation><object><name>cup</name><bndbox><xmin>8</xmin><ymin>6</ymin><xmax>48</xmax>"
                        "<ymax>36</ymax></bndbox></object></annotation>")  # fmt: skip
    (root / sets).mkdir(parents=True)
    (root / sets / "test.txt").write_text("\n".join(lines))


@pytest.mark.parametrize("sets", ["ImageSets/Main", "imagesets/main"])
@pytest.mark.parametrize(
    ("lines", "tested"),
    [
        (["day 1"], {"day 1"}),
        (["day 1.jpg", "cam/night.jpg"], {"day 1", "night"}),
        (["day  1", "cam/night -1"], {"day", "night"}),
    ],
)
def test_voc_s_lists_name_pictures_with_blanks_and_endings(tmp_path, sets, lines, tested):
    write_voc(tmp_path, sets, *lines)
    data = load_boxes(tmp_path)
    names = [name.rsplit("/", 1)[-1].removesuffix(".jpg") for name in data.names]
    assert {name for name, split in zip(names, data.splits, strict=True) if split == "test"} == tested
    assert data.notes == ()


def test_names_in_voc_s_lists_that_mean_nothing_are_said(tmp_path):
    write_voc(tmp_path, "ImageSets/Main", "day", "dawn", "dusk")
    assert load_boxes(tmp_path).notes == ("2 names in ImageSets/Main have no annotation (as dawn)",)


def write_coco(root):
    table = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [8, 6, 40, 30]}],
        "categories": [{"id": 1, "name": "cup"}],
    }
    (root / "Annotations").mkdir(parents=True)
    (root / "Annotations" / "instances_val.JSON").write_text(json.dumps(table))


def write_table(root):
    (root / "boxes.CSV").write_text("File,XMin,YMin,XMax,YMax,Label\na.png,8,6,48,36,cup\n")


def write_cvat(root):
    image = '<image name="a.png"><box label="cup" xtl="8" ytl="6" xbr="48" ybr="36"/></image>'
    (root / "annotations.XML").write_text(f"<annotations>{image}</annotations>")


def write_label_studio(root):
    value = {"x": 10, "y": 10, "width": 50, "height": 50, "rectanglelabels": ["cup"]}
    task = {"data": {"image": "/data/upload/1/a.png"}, "annotations": [{"result": [{"value": value}]}]}
    (root / "export.JSON").write_text(json.dumps([task]))


@pytest.mark.parametrize("folder", ["Images", "JPEGImages", "data", "img"])
@pytest.mark.parametrize("write", [write_coco, write_table, write_cvat, write_label_studio])
def test_listings_and_folders_of_pictures_as_people_call_them(tmp_path, write, folder):
    write_image(tmp_path / folder / "a.png")
    write(tmp_path)
    data = load_boxes(tmp_path)
    assert boxes(data) == {"a.png": [[8, 6, 40, 30]]}
    assert data.classes == ("cup",)


@pytest.mark.parametrize("folder", ["valid", "Validation", "data/val2017", "images/valid"])
def test_a_split_s_pictures_lie_in_a_folder_of_that_split(tmp_path, folder):
    for other in (folder, folder.replace(folder.rsplit("/", 1)[-1], "train")):
        write_image(tmp_path / other / "a.png")
    write_coco(tmp_path)
    data = load_boxes(tmp_path)
    assert data.names == [f"{folder}/a.png"]
    assert data.splits.tolist() == ["val"]


def test_open_images_has_a_folder_and_a_table_a_split_and_its_classes_by_codes(tmp_path):
    for name, split in (("validation", "validation"), ("train", "train")):
        write_image(tmp_path / split / "0a1b.jpg")
        (tmp_path / f"{name}-annotations-bbox.csv").write_text(
            "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n"
            f"0a1b,xclick,{'/m/01g317' if name == 'train' else '/m/0k4j'},1,0.1,0.6,0.1,0.6,0,0,0\n"
        )
    (tmp_path / "class-descriptions-boxable.csv").write_text('/m/01g317,Person\n/m/0k4j,"Car, small"\n/m/04,Tree\n')
    data = load_boxes(tmp_path)
    assert data.names == ["train/0a1b.jpg", "validation/0a1b.jpg"]
    assert data.splits.tolist() == ["train", "val"]
    assert [data.classes[int(known.labels[0])] for known in data.boxes] == ["Person", "Car, small"]
    assert boxes(data) == {"0a1b.jpg": [[8, 6, 40, 30]]}


def write_labelme(file, *shapes, told="a.png", **more):
    file.parent.mkdir(parents=True, exist_ok=True)
    table = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": told, "imageData": "A" * 9000}
    file.write_text(json.dumps(table | {"imageHeight": 60, "imageWidth": 80} | more))


def shape(label, kind, *points, **more):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}} | more


def test_labelme_s_shapes_by_the_boxes_around_them(tmp_path):
    write_image(tmp_path / "a.png")
    write_labelme(
        tmp_path / "a.json",
        shape("cup", "rectangle", (48, 36), (8, 6)),
        shape("pot", None, (8, 6), (48, 20), (20, 36)),
        shape("cup", "circle", (30, 30), (33, 34)),
        shape("cup", "rectangle", (8, 6), (48, 6), (48, 36), (8, 36), difficult=True),
        shape("cup", "linestrip", (8, 6), (48, 6)),
        shape("cup", "point", (8, 6)),
    )
    data = load_boxes(tmp_path)
    assert (data.format, data.classes) == ("labelme", ("cup", "pot"))
    assert boxes(data) == {"a.png": [[8, 6, 40, 30], [8, 6, 40, 30], [25, 25, 10, 10], [8, 6, 40, 30]]}
    assert data.boxes[0].labels.tolist() == [0, 1, 0, 0]
    assert data.boxes[0].crowd.tolist() == [False, False, False, True]
    assert data.boxes[0].size == (60, 80)
    assert data.notes == tuple(
        f"1 of LabelMe's {kind}s have no box around them, left out" for kind in ("linestrip", "point")
    )


def test_labelme_s_pictures_beside_their_files_or_in_a_folder_of_theirs(tmp_path):
    for name in ("train/a.png", "valid/a.png", "images/b.png", "images/c.JPG"):
        write_image(tmp_path / name)
    one = shape("cup", "rectangle", (8, 6), (48, 36))
    write_labelme(tmp_path / "train" / "a.json", one)
    write_labelme(tmp_path / "valid" / "a.JSON", told=r"C:\photos\a.png")
    write_labelme(tmp_path / "labels" / "b.json", one, told="..\\images\\b.png")
    write_labelme(tmp_path / "labels" / "c.json", one, told="renamed since.png")
    write_labelme(tmp_path / "labels" / "gone.json", one, told="gone.png")
    (tmp_path / "train" / "notes.json").write_text("[1, 2]")
    data = load_boxes(tmp_path)
    found = {name: (split, len(known)) for name, split, known in zip(data.names, data.splits, data.boxes, strict=True)}
    assert found == {
        "train/a.png": ("train", 1),
        "valid/a.png": ("val", 0),
        "images/b.png": ("", 1),
        "images/c.JPG": ("", 1),
    }
    assert data.passed_over == 1


@pytest.mark.parametrize(
    "wrong",
    [{"shapes": 3}, {"shapes": [3]}, {"shapes": [{"label": "cup"}]}, {"shapes": [shape("cup", "circle", (1, 2))]}],
)
def test_a_labelme_file_that_is_wrong_is_one_line(tmp_path, wrong):
    write_image(tmp_path / "a.png")
    write_labelme(tmp_path / "a.json", **wrong)
    with pytest.raises(DataError, match=r"a\.json: (needs a list of shapes|shape 1 cannot be read)[^\n]*$"):
        load_boxes(tmp_path)


@pytest.mark.parametrize("load", [load_boxes, load_images])
def test_a_packed_set_is_to_be_unpacked(tmp_path, load):
    write_voc(tmp_path / "set", "ImageSets/Main", "day")
    packed = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path / "set")
    with pytest.raises(DataError, match="unpack it and give the folder"):
        load(packed)


def test_what_is_labelled_is_a_picture_or_a_set_by_its_file(tmp_path):
    write_image(tmp_path / "images" / "a.png")
    write_cvat(tmp_path)
    (found,) = pictures_of(str(tmp_path / "annotations.XML"), tmp_path / "frames", most=9, differ=0, say=print)
    assert (found.name, len(found.given)) == ("a.png", 1)
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(EdgelensError, match=r"notes\.txt"):
        pictures_of(str(tmp_path / "notes.txt"), tmp_path / "frames", most=9, differ=0, say=print)
