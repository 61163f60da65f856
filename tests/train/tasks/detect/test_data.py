"""Boxes that are broken: one clear line, or mended and counted; what is sound stays where it is in every picture."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np
import pytest
import torch

from edgelens.runtime.errors import DataError
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.train.data.check_table import check_table
from edgelens.train.data.config import DataConfig
from edgelens.train.data.prepare import prepare
from edgelens.train.data.splits import SplitConfig
from edgelens.train.report import sections
from edgelens.train.task import Draw
from edgelens.train.tasks.detect.data import open_boxes
from edgelens.train.tasks.detect.flaws import MOST_BOXES
from edgelens.train.tasks.detect.moved import augmented
from edgelens.train.tasks.detect.recipes import RECIPES
from edgelens.train.tasks.detect.targets import box_targets

if TYPE_CHECKING:
    from edgelens.train.report.findings import Findings

Row = tuple[str, float, float, float, float]
WIDTH, HEIGHT = 200, 120
PIXELS = PixelContract(96, 96, "rgb", "letterbox")


def voc(root: Path, pictures: dict[str, list[Row]], size: tuple[int, int] = (WIDTH, HEIGHT)) -> DataConfig:
    """A VOC set of noise pictures with boxes x0, y0, x1, y1, whose XML says this size."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    draw = np.random.default_rng(0)
    for name, rows in pictures.items():
        cv2.imwrite(str(root / "JPEGImages" / f"{name}.png"), draw.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))
        objects = "".join(
            f"<object><name>{label}</name><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
            "</bndbox></object>"
            for label, x0, y0, x1, y1 in rows
        )
        sides = f"<size><width>{size[0]}</width><height>{size[1]}</height></size>"
        text = f"<annotation><filename>{name}.png</filename>{sides}{objects}</annotation>"
        (root / "Annotations" / f"{name}.xml").write_text(text)
    return DataConfig(str(root), splits=SplitConfig(val=0.5), cache=str(root / "cache"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("cup", 20, 20, 20, 60), "1 without an area or with a number that is none, left out; first .*a.png: box 2"),
        (("cup", 60, 20, 20, 60), "1 without an area"),
        (("cup", "nan", 20, 20, 60), "1 without an area"),
        (("cup", 210, 20, 250, 60), "1 outside their picture, left out; first .*a.png"),
        (("cup", -30, 20, 40, 60), "1 reach beyond their picture and are cut at its edge"),
        (("cup", 10.2, 10, 50, 50.1), "1 drawn twice, taken once"),
        (("cup", 100, 100, 101, 118), "1 are less than 1 % of the picture wide or high: a larger --size"),
    ],
)  # fmt: skip
def test_a_flaw_is_counted_in_one_line(tmp_path: Path, row: Any, said: str) -> None:
    found = open_boxes(voc(tmp_path / "set", {"a": [("cup", 10, 10, 50, 50), row], "b": [("cup", 5, 5, 60, 60)]}))
    (line,) = found.notes
    assert line.startswith("boxes: ")
    assert re.search(said, line)
    assert found.boxes[0].boxes[0].tolist() == [10, 10, 40, 40]
    assert len(found.boxes[0]) == (1 if "left out" in said or "area" in said or "twice" in said else 2)


def test_a_box_beyond_the_edge_is_cut_there(tmp_path: Path) -> None:
    found = open_boxes(voc(tmp_path / "set", {"a": [("cup", -30, 100, 40, 160)]}))
    assert found.boxes[0].boxes.tolist() == [[0, 100, 40, 20]]


def test_pictures_without_boxes_are_negatives(tmp_path: Path) -> None:
    found = open_boxes(voc(tmp_path / "set", {"a": [("cup", 10, 10, 50, 50)], "b": [], "c": []}))
    assert found.notes == ("boxes: 2 of 3 pictures have none: they teach where nothing is",)
    assert box_targets(found, PIXELS).counts.tolist() == [1, 0, 0]


def test_no_box_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none of its 2 pictures has a box; there is nothing to learn"):
        open_boxes(voc(tmp_path / "set", {"a": [], "b": []}))
    with pytest.raises(DataError, match=r"no box lies inside its picture; see boxes: 1 outside"):
        open_boxes(voc(tmp_path / "other", {"a": [("cup", 300, 300, 400, 400)]}))


def test_a_wrong_size_in_the_xml_is_counted_and_the_picture_s_own_holds(tmp_path: Path) -> None:
    found = open_boxes(voc(tmp_path / "set", {"a": [("cup", 10, 10, 190, 110)]}, size=(100, 60)))
    (line,) = found.notes
    assert "1 pictures whose size is not what the data says" in line
    assert line.endswith("first JPEGImages/a.png (100×60 said, 200×120 are)")
    assert found.boxes[0].boxes.tolist() == [[10, 10, 180, 100]]


def test_ten_thousand_boxes_in_one_picture(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    corners = draw.uniform(0, 100, (10_000, 2))
    rows = [("cup", x, y, x + 8, y + 8) for x, y in corners.round(3).tolist()]
    found = open_boxes(voc(tmp_path / "set", {"a": rows, "b": [("cup", 10, 10, 50, 50)]}))
    assert any(f"in pictures with more than {MOST_BOXES}, of which so many are learnt" in line for line in found.notes)
    targets = box_targets(found, PIXELS)
    pixels = torch.zeros(2, 3, 96, 96, dtype=torch.uint8)
    _, learnt = augmented(RECIPES["quick"], pixels, targets.pick(np.array([0, 1])), Draw(0, 0, torch.arange(2)))
    assert MOST_BOXES // 3 < int(learnt.counts.max()) <= MOST_BOXES


def test_classes_of_one_split_only_are_said(tmp_path: Path) -> None:
    pictures: dict[str, list[Row]] = {f"p{i}": [("cup", 10, 10, 50, 50)] for i in range(6)}
    pictures["p0"] += [("cup", 60, 10, 90, 50), ("cup", 210, 20, 250, 60)]
    pictures["p4"] = [("vase", 10, 10, 50, 50)]
    pictures["p5"] = [("bowl", 10, 10, 50, 50)]
    config = voc(tmp_path / "set", pictures)
    for split, names in (("train", ("p0", "p1", "p2", "p5")), ("val", ("p3", "p4"))):
        (tmp_path / "set" / "ImageSets" / "Main" / f"{split}.txt").write_text("\n".join(names))
    data = prepare(config, PIXELS, images=open_boxes(config))
    assert data.check.elsewhere == ("vase",)
    assert data.check.unjudged == ("bowl",)
    table = check_table(data.check)
    assert table[0] == "data: 4 train, 2 val images with 7 boxes; 3 classes, 0 to 4 boxes a class and split"
    assert any("classes that nothing teaches" in line and line.endswith("vase") for line in table)
    kept = json.loads(json.dumps(asdict(data.check)))
    (note,) = kept["notes"]
    assert "1 outside their picture" in note
    page = sections.data(cast("Findings", SimpleNamespace(check=kept, classes=data.classes)))
    for said in (note, "1 × classes that nothing teaches", "1 × classes that nothing validates", "<li>bowl</li>"):
        assert said in page


@pytest.mark.parametrize("resize", ["letterbox", "stretch", "crop"])
def test_boxes_lie_where_the_picture_shows_them(tmp_path: Path, resize: Any) -> None:
    """A bright box in the file is bright in the network's picture, under the target and nowhere else."""
    found = open_boxes(voc(tmp_path / "set", {"a": [("cup", 60, 30, 140, 90)]}))
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[30:90, 60:140] = 255
    contract = PixelContract(96, 96, "rgb", resize)
    shown = fit_frame(image, contract)[0][..., 0] > 127
    targets = box_targets(found, contract)
    x0, y0, x1, y1 = targets.columns["boxes"][0].round().int().tolist()
    if resize == "letterbox":
        shown &= np.abs(np.arange(96) - 47.5)[:, None] < 96 * HEIGHT / WIDTH / 2 - 1
    ys, xs = np.nonzero(shown)
    assert (x0, y0, x1, y1) == pytest.approx((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), abs=1)


def test_a_set_of_boxes_stays_whole_when_parts_are_taken(tmp_path: Path) -> None:
    found = open_boxes(voc(tmp_path / "set", {"a": [("cup", 10, 10, 50, 50)], "b": [], "c": [("bowl", 1, 1, 30, 40)]}))
    part = found.select(np.array([False, True, True]))
    assert [len(known) for known in part.boxes] == [0, 1]
    assert part.sizes == [(HEIGHT, WIDTH)] * 2
    assert part.counted().tolist() == [1, 0]
    assert found.told_of(0) != found.told_of(2)
