"""Readers of boxes: VOC, COCO and YOLO tell the same truth, and what is wrong in one line."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from edgelens.runtime.datasets.catalog import load_boxes
from edgelens.runtime.errors import DataError

CLASSES = ("bird", "cat")
#        image, class, x, y, w, h in pixels of 80 × 60
TRUTH = [("a", 1, 8, 6, 40, 30), ("a", 0, 0, 0, 16, 12), ("b", 0, 20, 15, 60, 45)]


def write_images(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / f"{name}.png"), np.full((60, 80, 3), 90, np.uint8))


def write_voc(root, extra=""):
    write_images(root / "JPEGImages", "a", "b", "empty")
    (root / "Annotations").mkdir()
    for name in ("a", "b", "empty"):
        objects = "".join(
            f"<object><name>{CLASSES[c]}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + w}</xmax>"
            f"<ymax>{y + h}</ymax></bndbox></object>"
            for image, c, x, y, w, h in TRUTH
            if image == name
        )
        text = f"{extra}<annotation><filename>{name}.png</filename>{objects}</annotation>"
        (root / "Annotations" / f"{name}.xml").write_text(text)
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "val.txt").write_text("b\n")


def write_coco(root, **changes):
    write_images(root / "images", "a", "b", "empty")
    (root / "annotations").mkdir()
    table = {
        "images": [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate(("a", "b", "empty"))],
        "categories": [{"id": 17, "name": "cat"}, {"id": 3, "name": "bird"}],
        "annotations": [
            {
                "id": i,
                "image_id": "ab".index(image),
                "category_id": (3, 17)[c],
                "bbox": box,
                "area": 99.0,
                "iscrowd": i == 2,
            }
            for i, (image, c, *box) in enumerate(TRUTH)
        ],
    }
    (root / "annotations" / "instances_val.json").write_text(json.dumps(table | changes))


def write_yolo(root, yaml="names: [bird, cat]\n"):
    write_images(root / "images" / "val", "a", "b", "empty")
    (root / "labels" / "val").mkdir(parents=True)
    for name in ("a", "b", "alone"):
        lines = [
            f"{c} {(x + w / 2) / 80} {(y + h / 2) / 60} {w / 80} {h / 60}"
            for image, c, x, y, w, h in TRUTH
            if image == name
        ]
        (root / "labels" / "val" / f"{name}.txt").write_text("\n".join(lines))
    (root / "data.yaml").write_text(yaml)


def write_csv(root):
    write_images(root / "images", "a", "b", "empty")
    rows = [f"{image}.png,{CLASSES[c]},{x},{y},{x + w},{y + h},val" for image, c, x, y, w, h in TRUTH]
    lines = ["filename,class,xmin,ymin,xmax,ymax,split", *rows, "empty.png,,,,,,val", "gone.png,cat,1,1,9,9,val"]
    (root / "boxes.csv").write_text("\n".join(lines))


def write_cvat(root):
    write_images(root / "images", "a", "b", "empty")
    images = ""
    for name in ("a", "b", "empty", "gone"):
        boxes = "".join(
            f'<box label="{CLASSES[c]}" xtl="{x}" ytl="{y}" xbr="{x + w}" ybr="{y + h}"/>'
            for image, c, x, y, w, h in TRUTH
            if image == name
        )
        images += f'<image name="{name}.png" subset="Validation" width="80" height="60">{boxes}</image>'
    labels = "".join(f"<label><name>{name}</name></label>" for name in CLASSES)
    (root / "annotations.xml").write_text(
        f"<annotations><meta><task><labels>{labels}</labels></task></meta>{images}</annotations>"
    )


def write_label_studio(root):
    write_images(root / "images", "a", "b", "empty")

    def task(name):
        result = [
            {"type": "rectanglelabels", "original_width": 80, "original_height": 60, "value": {
                "x": x / 0.8, "y": y / 0.6, "width": w / 0.8, "height": h / 0.6, "rotation": 0,
                "rectanglelabels": [CLASSES[c]]}}
            for image, c, x, y, w, h in TRUTH
            if image == name
        ]  # fmt: skip
        source = f"/data/upload/3/0a1b2c3d-{name}.png" if name == "a" else f"/data/local-files/?d=images/{name}.png"
        return {"id": 1, "data": {"image": source}, "annotations": [{"result": result}]}

    tasks = [*map(task, ("a", "b", "empty", "gone")), {"id": 9, "data": {"image": "b.png"}, "annotations": []}]
    (root / "project-1.json").write_text(json.dumps(tasks))


WRITERS = {
    "voc": write_voc,
    "coco": write_coco,
    "yolo": write_yolo,
    "boxes-csv": write_csv,
    "cvat": write_cvat,
    "label-studio": write_label_studio,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_tells_the_same_truth(tmp_path, kind):
    WRITERS[kind](tmp_path / "set")
    data = load_boxes(tmp_path / "set")
    assert data.format == kind
    assert data.classes == CLASSES
    assert len(data) == 3
    found = {
        (name.rsplit("/", 1)[1][0], int(label), *box.round(3).tolist())
        for name, known in zip(data.names, data.boxes, strict=True)
        for label, box in zip(known.labels, known.in_pixels(60, 80), strict=True)
    }
    assert found == {(image, c, *map(float, box)) for image, c, *box in TRUTH}
    assert data.image(0).shape == (60, 80, 3)
    part, used = data.for_evaluation()
    assert used == ("all" if kind == "label-studio" else "val")
    assert len(part) == (1 if kind == "voc" else 3)
    assert data.passed_over == (kind not in ("voc", "coco"))


def test_a_set_one_folder_deeper_or_named_by_its_file(tmp_path):
    write_voc(tmp_path / "outer" / "VOC2007")
    assert len(load_boxes(tmp_path / "outer")) == 3
    write_coco(tmp_path / "coco")
    assert len(load_boxes(tmp_path / "coco" / "annotations" / "instances_val.json")) == 3
    write_yolo(tmp_path / "yolo")
    assert len(load_boxes(tmp_path / "yolo" / "data.yaml")) == 3


def test_coco_keeps_crowds_and_areas_and_its_own_ids(tmp_path):
    write_coco(tmp_path)
    data = load_boxes(tmp_path)
    assert [known.crowd.tolist() for known in data.boxes] == [[False, False], [True], []]
    assert data.boxes[0].areas.tolist() == [99.0, 99.0]


@pytest.mark.parametrize(
    "yaml",
    [
        "path: .\nnames:\n  0: bird  # small\n  1: 'cat'\nnc: 2\n",
        'names:\n- bird\n- "cat"\ntrain: images/train\n',
        "nc: 2\nnames: ['bird', 'cat']\n",
        "names: [bird,\n  cat]\n",
        "names: {0: bird, 1: cat}\n",
    ],
)
def test_every_way_to_write_names_in_yaml(tmp_path, yaml):
    write_yolo(tmp_path, yaml)
    assert load_boxes(tmp_path).classes == CLASSES


def test_yolo_polygons_scores_and_bad_lines(tmp_path):
    write_yolo(tmp_path)
    file = tmp_path / "labels" / "val" / "a.txt"
    file.write_text("1 0.1 0.1 0.6 0.1 0.6 0.6 0.1 0.6\n0 0.5 0.5 0.2 0.2 0.93\n")
    boxes = load_boxes(tmp_path).boxes[0]
    np.testing.assert_allclose(boxes.boxes, [[0.1, 0.1, 0.5, 0.5], [0.4, 0.4, 0.2, 0.2]])
    file.write_text("1 .5 .5 .2 .2 .93 1\n1 .5 .5 .2 .2 .93 17\n0 .4 .4 .6 .4 .6 1.0\n")  # tracks, and a triangle
    boxes = load_boxes(tmp_path).boxes[0]
    np.testing.assert_allclose(boxes.boxes, [[0.4, 0.4, 0.2, 0.2], [0.4, 0.4, 0.2, 0.2], [0.4, 0.4, 0.2, 0.6]])
    for text, message in (
        ("1 0.5 0.5", "no class and box"),
        ("0.7 .5 .5 .1 .1", "no class and box"),
        ("x 1 2 3 4", "no YOLO label file"),
        ("7 .5 .5 .1 .1", "class 7"),
    ):
        file.write_text(text)
        with pytest.raises(DataError, match=message) as error:
            load_boxes(tmp_path)
        assert "\n" not in str(error.value)


def test_boxes_without_area_are_passed_over_and_named(tmp_path, shared_data):
    data = load_boxes(shared_data / "bccd_voc")
    assert sum(map(len, data.boxes)) == 4886
    assert [line.split(":")[0] for line in data.empty] == [
        "JPEGImages/BloodImage_00338.jpg",
        "JPEGImages/BloodImage_00343.jpg",
    ]
    assert data.for_evaluation()[1] == "test"


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">]>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_xml_with_entities_is_refused(tmp_path, bomb):
    write_voc(tmp_path, extra=bomb)
    with pytest.raises(DataError, match="document type"):
        load_boxes(tmp_path)


def test_files_that_are_wrong_say_so_in_one_line(tmp_path):
    write_voc(tmp_path / "voc")
    (tmp_path / "voc" / "Annotations" / "a.xml").write_text("<annotation><object>")
    write_coco(tmp_path / "coco", annotations=[{"image_id": 0, "category_id": 3, "bbox": [1, 2]}])
    write_coco(tmp_path / "json")
    (tmp_path / "json" / "annotations" / "instances_val.json").write_text('{"annotations": [')
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("voc", r"a.xml: is no annotation"),
        ("coco", "not as COCO's are"),
        ("json", "no JSON that can be read"),
        ("empty", "no data set with boxes"),
        ("none", "no such file or folder"),
    ):
        with pytest.raises(DataError, match=message) as error:
            load_boxes(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,xmin,ymin,xmax,ymax,label\na.png,1,1,nine,9,cat", r"row 1 .* has a side that is no number"),
        ("path,xmin,ymin,xmax,ymax,label\n,1,1,9,9,cat", r"row 1 .* has no path"),
        ("path,xmin,ymin,xmax,ymax,label\na.png,1,1,9,9,", r"row 1 .* has a box and no label"),
        (
            "path,xmin,ymin,xmax,ymax,label,split\na.png,1,1,9,9,cat,best",
            r"split 'best' is none of train, val and test",
        ),
    ],
)
def test_a_table_of_boxes_that_is_wrong_is_one_line(tmp_path, text, said):
    write_images(tmp_path, "a")
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        load_boxes(tmp_path / "boxes.csv")


def test_a_table_without_a_header_and_one_of_sides(tmp_path):
    write_images(tmp_path, "a")
    for text in ("a.png,8,6,48,36,cat\n", "image;x;y;width;height;label\na.png;8;6;40;30;cat\n"):
        (tmp_path / "boxes.csv").write_text(text)
        assert load_boxes(tmp_path / "boxes.csv").boxes[0].boxes.tolist() == [[8, 6, 40, 30]]


def test_a_turned_box_of_label_studio_is_the_upright_one_around_it(tmp_path):
    write_images(tmp_path, "a")
    value = {"x": 50, "y": 0, "width": 50, "height": 50, "rotation": 90, "rectanglelabels": ["cat"]}
    result = [{"original_width": 80, "original_height": 60, "value": value}]
    (tmp_path / "p.json").write_text(json.dumps([{"data": {"image": "a.png"}, "annotations": [{"result": result}]}]))
    found = load_boxes(tmp_path).boxes[0].in_pixels(60, 80)[0]
    np.testing.assert_allclose(found, [10, 0, 30, 40], atol=1e-9)
