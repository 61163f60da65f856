"""Bare networks of others that read and find text, with real files on a real engine."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
from colour_letters import bright_finder, colour_reader, letters, turned

from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.verify import verify_bundle


@pytest.fixture
def file(tmp_path):
    def written(data, name="m.onnx"):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return written


def text_of(model, image, **options):
    with BundleRecognizer(open_model(model, **options)) as recognizer:
        return recognizer.recognize(Frame(image)).recognitions.texts


def test_a_file_that_states_its_characters_reads_without_a_word(file):
    bundle = open_model(file(colour_reader()))
    assert bundle.manifest.main.task == "read"
    assert bundle.manifest.main.decode.options["alphabet"] == ["B", "G", "R"]
    assert text_of(file(colour_reader()), letters("RGB")) == ("RGB",)


@pytest.mark.parametrize("variant", [{"blank_last": True}, {"steps_first": True}, {}])
def test_another_is_told_its_characters(file, tmp_path, variant):
    model = file(colour_reader(metadata=False, **variant))
    (tmp_path / "blank.txt").write_text("B\nG\nR\n<blank>\n" if variant.get("blank_last") else "<blank>\nB\nG\nR\n")
    asked = {"decoder": "ctc", "labels": str(tmp_path / "blank.txt"), "color": "bgr"}
    assert text_of(model, letters("RGGB"), **asked) == ("RGGB",)
    with pytest.raises(ModelError):
        open_model(model)  # rows of numbers could be anything
    with pytest.raises(ModelError, match="--labels FILE"), BundleRecognizer(open_model(model, decoder="ctc")):
        pass


def test_characters_that_are_as_many_as_its_scores_make_it_a_reader(file, tmp_path):
    model = file(colour_reader(metadata=False, others=9))
    (tmp_path / "all.txt").write_text("B\nG\nR\n1\n2\n3\n4\n5\n6\n7\n8\n \n")  # PP-OCR's end with a space, or begin
    (tmp_path / "blank.json").write_text(json.dumps(["", *"BGR123456789"]))
    (tmp_path / "spaced.txt").write_text("B\nG\nR\n1\n2\n3\n4\n5\n6\n7\n \n")  # with one more space behind them
    for name, last in (("all.txt", "8 "), ("blank.json", "89"), ("spaced.txt", "  ")):
        network = open_model(model, labels=str(tmp_path / name), color="bgr").manifest.main
        alphabet = network.decode.options["alphabet"]
        assert (network.task, len(alphabet), "".join(alphabet[-2:])) == ("read", 12, last)
        assert text_of(model, letters("RGGB"), labels=str(tmp_path / name), color="bgr") == ("RGGB",)
    with pytest.raises(ModelError, match=r"text that is read from lines.*--decode ctc.*name the characters"):
        open_model(model, labels=list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


@pytest.mark.parametrize("steps_first", [True, False])
def test_one_that_states_a_wrong_shape_reads_where_it_is_asked_to(file, tmp_path, steps_first):
    model = file(colour_reader(metadata=False, steps_first=steps_first, stated=2))
    (tmp_path / "all.json").write_text('["", "B", "G", "R"]')
    asked = {"decoder": "ctc", "labels": str(tmp_path / "all.json"), "color": "bgr"}
    assert text_of(model, letters("RGGB"), **asked) == ("RGGB",)
    with pytest.raises(ModelError, match=r"say --decode ctc\|classify$"):
        open_model(model)
    with pytest.raises(ModelError, match="which is no row"):
        text_of(model, letters("RGGB"), decoder="classify", input_size="96x48")


@pytest.mark.parametrize("steps_first", [True, False])
def test_its_bundle_is_proven_by_every_step(file, tmp_path, steps_first):
    pytest.importorskip("torch", reason="`edgelens bundle` belongs to the workstation")
    from edgelens.compress.foreign.bundle_file import bundle_file

    for at, text in enumerate(("RGGB", "BBGR")):
        cv2.imwrite(str(tmp_path / f"{at}.png"), letters(text))
    made = bundle_file(file(colour_reader(steps_first=steps_first)), tmp_path / "r.edge", images=str(tmp_path)).bundle
    assert verify_bundle(made).ok
    with np.load(io.BytesIO(made.read("golden/main.npz"))) as golden:
        assert golden["scores"].size == 2 * 40 * 4  # frames, steps, scores


def test_the_blank_has_no_name_where_names_are_as_many_as_scores(file):
    model = file(colour_reader(metadata=False, blank_last=True))
    options = open_model(model, decoder="ctc", labels=["B", "G", "R", " "]).manifest.main.decode.options
    assert (options["alphabet"], options["blank"]) == (["B", "G", "R"], "last")
    with pytest.raises(ModelError, match="--labels is to name 3 of them, or 4 with <blank> first or last"):
        text_of(model, letters("RG"), decoder="ctc", labels=["B", "G", "R", "_"])


def test_steps_before_pictures_are_no_boxes(told):
    with pytest.raises(ModelError, match=r"y 20x1x37: if you know better, say --decode ctc or name the characters"):
        open_model(told({"y": np.zeros((20, 1, 37), np.float32)}, (60, 160)))


def test_a_longer_text_gets_a_wider_picture(file):
    model = file(colour_reader())
    long = "RGB" * 9
    with BundleRecognizer(open_model(model)) as recognizer:
        short, wide = (recognizer.recognize(Frame(letters(text))) for text in ("RG", long))
        assert wide.recognitions.texts == (long,)
        assert wide.outputs["scores"].shape[1] > short.outputs["scores"].shape[1]
        many = recognizer.recognize_many([letters(text) for text in ("RG", long, "B", long, "GG")])
    assert [seen.texts[0] for seen in many] == ["RG", long, "B", long, "GG"]


def test_a_size_that_was_asked_for_is_the_only_one(file):
    bundle = open_model(file(colour_reader()), input_size="160x48")
    assert (bundle.manifest.main.pixels.width, bundle.manifest.main.pixels.widths) == (160, ())


def test_words_and_patterns_from_the_options(file, tmp_path):
    model = file(colour_reader())
    (tmp_path / "words.txt").write_text("GRR\nBBB\n")
    assert text_of(model, letters("GRG"), lexicon=str(tmp_path / "words.txt")) == ("GRR",)
    assert text_of(model, letters("GRG"), pattern="[GB]+") != ("GRG",)
    with pytest.raises(UsageError, match=r"--lexicon .*none\.txt: could not be read"):
        open_model(model, lexicon=str(tmp_path / "none.txt"))


def test_a_line_is_found_where_it_lies_and_as_it_is_turned(file):
    scene = turned(letters("RGB", high=30), (300, 400), (200, 120), 20)
    model = file(bright_finder())
    with BundleRecognizer(open_model(model, decoder="db", input_size="416x320")) as recognizer:
        seen = recognizer.recognize(Frame(scene)).recognitions
    assert [row.label for row in seen] == ["text"]
    corners = seen.keypoints[0, :, :2]
    slope = np.degrees(np.arctan2(*(corners[0] - corners[1])[::-1] * -1))
    assert slope == pytest.approx(-20, abs=4)
    assert corners.mean(axis=0) == pytest.approx([200, 120], abs=10)


def test_a_map_is_no_detector_unless_it_is_asked_to_be(file):
    with pytest.raises(ModelError, match=r"--decode .*db"):
        open_model(file(bright_finder()))


def test_finding_then_reading_in_one_chain(file, tmp_path):
    pytest.importorskip("torch", reason="`edgelens bundle` belongs to the workstation")
    from edgelens.compress.foreign.bundle_file import bundle_file
    from edgelens.runtime.model.chain import ChainOptions, chain

    photos, lines = tmp_path / "photos", tmp_path / "lines"
    for folder in (photos, lines):
        folder.mkdir()
    scene = turned(letters("RGB", high=30), (300, 400), (150, 80), 25)
    scene = np.maximum(scene, turned(letters("GGR", high=30), (300, 400), (260, 220), -10))
    cv2.imwrite(str(photos / "a.png"), scene)
    for text in ("RGB", "GBBR", "RGBRGBRGBRGB" * 2):
        cv2.imwrite(str(lines / f"{text}.png"), letters(text))
    find = {"decoder": "db", "input_size": "416x320"}
    bundle_file(file(bright_finder(), "find.onnx"), tmp_path / "find.edge", find, images=str(photos))
    bundle_file(file(colour_reader(), "read.onnx"), tmp_path / "read.edge", images=str(lines))
    parts = [open_model(str(tmp_path / name)) for name in ("find.edge", "read.edge")]
    made = chain(*parts, tmp_path / "both.edge", ChainOptions(align="corners"))
    with BundleRecognizer(made) as recognizer:
        seen = recognizer.recognize(Frame(scene)).recognitions
    read = {text: row.parent for text, row in zip(seen.texts, seen, strict=True) if text}
    assert set(read) == {"RGB", "GGR"}
    assert {seen[parent].label for parent in read.values()} == {"text"}
