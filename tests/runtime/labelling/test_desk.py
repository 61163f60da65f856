"""What is kept of what the page says: formats that read back, pictures and their names, and words that are refused."""

from __future__ import annotations

import http.client
import json
import os
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from label_page import HEIGHT, WIDTH, served

from edgelens.runtime.datasets.catalog import load_boxes, load_images
from edgelens.runtime.datasets.yolo_yaml import read_yaml
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.labelling.marks import marks_from
from edgelens.runtime.labelling.pictures import pictures_of
from edgelens.runtime.labelling.wanted import wanted

BOX = {"label": "dot", "box": [40, 50, 40, 60]}


@pytest.mark.parametrize("format_name", ["coco", "yolo", "voc"])
def test_every_format_reads_back(photos, desk_of, tmp_path, format_name):
    with desk_of(photos, format_name=format_name, classes=["line", "dot"]) as desk:
        desk.keep(0, {"boxes": [BOX, {"label": "line", "box": [100.25, 20, 30.5, 10]}], "done": True})
        desk.keep(1, {"boxes": [], "done": True})
        desk.keep(2, {"boxes": [BOX], "done": False})  # not finished: no part of the data set
    data = load_boxes(tmp_path / "out")
    assert data.format == format_name
    names = [name.rpartition("/")[2] for name in data.names]
    assert names == ["photo0.png", "photo1.png"]
    first = data.boxes[0]
    assert [data.classes[label] for label in first.labels] == ["dot", "line"]
    assert first.in_pixels(HEIGHT, WIDTH) == pytest.approx(
        np.array([[40, 50, 40, 60], [100.25, 20, 30.5, 10]]), abs=0.01
    )
    assert len(data.boxes[1]) == 0
    assert data.image(0).shape == (HEIGHT, WIDTH, 3)


def test_coco_s_own_tools_hold_results_against_what_was_labelled(photos, desk_of, tmp_path):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is what reads it")
    with desk_of(photos, classes=["dot"]) as desk:
        desk.keep(0, {"boxes": [BOX], "done": True})
    truth = coco.COCO(str(tmp_path / "out/annotations/instances.json"))
    truth.info()  # a KeyError where there is none, as in `loadRes` of 2.0.9 and 2.0.10
    found = truth.loadRes([{"image_id": 1, "category_id": 1, "bbox": BOX["box"], "score": 0.9}])
    assert found.dataset["info"] == truth.dataset["info"]
    assert truth.loadAnns(truth.getAnnIds(imgIds=1))[0]["bbox"] == BOX["box"]


def test_yolo_s_pictures_are_found_beside_data_yaml_wherever_a_training_runs(photos, desk_of, tmp_path):
    """Ultralytics takes a `path` of `.` for the folder that it runs in, and earlier versions for their own."""
    with desk_of(photos, format_name="yolo", classes=["dot"]) as desk:
        desk.keep(0, {"boxes": [BOX], "done": True})
    said = read_yaml(tmp_path / "out/data.yaml")
    assert (said.path, dict(said.places), said.names) == ("", {"train": ("images",), "val": ("images",)}, ["dot"])
    assert load_boxes(tmp_path / "out/data.yaml").names == ["images/photo0.png"]


@pytest.mark.parametrize("format_name", ["coco", "yolo", "voc"])
def test_crowds_stay_crowds_where_the_format_has_a_place_for_them(photos, desk_of, tmp_path, capsys, format_name):
    """A set with one is labelled on: the picture that nobody changed, and one that got another."""
    crowd = {**BOX, "crowd": True}
    with desk_of(photos, classes=["dot"]) as desk:
        desk.keep(0, {"boxes": [BOX, {**crowd, "box": [200, 50, 60, 60]}], "done": True})
        desk.keep(1, {"boxes": [], "done": True})
    (tmp_path / "out").rename(tmp_path / "before")
    with desk_of(tmp_path / "before", format_name=format_name) as desk:
        assert desk.state()["crowds"] == (format_name != "yolo")
        given = desk.picture(0)
        assert [row.get("crowd", False) for row in given["boxes"]] == [False, True]
        desk.keep(0, {**given, "done": True})
        desk.keep(1, {"boxes": [crowd], "done": True})
    kept = format_name != "yolo"
    assert ("1 become boxes like others" in capsys.readouterr().out) == (not kept)
    data = load_boxes(tmp_path / "out")
    assert [list(each.crowd) for each in data.boxes] == [[False, kept], [kept]]
    with desk_of(tmp_path / "before", format_name=format_name) as desk:  # what was said stands in the journal
        assert [row.get("crowd", False) for row in desk.picture(1)["boxes"]] == [True]


def test_the_data_set_holds_the_same_files_not_copies(photos, desk_of, tmp_path):
    with desk_of(photos, classes=["dot"]) as desk:
        desk.keep(0, {"boxes": [BOX], "done": True})
    assert (tmp_path / "out/images/photo0.png").samefile(photos / "photo0.png")


def test_a_picture_of_another_class_changes_its_folder(photos, desk_of, tmp_path):
    with desk_of(photos, format_name="folders") as desk:
        desk.keep(0, {"label": "red", "done": True})
        desk.keep(1, {"label": "red", "done": True})
        desk.keep(0, {"label": "blue", "done": True})
    with desk_of(photos, format_name="folders") as desk:
        desk.keep(1, {"label": "green", "done": True})
        with pytest.raises(UsageError, match="a label is 1 to 64 letters"):
            desk.keep(2, {"label": "../../etc", "done": True})
    data = load_images(tmp_path / "out")
    assert sorted(data.names) == ["blue/photo0.png", "green/photo1.png"]
    assert not list((tmp_path / "out/red").glob("*"))


def test_names_of_classes_that_cannot_be_kept_are_refused_at_the_start(photos, desk_of, tmp_path):
    for name, there in (("wide\u00a0space", True), ("x" * 84, False)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "a.png").write_bytes((photos / "photo0.png").read_bytes())
        (folder / "b").mkdir()
        (folder / "b" / name[:90]).mkdir()
        (folder / "b" / name[:90] / "c.png").write_bytes((photos / "photo1.png").read_bytes())
        if there:
            for _ in range(2):
                with desk_of(folder, format_name="folders") as desk:
                    assert desk.state()["classes"] == ["wide space"]
        else:
            with pytest.raises(UsageError, match="a class has a name of 1 to 64 letters"):
                desk_of(folder, format_name="folders").__enter__()


def test_what_is_given_is_shown_before_what_is_proposed(photos, desk_of, halves_bundle, tmp_path):
    with desk_of(photos, format_name="yolo", classes=["dot"]) as desk:
        for i in range(6):
            desk.keep(i, {"boxes": [BOX] if i == 0 else [], "done": True})
    again = pictures_of(str(tmp_path / "out"), tmp_path / "frames", most=5, differ=6, say=print)
    assert [picture.name for picture in again] == [f"photo{i}.png" for i in range(6)]
    assert again[0].marks().boxes[0].w == pytest.approx(40, abs=0.01)

    with desk_of(photos, assist=halves_bundle) as desk:
        assert desk.picture(0)["boxes"] == [BOX | {"box": [40.0, 50.0, 40.0, 60.0]}]  # the journal's
        assert desk.picture(0)["proposed"] is False


def test_a_detector_s_best_row_is_the_guess_for_a_whole_picture(photos, desk_of, color_bundle):
    image = np.full((HEIGHT, WIDTH, 3), 0, np.uint8)
    image[..., 1] = 200
    cv2.imwrite(str(photos / "photo0.png"), image)
    with desk_of(photos, format_name="folders", assist=color_bundle) as desk:
        assert desk.picture(0)["label"] == "green"
        assert desk.state()["classes"] == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("classes", "proposed"),
    [((), ["left", "right"]), (("right", "dot"), ["right"]), (("right",), ["right"]), (("dot",), ["dot", "dot"]),
     (("dot", "line"), [])],
)  # fmt: skip
def test_only_the_asked_classes_are_proposed(photos, desk_of, halves_bundle, classes, proposed):
    with desk_of(photos, assist=halves_bundle, classes=classes) as desk:
        answer = desk.picture(0)
        assert [row["label"] for row in answer["boxes"]] == proposed
        assert answer["proposed"] is bool(proposed)
        desk.know("left")
        assert "left" in {row["label"] for row in desk.picture(0)["boxes"]}


def test_a_whole_picture_is_not_guessed_to_be_of_the_one_asked_class(photos, desk_of, color_bundle):
    with desk_of(photos, format_name="folders", assist=color_bundle, classes=["dot"]) as desk:
        assert (desk.picture(0)["label"], desk.picture(0)["proposed"]) == ("", False)


def test_what_a_model_takes_for_two_things_is_proposed_once_under_the_one_class():
    rows = [
        {"label": "cat", "score": 0.9, "box": [10, 10, 50, 50]},
        {"label": "bear", "score": 0.6, "box": [12, 11, 50, 50]},
        {"label": "dog", "score": 0.5, "box": [90, 10, 50, 50]},
    ]
    found = wanted(rows, ["raccoon"], "raccoon")
    assert [(row["label"], row["score"]) for row in found] == [("raccoon", 0.9), ("raccoon", 0.5)]
    assert wanted(rows, ["bear"]) == rows[1:2]
    assert wanted([], ["raccoon"], "raccoon") == []


def test_frames_of_a_video_that_differ(tmp_path, desk_of, monkeypatch):
    path = str(tmp_path / "clip.avi")
    writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
    for i in range(30):
        writer.write(np.full((HEIGHT, WIDTH, 3), 60 * (i // 10), np.uint8))
    writer.release()
    with desk_of(path, classes=["dot"]) as desk:
        assert [picture.name for picture in desk.pictures] == [f"clip-{i:06d}.jpg" for i in (0, 10, 20)]
        desk.keep(1, {"boxes": [BOX], "done": True})
    monkeypatch.setattr("edgelens.runtime.labelling.frames.VideoFile", None)
    with desk_of(path) as desk:  # its frames were kept
        assert desk.state()["done"] == [False, True, False]
        assert desk.state()["first"] == 0


def test_two_pictures_of_one_name_are_two(photos, desk_of):
    for folder in ("a", "b"):
        (photos / folder).mkdir()
        (photos / f"photo{'01'[folder == 'b']}.png").rename(photos / folder / "same.png")
    (photos / "a-same.jpg").write_bytes((photos / "photo2.png").read_bytes())
    with desk_of(photos) as desk:
        stems = [picture.name.rpartition(".")[0] for picture in desk.pictures]
        assert len(set(stems)) == 7


@pytest.mark.parametrize("suffix", ["png", "bmp"])  # label files are called by the stem alone
def test_another_picture_of_a_known_name_is_another_picture(photos, desk_of, tmp_path, suffix, capsys):
    first, second = tmp_path / "one", tmp_path / "two"
    for folder, photo in ((first, "photo0.png"), (second, "photo3.png")):
        folder.mkdir()
        image = cv2.imread(str(photos / photo))
        cv2.imwrite(str(folder / f"pic.{'bmp' if suffix == 'bmp' and folder == first else 'png'}"), image)
    with desk_of(first, format_name="yolo", classes=["dot", "line"]) as desk:
        desk.keep(0, {"boxes": [BOX], "done": True})
    other = {"label": "line", "box": [10, 10, 20, 20]}
    for done in (False, True):
        with desk_of(second) as desk:
            assert desk.state()["done"] == [done]
            assert desk.pictures[0].name == "pic-2.png"
            desk.keep(0, {"boxes": [other], "done": True})
        assert "1 of 1 pictures have another one's name" in capsys.readouterr().out
    with desk_of(first) as desk:
        assert desk.picture(0)["boxes"][0]["label"] == "dot"
    data = load_boxes(tmp_path / "out")
    said = dict(zip((name.rpartition("/")[2][:-4] for name in data.names), data.boxes, strict=True))
    assert {name: data.classes[boxes.labels[0]] for name, boxes in said.items()} == {"pic": "dot", "pic-2": "line"}
    assert (tmp_path / "out/images/pic-2.png").samefile(second / "pic.png")


def test_a_copy_of_a_labelled_picture_is_that_picture_whatever_lies_beside_it(photos, desk_of, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for target, photo in (("photo0.png", "photo0.png"), ("photo1.png", "photo2.png"), ("photo1-2.png", "photo3.png")):
        (other / target).write_bytes((photos / photo).read_bytes())
    with desk_of(photos, classes=["dot"]) as desk:
        desk.keep(0, {"boxes": [BOX], "done": True})
        desk.keep(1, {"boxes": [], "done": False})
    with desk_of(other) as desk:
        assert desk.state()["done"] == [True, False, False]
        assert [picture.name for picture in desk.pictures] == ["photo0.png", "photo1-2.png", "photo1-3.png"]


def test_two_videos_of_one_name_are_two(tmp_path):
    found = {}
    for level in (0, 130):
        folder = tmp_path / f"v{level}"
        folder.mkdir()
        writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
        for step in range(3):
            writer.write(np.full((48, 64, 3), level + 30 * step, np.uint8))
        writer.release()
    for _ in range(2):
        for level in (0, 130):
            where = str(tmp_path / f"v{level}/clip.avi")
            taken = pictures_of(where, tmp_path / "frames", most=5, differ=6.0, say=print)
            found[level] = [picture.name for picture in taken]
            assert cv2.imread(str(taken[0].path)).mean() == pytest.approx(level, abs=3)
    assert found == {level: [f"clip{nth}-{i:06d}.jpg" for i in range(3)] for level, nth in ((0, ""), (130, "-2"))}
    (tmp_path / "frames/.clip.complete").write_bytes(b"")  # as earlier versions left it
    again = pictures_of(str(tmp_path / "v130/clip.avi"), tmp_path / "frames", most=5, differ=6.0, say=print)
    assert [picture.name for picture in again] == found[0]


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ([], "send a JSON object"),
        ({"boxes": 3}, '"boxes", a list'),
        ({"boxes": [{"label": "x", "box": [1, 2, 3]}]}, "a box is"),
        ({"boxes": [{"label": "x", "box": [1, 2, 3, float("nan")]}]}, "a box is"),
        ({"boxes": [{"label": "", "box": [1, 2, 3, 4]}]}, "a class has a name"),
        ({"boxes": [{"label": "a\x07b", "box": [1, 2, 3, 4]}]}, "a class has a name"),
        ({"boxes": [BOX] * 5001}, "5001 boxes"),
    ],
)
def test_what_is_no_mark_is_one_line(said, match):
    with pytest.raises(UsageError, match=match):
        marks_from(said, 100, 100)


def test_boxes_are_clipped_and_those_outside_go():
    rows = [{"label": "x", "box": box} for box in ([-5, -5, 20, 20], [200, 0, 10, 10], [10, 10, 0.5, 5])]
    marks = marks_from({"boxes": rows}, 100, 50)
    assert [(box.x, box.y, box.w, box.h) for box in marks.boxes] == [(0, 0, 15, 15)]


def ask(link, method, path, body=None, **headers):
    address = urlsplit(link)
    line = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    given = {"content-type": "application/json", **headers} if body is not None else headers
    line.request(method, path, None if body is None else json.dumps(body), given)
    answer = line.getresponse()
    said = answer.status, answer.read()
    line.close()
    return said


def test_the_door_is_the_live_page_s(photos, desk_of):
    token = "a token of the tests"
    with desk_of(photos, classes=["dot"]) as desk, served(desk, token) as link:
        assert ask(link, "GET", "/label/state")[0] == 401
        known = {"authorization": f"Bearer {token}"}
        assert ask(link, "GET", "/label/state", **known)[0] == 200
        assert ask(link, "GET", "/label/99", **known)[0] == 404
        assert ask(link, "GET", "/label/0/image", **known)[1][:4] == b"\x89PNG"
        assert ask(link, "POST", "/label/0", {"boxes": [BOX], "done": True}, **known)[0] == 200
        status, answer = ask(link, "POST", "/label/0", {"boxes": 7}, **known)
        assert (status, b"a list" in answer) == (400, True)
        assert ask(link, "POST", "/label/0", {"boxes": []}, origin="http://elsewhere", **known)[0] == 403
        assert ask(link, "GET", "/../pyproject.toml", **known)[0] == 404


def test_what_browsers_do_not_show_is_made_a_jpeg(photos, desk_of):
    image = cv2.imread(str(photos / "photo0.png"))
    cv2.imwrite(str(photos / "photo0.tiff"), image)
    with desk_of(photos / "photo0.tiff", classes=["dot"]) as desk:
        data, media = desk.image(0)
        assert (media, data[:2]) == (b"image/jpeg", b"\xff\xd8")
        assert (desk.picture(0)["width"], desk.picture(0)["height"]) == (WIDTH, HEIGHT)


def test_a_browser_is_given_upright_what_it_would_not_turn(photos, desk_of):
    """Editors say in XMP alone how a picture is to be turned, which the kit reads and browsers do not."""
    data = cv2.imencode(".jpg", cv2.imread(str(photos / "photo0.png")))[1].tobytes()
    said = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    segment = b"\xff\xe1" + (len(said) + 2).to_bytes(2, "big") + said
    (photos / "turned.jpg").write_bytes(data[:2] + segment + data[2:])
    with desk_of(photos / "turned.jpg", classes=["dot"]) as desk:
        size = desk.picture(0)["height"], desk.picture(0)["width"]
        shown = cv2.imdecode(np.frombuffer(desk.image(0)[0], np.uint8), cv2.IMREAD_COLOR)  # which knows EXIF alone
        assert shown.shape[:2] == size == (WIDTH, HEIGHT)


def test_voc_takes_pictures_whose_names_xml_cannot_hold(photos, desk_of, tmp_path):
    (photos / "photo0.png").rename(photos / "a\x01b.png")
    with desk_of(photos, format_name="voc") as desk:
        desk.keep(0, {"boxes": [BOX], "done": True})
    assert load_boxes(tmp_path / "out").names == ["JPEGImages/a\x01b.png"]


@pytest.mark.parametrize("format_name", ["coco", "yolo", "voc"])
def test_a_name_that_is_no_utf8_is_kept_as_one_that_is(photos, desk_of, tmp_path, format_name):
    (photos / "photo0.png").rename(photos / os.fsdecode(b"caf\xe9.png"))
    with desk_of(photos, format_name=format_name) as desk:
        assert desk.picture(0)["name"] == "café.png"
        desk.keep(0, {"boxes": [BOX], "done": True})
    with desk_of(photos) as desk:
        assert desk.state()["done"][0] is True
    assert [name.rpartition("/")[2] for name in load_boxes(tmp_path / "out").names] == ["café.png"]


def test_nothing_to_label_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    for where, match in ((tmp_path / "empty", "holds no pictures"), (tmp_path / "nowhere", "no such folder")):
        with pytest.raises((DataError, UsageError), match=match):
            pictures_of(str(where), tmp_path / "frames", most=5, differ=6, say=print)
    assert os.listdir(tmp_path) == ["empty"]
