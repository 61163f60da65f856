"""Pipelines: several networks in one bundle, the later ones looking at what the first one finds."""

import dataclasses
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Step
from edgelens.runtime.engines.catalog import ENGINES
from edgelens.runtime.errors import BundleError, ModelError, UsageError, WorkError
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.crops import can_be_levelled, crops_of, picture_of_crop
from edgelens.runtime.model.golden import frames_of
from edgelens.runtime.model.network import LoadedNetwork
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.verify import verify_bundle
from edgelens.runtime.model.verify_pipeline import rows_agree
from edgelens.runtime.preprocess import PixelContract, fit_frame
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.tasks.catalog import task_of


@pytest.fixture(scope="session")
def people(shared, tmp_path_factory):
    """A person detector as a bundle, proven with frames of a video."""
    folder = tmp_path_factory.mktemp("people")
    capture = cv2.VideoCapture(str(shared / "video/one-by-one-person-detection.mp4"))
    for at in (250, 300, 350, 600):
        capture.set(cv2.CAP_PROP_POS_FRAMES, at)
        cv2.imwrite(str(folder / f"{at}.png"), capture.read()[1])
    pytest.importorskip("torch", reason="`edgelens bundle` belongs to the workstation")
    labels = folder / "labels.txt"
    labels.write_text("\n".join(["person", *(f"thing {i}" for i in range(1, 80))]))
    out = folder / "people.edge"
    done = CliRunner().invoke(
        cli,
        ["bundle", str(shared / "models/yolox/yolox_nano.onnx"), "--out", str(out), "--images", str(folder),
         "--labels", str(labels)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture
def looks(people, color_bundle, tmp_path):
    """People, and which colour there is most of in each."""
    out = tmp_path / "looks.edge"
    done = CliRunner().invoke(
        cli, ["chain", str(people), str(color_bundle.path), "--out", str(out), "--margin", ".1", "--classes", "person"]
    )
    assert done.exit_code == 0, done.output
    assert done.output == f"{out}: people (detect) → color (classify)\n"
    return Bundle.open(out)


def test_a_person_is_found_and_told_by_colour(looks):
    with BundleRecognizer(looks) as recognizer:
        frames = frames_of(looks, looks.manifest.golden[-1])
        seen = recognizer.recognize(frames[1])
        rows = seen.recognitions
        assert [rows.label(0), rows.label(1)] == ["person", rows.label(1)]
        assert rows.label(1) in ("red", "green", "blue")
        assert rows.parents.tolist() == [-1, 0]
        assert np.isnan(rows.boxes[1]).all()
        assert list(seen.stages) == ["preprocess", "infer", "decode", "people", "color"]
        assert seen.stages["people"] + seen.stages["color"] == pytest.approx(
            sum(seen.stages[stage] for stage in ("preprocess", "infer", "decode"))
        )
        x, y, w, h = rows.boxes[0]
        alone = np.asarray(frames[1].image)[
            int(max(y - 0.1 * h, 0)) : int(y + 1.1 * h), int(max(x - 0.1 * w, 0)) : int(x + 1.1 * w)
        ]
        assert ("blue", "green", "red")[int(alone.reshape(-1, 3).mean(axis=0).argmax())] == rows.label(1)
    assert looks.manifest.format == (2, 0)
    assert Bundle.open(looks.path).manifest.steps == (
        Step(network="people", output="people"),
        Step(network="color", output="color", region="people", margin=0.1, classes=("person",)),
    )


def test_every_network_and_the_whole_are_proven(looks):
    report = verify_bundle(looks)
    assert report.ok, report
    assert [file.network for file in report.files] == ["people", "color", ""]
    assert report.files[-1].agreement == 1
    reference = np.load(io.BytesIO(looks.read("golden/whole.npz")))
    assert int(reference["counts"].sum()) == len(reference["rows"]) >= 4


def part_of(video: Path, places: range, out: Path) -> Path:
    """Some frames of a video, as a video."""
    capture = cv2.VideoCapture(str(video))
    size = [int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
    writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), 10, size)
    for place in range(places.stop):
        frame = capture.read()[1]
        if place in places:
            writer.write(frame)
    writer.release()
    return out


def test_the_verbs_know_pipelines(looks, shared, tmp_path):
    def run(*arguments):
        done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        return done.output

    assert "the whole pipeline" in run("verify", looks.path)
    shown = run("inspect", looks.path)
    assert "people" in shown
    assert "the pipeline" in shown
    video = part_of(shared / "video/one-by-one-person-detection.mp4", range(250, 650, 10), tmp_path / "part.mp4")
    lines = run("run", looks.path, "--source", video, "--json", "-", "--quiet", "--no-preview").splitlines()
    rows = [json.loads(line)["results"] for line in lines]
    inside = [row for frame in rows for row in frame if "parent" in row]
    assert len(lines) == 40
    assert len(inside) > 20
    assert all(frame[row["parent"]]["label"] == "person" for frame in rows for row in frame if "parent" in row)
    folder = tmp_path / "colours"
    for name, pixel in (("red", (0, 0, 250)), ("green", (0, 250, 0))):
        (folder / name).mkdir(parents=True)
        cv2.imwrite(str(folder / name / "1.png"), np.full((32, 32, 3), pixel, np.uint8))
    target = tmp_path / "evaluated.json"
    run("evaluate", looks.path, folder, "--json", target)
    assert json.loads(target.read_text())["accuracy"] == 1
    target = tmp_path / "bench.json"
    run("bench", looks.path, "--duration", ".2", "--threads", "1", "--json", target)
    cases = json.loads(target.read_text())["cases"]
    assert {case["entry"].split("/")[1] for case in cases} == {"people", "color"}
    assert {"people", "color"} <= set(cases[0]["end_to_end"]["stages_ms"])


def test_a_later_steps_boxes_and_levelled_crops_come_back_into_the_frame():
    image = np.zeros((200, 300, 3), np.uint8)
    cv2.line(image, (100, 100), (140, 140), (255, 255, 255), 3)  # a line that falls by 45 degrees
    eyes = np.array([[[105, 105, 1], [135, 135, 1]]], np.float32)
    found = Recognitions(("face",), [0], [1.0], boxes=[[90, 90, 60, 60]], keypoints=eyes)
    contract = PixelContract(60, 60, "gray", "stretch")
    (crop,) = crops_of(image, found, Step(region="faces", align="keypoints"), contract)
    lit = np.argwhere(crop.pixels[..., 0] > 128)
    assert np.ptp(lit[:, 0]) < 8  # level now
    assert np.ptp(lit[:, 1]) > 40
    (y0, x0), (y1, x1) = lit.min(axis=0), lit.max(axis=0)
    inner = Recognitions(("eyes",), [0], [1.0], boxes=crop.placement.to_frame(np.array([[x0, y0, x1, y1]])))
    x, y, w, h = crop.in_frame(inner).boxes[0]
    assert (x, y, x + w, y + h) == pytest.approx((100, 100, 140, 140), abs=6)
    plain = crops_of(image, found, Step(region="faces"), contract)[0]
    assert plain.placement.view == (90, 90, 60, 60)


@pytest.mark.parametrize("align", [None, "keypoints", "corners"])
def test_the_picture_of_a_crop_shows_what_the_network_saw(align):
    """What is kept of a lesson is looked at again: with the margin, and levelled."""
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    points = np.array([[[95, 100, 1], [140, 120, 1], [130, 150, 1], [85, 130, 1]]], np.float32)
    found = Recognitions(("face",), [0], [1.0], boxes=[[90, 90, 60, 60]], keypoints=points)
    step, contract = Step(region="faces", margin=0.2, align=align), PixelContract(32, 48)
    (crop,) = crops_of(image, found, step, contract)
    again, _ = fit_frame(picture_of_crop(image, found, step, crop), contract)
    np.testing.assert_array_equal(again, crop.pixels)


def test_crops_stay_inside_the_frame_and_only_of_the_wanted_labels():
    image = np.zeros((50, 50, 3), np.uint8)
    boxes = [[-10, -10, 30, 30], [45, 45, 30, 30], [10, 10, 0.2, 20], [np.nan] * 4, [10, 10, 20, 20]]
    found = Recognitions(("cat", "dog"), [0, 0, 0, 0, 1], np.ones(5), boxes=boxes)
    crops = crops_of(image, found, Step(region="a", margin=0.5), PixelContract(8, 8))
    assert [crop.row for crop in crops] == [0, 1, 4]
    assert all(x >= 0 and y >= 0 and x + w <= 50 and y + h <= 50 for x, y, w, h in (c.placement.view for c in crops))
    dogs = crops_of(image, found, Step(region="a", classes=("dog",)), PixelContract(8, 8))
    assert [crop.row for crop in dogs] == [4]
    with pytest.raises(ModelError, match="finds no boxes"):
        crops_of(image, dataclasses.replace(found, boxes=None), Step(region="a"), PixelContract(8, 8))


@pytest.mark.parametrize("align", ["keypoints", "corners"])
def test_a_box_that_says_it_is_huge_costs_no_more_than_the_frame(align):
    """A levelled crop has its box's size: one of 100,000 pixels a side was a picture of 30 GB."""
    image = np.full((60, 80, 3), 90, np.uint8)
    points = np.array([[[10, 10, 1], [1e5, 10, 1], [1e5, 1e5, 1], [10, 1e5, 1]]], np.float32)
    found = Recognitions(("face",), [0], [1.0], boxes=[[10, 10, 1e5, 1e5]], keypoints=points)
    (crop,) = crops_of(image, found, Step(region="faces", align=align), PixelContract(8, 8))
    inner = Recognitions(("eye",), [0], [1.0], boxes=crop.placement.to_frame(np.array([[0, 0, 8, 8]])))
    assert crop.in_frame(inner).boxes[0] == pytest.approx((10, 10, 1e5, 1e5), rel=0.01)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("align", ["keypoints", "corners"])
def test_keypoints_at_no_place_level_nothing(align, odd):
    """A network that breaks down says such things, and the camera goes on."""
    points = np.array([[[odd, 10, 1], [30, 12, 1], [30, 40, 1], [10, 40, 1]]], np.float32)
    found = Recognitions(("face",), [0], [1.0], boxes=[[10, 10, 20, 20]], keypoints=points)
    (crop,) = crops_of(np.zeros((60, 80, 3), np.uint8), found, Step(region="a", align=align), PixelContract(8, 8))
    assert crop.back is None
    assert crop.placement.view == (10, 10, 20, 20)


def test_of_more_things_than_can_be_looked_at_the_surest_are(monkeypatch):
    monkeypatch.setattr("edgelens.runtime.model.crops.MOST_CROPS", 3)
    found = Recognitions(("a",), [0] * 5, [0.2, 0.9, 0.5, 0.8, 0.1], boxes=[[1, 1, 9, 9]] * 5)
    crops = crops_of(np.zeros((20, 20, 3), np.uint8), found, Step(region="a"), PixelContract(8, 8))
    assert [crop.row for crop in crops] == [1, 2, 3]


def test_what_cannot_be_chained_says_why(people, color_bundle, tmp_path, shared):
    detector, colours, out = Bundle.open(people), color_bundle, tmp_path / "x.edge"
    with pytest.raises(UsageError, match="--classes cup: is no label of people"):
        chain(detector, colours, out, ChainOptions(classes=("cup",)))
    with pytest.raises(UsageError, match="--inside door: must be one of people"):
        chain(detector, colours, out, ChainOptions(inside="door"))
    with pytest.raises(UsageError, match="--align nose: must be keypoints"):
        ChainOptions(align="nose")
    with pytest.raises(UsageError, match="--margin 9: must be between"):
        ChainOptions(margin=9)
    with pytest.raises(ModelError, match="finds no boxes"):
        chain(colours, colours, out)
    for own in (people, color_bundle.path):
        before = Path(own).read_bytes()
        with pytest.raises(UsageError, match="is one of the two that are joined"):
            chain(detector, colours, own)
        assert Path(own).read_bytes() == before
    done = CliRunner().invoke(cli, ["chain", str(people), str(color_bundle.path), "--out", str(out), "--classes", " ,"])
    assert "--classes ' ,': names none" in str(done.exception)
    done = CliRunner().invoke(
        cli, ["chain", str(shared / "models/yolox/yolox_nano.onnx"), str(people), "--out", str(out)]
    )
    assert done.exit_code != 0
    assert "is a bare model file" in str(done.exception)
    assert not out.exists()


@pytest.mark.parametrize("align", ["keypoints", "corners"])
def test_what_the_finder_does_not_find_levels_nothing(halves_bundle, color_bundle, tmp_path, align):
    out = tmp_path / "x.edge"
    with pytest.raises(UsageError, match=f"--align {align}: halves finds no {align}: leave it out, or take .* such as"):
        chain(halves_bundle, color_bundle, out, ChainOptions(align=align))
    assert not out.exists()


def test_a_finder_without_a_float32_file_is_looked_at_all_the_same(halves_bundle, color_bundle, tmp_path):
    network = halves_bundle.manifest.main
    half = dataclasses.replace(network, files=tuple(dataclasses.replace(f, precision="float16") for f in network.files))
    entries = {name: halves_bundle.read(name) for name in halves_bundle.manifest.entries}
    finder = write_bundle(
        tmp_path / "half.edge", dataclasses.replace(halves_bundle.manifest, networks={"main": half}), entries
    )
    assert chain(finder, color_bundle, tmp_path / "both.edge").manifest.steps[1].region == "half"
    with pytest.raises(UsageError, match="half finds no keypoints"):
        chain(finder, color_bundle, tmp_path / "x.edge", ChainOptions(align="keypoints"))


def test_what_can_be_levelled_is_told_by_what_rows_bring():
    box, eyes = [[2, 2, 9, 9]], np.array([[[3, 4, 1], [8, 5, 1]]], np.float32)
    square = np.array([[[2, 2, 1], [11, 3, 1], [11, 11, 1], [2, 11, 1]]], np.float32)
    bare, face, plate = (Recognitions(("a",), [0], [0.9], boxes=box, keypoints=each) for each in (None, eyes, square))
    told = [[can_be_levelled(found, align) for found in (bare, face, plate)] for align in ("keypoints", "corners")]
    assert told == [[False, True, True], [False, False, True]]


def test_a_part_that_does_not_verify_is_not_built_upon(people, write_color_bundle, color_onnx, tmp_path):
    colours = write_color_bundle({"models/color.onnx": color_onnx(scale=-1.0)})
    with pytest.raises(WorkError, match="does not verify here"):
        chain(Bundle.open(people), colours, tmp_path / "x.edge")
    assert not (tmp_path / "x.edge").exists()


def test_rows_agree_by_label_place_and_parent():
    boxes = [[0, 0, 10, 10], [50, 50, 10, 10], [np.nan] * 4, [np.nan] * 4]
    ours = Recognitions(("a", "x", "y"), [0, 0, 1, 2], np.ones(4), boxes=boxes, parents=np.array([-1, -1, 0, 1]))
    assert rows_agree([ours], [ours]) == 1
    swapped = dataclasses.replace(ours, ids=np.array([0, 0, 2, 1]))
    assert rows_agree([ours], [swapped]) == pytest.approx(0.5)
    nothing = Recognitions.nothing(("a", "x", "y"))
    assert rows_agree([ours], [nothing]) == 0
    assert rows_agree([nothing], [nothing]) == 1


def test_a_chain_is_stamped_like_every_bundle(halves_bundle, color_bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    made = chain(halves_bundle, color_bundle, tmp_path / "stamped.edge")
    assert made.manifest.provenance.created == "1970-01-02T00:00:00Z"


def test_a_chain_of_three(looks, people, color_bundle, tmp_path):
    three = chain(looks, color_bundle, tmp_path / "three.edge", ChainOptions(0.1, classes=("person",), inside="people"))
    assert [(step.output, step.region) for step in three.manifest.steps] == [
        ("people", None), ("color", "people"), ("color-2", "people")
    ]  # fmt: skip
    with BundleRecognizer(three) as recognizer:
        rows = recognizer.recognize(frames_of(three, three.manifest.golden[-1])[1]).recognitions
    assert rows.parents.tolist() == [-1, 0, 0]
    assert rows.ids[1] + 3 == rows.ids[2]


def test_an_asked_threshold_is_the_last_steps(halves_bundle, color_bundle, tmp_path):
    """What the others find is held to their own: nothing would be left for the last one to look at."""
    both = chain(halves_bundle, color_bundle, tmp_path / "both.edge")
    three = chain(both, color_bundle, tmp_path / "three.edge", ChainOptions(inside=both.manifest.steps[0].output))
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, :40, 2], image[:, 40:, 1] = 255, 255
    with BundleRecognizer(three) as recognizer:
        rows = recognizer.recognize(Frame(image), threshold=1.0).recognitions
    assert [rows.label(row) for row in range(6)] == ["left", "right", "red", "green", "unknown", "unknown"]


def test_several_crops_go_through_the_network_together(color_onnx, color_bundle, frames_of_colors):
    network = color_bundle.manifest.main
    pictures = [fit_frame(frame, network.pixels)[0] for frame in frames_of_colors]
    with LoadedNetwork(color_bundle, network, network.files[0]) as loaded:
        one_by_one = loaded.outputs_of_many(pictures)
        loaded.batch = 4
        together = loaded.outputs_of_many(pictures)
    for ours, theirs in zip(one_by_one, together, strict=True):
        np.testing.assert_allclose(ours["logits"], theirs["logits"], rtol=1e-5)


def test_a_golden_reference_of_the_whole_that_is_damaged_is_said(looks, tmp_path):
    entries = {name: looks.read(name) for name in looks.manifest.entries}
    entries["golden/whole.npz"] = entries[looks.manifest.golden[0].reference]
    broken = write_bundle(tmp_path / "broken.edge", dataclasses.replace(looks.manifest), entries)
    with pytest.raises(BundleError, match="golden reference of the whole pipeline is damaged"):
        verify_bundle(broken)


def test_both_halves_are_looked_into_and_told_by_colour(halves_bundle, color_bundle, tmp_path):
    both = chain(halves_bundle, color_bundle, tmp_path / "both.edge")
    image = np.zeros((40, 80, 3), np.uint8)
    image[:, :40, 2], image[:, 40:, 1] = 255, 255
    with BundleRecognizer(both) as recognizer:
        rows = recognizer.recognize(Frame(image)).recognitions
    assert [rows.label(row) for row in range(4)] == ["left", "right", "red", "green"]
    assert rows.parents.tolist() == [-1, -1, 0, 1]
    assert rows.rivals_of(0) == []
    assert [label for label, _ in rows.rivals_of(2)] == ["green", "blue"]
    said = [row.to_dict() for row in rows]
    assert said[0]["box"] == [0, 0, 40, 40]
    assert "box" not in said[2]
    assert said[3]["parent"] == 1
    assert task_of(rows.task).describe(rows) == "1 left (red), 1 right (green)"


def test_how_a_step_looks_is_inspected(halves_bundle, color_bundle, tmp_path):
    both = chain(halves_bundle, color_bundle, tmp_path / "both.edge", ChainOptions(0.1, None, ("left",), "track"))
    shown = " ".join(CliRunner().invoke(cli, ["inspect", str(both.path)]).output.split())
    says = "step color looks into what halves finds called left, margin 0.1, of what is followed only at what is new"
    assert says in shown


def test_a_file_whose_engine_is_not_installed_is_not_needed(halves_bundle, color_bundle, tmp_path, monkeypatch):
    monkeypatch.setitem(ENGINES, "tflite", dataclasses.replace(ENGINES["tflite"], modules=("not_installed_here",)))
    network = color_bundle.manifest.main
    other = dataclasses.replace(network.files[0], path="models/other.tflite", engine="tflite")
    entries = {name: color_bundle.read(name) for name in color_bundle.manifest.entries}
    entries[other.path] = entries[network.files[0].path]
    role = color_bundle.manifest.steps[0].network
    networks = {role: dataclasses.replace(network, files=(*network.files, other))}
    two = write_bundle(tmp_path / "two.edge", dataclasses.replace(color_bundle.manifest, networks=networks), entries)
    both = chain(halves_bundle, two, tmp_path / "both.edge")
    assert verify_bundle(both).ok
