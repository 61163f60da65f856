"""RF-DETR's outputs, told, against its published decoding written out plainly, query by query and class by class."""

from __future__ import annotations

import numpy as np
import pytest

from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

QUERIES, SIZE = 40, (56, 84)  # height and width


def answers(columns, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(-4, 1, (1, QUERIES, columns)).astype(np.float32)
    logits[0, rng.choice(QUERIES, 12, replace=False), rng.integers(0, columns, 12)] += 6
    logits[0, 3, :3] = 2  # one query that is three things, or two and what is none
    boxes = np.concatenate([rng.uniform(0.3, 0.7, (1, QUERIES, 2)), rng.uniform(0.1, 0.5, (1, QUERIES, 2))], axis=2)
    return {"dets": boxes.astype(np.float32), "labels": logits}


def plain(outputs, width, height, threshold):
    """(column, score, corners) of every score that is high enough, the best first."""
    found = []
    for (x, y, w, h), logits in zip(outputs["dets"][0], outputs["labels"][0], strict=True):
        for column, logit in enumerate(logits):
            if (score := 1 / (1 + np.exp(-float(logit)))) >= threshold:
                box = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
                found.append((column, score, box))
    return sorted(found, key=lambda each: -each[1])


def see(path, **options):
    with BundleRecognizer(open_model(path, **options)) as recognizer:
        return recognizer.recognize(Frame(np.zeros((120, 160, 3), np.uint8))).recognitions


def test_with_cocos_numbers_and_its_picture(told):
    outputs = answers(91)
    path = told(outputs, SIZE)
    bundle = open_model(path)
    network = bundle.manifest.main
    assert network.decode.decoder == "rf-detr"
    assert (network.pixels.resize, network.pixels.color, network.files[0].tensor.mean[0]) == ("stretch", "rgb", 123.675)
    assert any("first of its 91 scores" in note for note in bundle.notes)
    seen = see(path)
    wanted = [each for each in plain(outputs, 160, 120, 0.5) if each[0] > 0]
    assert len(wanted) > 8
    assert sorted(seen.scores) == pytest.approx(sorted(score for _, score, _ in wanted), abs=1e-5)
    assert seen.ids.tolist() == [column - 1 for column, *_ in wanted]
    assert seen.xyxy == pytest.approx(np.clip([box for *_, box in wanted], 0, [160, 120, 160, 120]), abs=0.01)
    three = [label for label, score in seen if score == pytest.approx(1 / (1 + np.exp(-2)))]
    assert three == ["person", "bicycle"]  # of COCO's numbers 1 and 2
    spread = open_model(path, labels=["person", *map(str, range(1, 80))]).manifest.main.labels
    assert spread[10:13] == ("10", "n/a", "11")  # COCO's number 12 is no class


def test_of_a_network_trained_anew_the_last_score_is_no_class(told):
    outputs = answers(3)
    path = told(outputs, SIZE)
    wanted = plain(outputs, 160, 120, 0.5)
    seen = see(path, labels=["cat", "dog"])
    assert [label for label, _ in seen] == [["cat", "dog"][column] for column, *_ in wanted if column < 2]
    assert [int(i) for i in see(path, labels=["cat", "dog", "cow"]).ids] == [column for column, *_ in wanted]
    with pytest.raises(UsageError, match="5 names"):
        open_model(path, labels=list("abcde"))


def test_masks_are_passed_over_and_other_names_are_asked_for(told):
    outputs = answers(3)
    notes = open_model(told({**outputs, "masks": np.zeros((1, QUERIES, 8, 8), np.float32)}, SIZE)).notes
    assert any("dets and labels are read, masks not" in note for note in notes)
    path = told({"logits": outputs["labels"], "pred": outputs["dets"]}, SIZE)
    with pytest.raises(ModelError, match=r"--decode .*rf-detr"):
        open_model(path)
    assert len(see(path, decoder="rf-detr", labels=["cat", "dog"])) == len(
        see(told(outputs, SIZE), labels=["cat", "dog"])
    )


def test_hugging_faces_rt_detr_spares_no_class(told):
    outputs = answers(80)
    renamed = {"logits": outputs["labels"], "pred_boxes": outputs["dets"]}
    path = told(renamed, SIZE)
    network = open_model(path).manifest.main
    assert (network.pixels.color, network.pixels.resize) == ("rgb", "stretch")
    assert (network.files[0].tensor.mean, network.files[0].tensor.std) == ((0.0,), (255.0,))
    wanted, seen = plain(outputs, 160, 120, 0.5), see(path)
    assert len(wanted) > 8
    assert seen.ids.tolist() == [column for column, *_ in wanted]
    assert "person" in [label for label, _ in seen]
    assert seen.xyxy == pytest.approx(np.clip([box for *_, box in wanted], 0, [160, 120, 160, 120]), abs=0.01)
    beside = told({"hidden": np.zeros((1, QUERIES, 16), np.float32), **renamed}, SIZE)
    assert see(beside).ids.tolist() == seen.ids.tolist()


def test_of_detr_a_softmax_has_a_score_for_nothing_and_it_is_not_guessed(told):
    outputs = answers(92)
    with pytest.raises(ModelError, match="hf-detr"):
        open_model(told({"logits": outputs["labels"], "pred_boxes": outputs["dets"]}, SIZE))
