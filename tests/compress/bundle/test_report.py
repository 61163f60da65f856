"""The report speaks of what was measured: by the task's own figure, and of nothing that could not be."""

import math

import pytest

from edgelens.compress.bundle.card import Card, CardRow
from edgelens.compress.bundle.report import report_html
from edgelens.compress.proof.parity import FileParity, Parity


def report(accuracy: float, *, images: int, score: str, classes: int = 2) -> str:
    row = FileParity("models/main.int8.onnx", "int8 ONNX", "int8", 30.0, 0.9, 0.1, accuracy)
    card = Card("dots", "detect", classes, "lens-det-s", "40 test images of dots", "x86", (CardRow("int8 ONNX"),),
                images=images, score=score)  # fmt: skip
    return report_html(card, Parity(40, accuracy, (row,)))


def test_what_is_no_share_of_pictures_has_its_own_name_and_no_interval() -> None:
    page = report(0.625, images=0, score="mAP")
    assert ">mAP on 40 test images of dots." in page
    assert "<th>mAP</th>" in page
    assert "<td>62.50 %</td>" in page
    assert "ccuracy" not in page


def test_a_share_of_pictures_has_its_interval() -> None:
    assert "<td>62.5 % (47.0 to 75.8)</td>" in report(0.625, images=40, score="accuracy")


def test_pictures_without_classes_leave_a_blank() -> None:
    assert "nan" not in report(math.nan, images=0, score="accuracy").lower()


def test_one_class_is_one_class() -> None:
    assert "lens-det-s; 1 class; task detect." in report(0.5, images=40, score="mAP", classes=1)
    assert "lens-det-s; 2 classes; task detect." in report(0.5, images=40, score="mAP")
    assert "lens-det-s; task detect." in report(0.5, images=40, score="mAP", classes=0)


@pytest.mark.parametrize(("threads", "said"), [(1, "one thread, x86."), (4, "4 threads, x86.")])
def test_a_latency_is_said_with_its_threads(threads: int, said: str) -> None:
    card = Card("dots", "detect", 2, "lens-det-s", "40 test images", "x86", (CardRow("int8 ONNX"),), threads=threads)
    row = FileParity("models/main.int8.onnx", "int8 ONNX", "int8", 30.0, 0.9, 0.1, 0.9)
    for page in (card.to_markdown().decode(), report_html(card, Parity(40, 0.9, (row,)))):
        assert f"the engine alone, one picture, {said}" in page
    assert card.to_plain().get("threads", 1) == threads


def test_a_bar_in_a_name_ends_no_cell() -> None:
    rows = (CardRow("int8 ONNX", note="left in float: a|b"),)
    text = Card("dots", "detect", 2, "lens-det-s", "40 test images", "x86", rows).to_markdown().decode()
    assert r"| left in float: a\|b |" in text
