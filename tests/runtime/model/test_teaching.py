"""A classifier is taught new things on the device: known from the next picture on, and what it knew stays."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from one_line import one_line

from edgelens import Recognizer
from edgelens.cli import cli
from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.errors import UsageError
from edgelens.runtime.gallery.file import GalleryFile
from edgelens.runtime.loop.smoothing import Announcer
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.teaching import Teacher
from edgelens.runtime.preprocess import Region, fit_frame
from edgelens.runtime.recognitions import Recognitions


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path / "state" / "edgelens" / "galleries"


def plain(b: int, g: int, r: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    noise = rng.integers(-12, 13, (40, 40, 3))
    return np.clip(np.array([b, g, r]) + noise, 0, 255).astype(np.uint8)


def yellow(seed: int = 0) -> NDArray[np.uint8]:
    return plain(10, 240, 240, seed)


def yellow_beside_blue() -> NDArray[np.uint8]:
    return np.concatenate([yellow(1)[:, :20], plain(200, 10, 10)[:, :20]], axis=1)


def test_what_is_taught_is_named_and_trained_classes_stay(color_bundle, frames_of_colors):
    with Recognizer(color_bundle) as recognizer:
        before = [recognizer(frame).top for frame in frames_of_colors]
        lesson = recognizer.teach([yellow(i) for i in range(3)], "banana")
        found = recognizer(yellow(9))
        assert found.names == ("banana",) and found.identities == ("banana",)
        assert found.to_dict()["results"][0]["name"] == "banana"
        assert [recognizer(frame).top for frame in frames_of_colors] == before
        assert all(recognizer(frame).identities is None for frame in frames_of_colors)
        assert recognizer.forget(lesson=lesson) == 3
        assert recognizer(yellow(9)).identities is None


@pytest.fixture
def others(tmp_path: Path, onnx_graph) -> Path:
    """Somebody's network, which gives a picture's mean colour at length one."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the model of this test")
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["fc1"], axis=1),
    ]
    path = tmp_path / "others.onnx"
    path.write_bytes(onnx_graph(nodes, {"x": ("float32", [1, 3, 16, 16])}, {"fc1": ("float32", [1, 3])}, {}))
    return path


def test_somebody_s_embedding_network_is_taught_as_it_is(others: Path):
    with Recognizer(others, mean=127.5, std=127.5) as recognizer:
        recognizer.teach([yellow(i) for i in range(3)], "banana")
        recognizer.teach([plain(240, 20, 20, i) for i in range(3)], "sky")
        assert [recognizer(each).names for each in (yellow(9), plain(240, 20, 20, 9))] == [("banana",), ("sky",)]
        assert recognizer(plain(20, 20, 20)).names != ("banana",)


def test_how_many_strangers_are_taken_for_somebody_is_said(others: Path):
    bundle = open_model(others, mean=127.5, std=127.5)
    decode = Decode("identify", options={"accepts": [[0.2, 0.5], [0.001, 0.99]]})
    network = replace(bundle.manifest.main, decode=decode)
    bundle = replace(bundle, manifest=replace(bundle.manifest, networks={"main": network}))
    with Recognizer(bundle) as recognizer:
        recognizer.teach([yellow(i) for i in range(3)], "banana")
    orange = plain(10, 150, 240)
    found = {}
    for share in (0.2, 0.01, 0.001):
        with Recognizer(bundle, false_accepts=share) as recognizer:
            found[share] = recognizer(orange).names
            assert recognizer(yellow(9)).names == ("banana",)
    assert found[0.2] == ("banana",) and found[0.001] != ("banana",)
    with Recognizer(bundle) as recognizer:
        assert recognizer(orange).names == found[0.01], "one in a hundred unless said"
    with pytest.raises(UsageError, match=r"--false-accepts 0.3: .* for 0.2, 0.001 of them: say 0.001 to 0.2"):
        Recognizer(bundle, false_accepts=0.3).__enter__()


def test_an_option_that_says_nothing_of_names_is_said(others: Path, color_bundle, pictures: Path, halves_bundle):
    with Recognizer(others, threshold=0.99) as recognizer:
        assert "--threshold is passed over: how near a name must be follows from --false-accepts" in recognizer.notes
    with Recognizer(color_bundle, threshold=0.99) as recognizer:
        assert not any("--threshold" in note for note in recognizer.notes)
    assert any("--false-accepts is passed over" in note for note in open_model(halves_bundle, false_accepts=0.1).notes)
    run = ["run", str(others), "--source", str(pictures), "--no-preview", "--threshold", ".5"]
    assert CliRunner().invoke(cli, run).stderr.count("--threshold is passed over") == 1


def test_it_is_known_by_every_later_program_until_it_is_forgotten(color_bundle, state: Path):
    with Recognizer(color_bundle) as recognizer:
        recognizer.teach([yellow(i) for i in range(3)], "banana", photos=False)
    file = next(state.glob("*.gallery"))
    assert [e.picture for e in GalleryFile(file).exemplars()] == [b"", b"", b""]
    with Recognizer(color_bundle) as recognizer:
        assert recognizer(yellow(7)).names == ("banana",)
        assert recognizer.forget("banana") == 3
        with pytest.raises(UsageError, match="no such name"):
            recognizer.forget("banana")
    assert b"banana" not in file.read_bytes()


def test_a_name_is_announced_like_a_label(color_bundle):
    announcer = Announcer()
    with Recognizer(color_bundle) as recognizer:
        recognizer.teach([yellow(i) for i in range(3)], "banana")
        heard = [announcer.hear(recognizer(yellow(20 + i)), (3, 5)) for i in range(4)]
    assert heard == [None, None, "banana", None]


def test_a_network_that_tells_nothing_apart_cannot_be_taught(color_bundle):
    import dataclasses

    manifest = color_bundle.manifest
    network = dataclasses.replace(manifest.main, task="detect")
    other = dataclasses.replace(color_bundle, manifest=dataclasses.replace(manifest, networks={"main": network}))
    recognizer = SimpleNamespace(bundle=other, main=SimpleNamespace(taught=None, network=network))
    with pytest.raises(UsageError) as raised:
        Teacher(recognizer).gallery()
    one_line(raised.value, "cannot be taught", "detect")


def called(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "bananas"
    folder.mkdir()
    for i in range(4):
        cv2.imwrite(str(folder / f"{i}.png"), yellow(i))
    return folder


def test_the_verbs_teach_list_carry_and_forget(color_bundle, pictures: Path, tmp_path: Path, state: Path):
    model = color_bundle.path
    done = called("teach", "banana", "--source", pictures, "--model", model)
    assert done.exit_code == 0 and "4 pictures learned" in done.output and "is the answer" not in done.output
    shown = called("gallery", "list")
    assert "banana" in shown.output and " 4 " in shown.output
    assert called("gallery", "rename", "banana", "lemon").exit_code == 0
    assert called("gallery", "add", "lemon", pictures / "0.png", "--model", model).exit_code == 0
    folder = called("gallery", "add", "lemon", pictures, "--model", model)
    assert folder.exit_code != 0 and f"teach NAME --source {pictures}` takes the pictures" in str(folder.exception)
    assert called("gallery", "export", tmp_path / "out.gallery").exit_code == 0
    assert "5 pictures in" in called("gallery", "export", tmp_path / "set", "--photos").output
    assert len(list((tmp_path / "set" / "lemon").glob("*.jpg"))) == 5
    assert called("gallery", "check").exit_code == 0
    assert "5 pictures forgotten" in called("gallery", "remove", "lemon").output
    brought = called("gallery", "import", tmp_path / "out.gallery", "--model", model)
    assert brought.exit_code == 0 and "5 pictures came in" in brought.output
    again = called("gallery", "import", tmp_path / "out.gallery", "--model", model)
    assert "5 were there already" in again.output
    assert "the file is gone" in called("gallery", "remove", "--everything").output
    assert not list(state.glob("*.gallery"))


@pytest.fixture
def two_taught(color_bundle, others: Path, pictures: Path, state: Path) -> Path:
    """Two networks that were taught something, `sky` last, and a file that is no gallery among theirs."""
    called("teach", "banana", "--source", pictures, "--model", color_bundle.path)
    called("teach", "sky", "--source", pictures, "--model", others)
    junk = state / "aaaa.gallery"
    junk.write_bytes(b"junk")
    return junk


def test_one_bad_file_leaves_the_other_galleries_as_they_are(two_taught: Path, pictures: Path, tmp_path: Path):
    assert called("gallery", "list", "--json", tmp_path / "names.json").stderr == f"{two_taught}: {_NO_GALLERY}\n"
    names = json.loads((tmp_path / "names.json").read_text())["names"]
    assert {each["name"]: each["source"] for each in names} == dict.fromkeys(("banana", "sky"), str(pictures))
    checked = called("gallery", "check", "--json", tmp_path / "check.json")
    assert checked.exit_code != 0 and f"{two_taught}: {_NO_GALLERY}" in checked.stdout
    assert json.loads((tmp_path / "check.json").read_text())["unread"] == [f"{two_taught}: {_NO_GALLERY}"]
    assert "4 pictures taken back" in called("gallery", "undo").output, "of sky, which was taught last"
    assert "4 pictures forgotten" in called("gallery", "remove", "banana").output


def test_a_lesson_that_no_gallery_or_more_than_one_has_is_told_so(two_taught: Path, pictures: Path, state: Path):
    missing = called("gallery", "undo", "ffff")
    assert str(missing.exception) == "no gallery here has a lesson ffff: teach and import name theirs"
    before = set(state.glob("*.gallery"))
    said = called("teach", "grass", "--source", pictures, "--model", "digits").output
    lesson = re.search(r"edgelens gallery undo (\w+)", said)
    assert lesson is not None
    (new,) = set(state.glob("*.gallery")) - before
    shutil.copy(new, copied := state / "copied.gallery")
    doubled = called("gallery", "undo", lesson[1])
    assert str(doubled.exception) == f"--gallery: which of {', '.join(map(str, sorted((new, copied))))}?"
    assert "4 pictures taken back" in called("gallery", "undo", lesson[1], "--gallery", copied).output
    assert "4 pictures taken back" in called("gallery", "undo", lesson[1]).output


def test_everything_is_forgotten_whatever_is_in_the_files(two_taught: Path, state: Path, tmp_path: Path):
    done = called("gallery", "remove", "--everything")
    assert done.exit_code == 0 and done.output.count("the file is gone") == 3 and not list(state.glob("*.gallery"))
    named, other = tmp_path / "mine" / "old.gallery", tmp_path / "mine" / "notes.txt"
    named.parent.mkdir(mode=0o700)
    for file in (named, other):
        file.write_bytes(b"junk")
        called("gallery", "remove", "--everything", "--gallery", file)
    assert other.exists() and not named.exists()


_NO_GALLERY = "is no gallery of edgelens; move it away"


def test_a_bare_file_is_taught_at_the_size_that_is_said(onnx_graph, pictures: Path, tmp_path: Path):
    node = pytest.importorskip("onnx.helper", reason="the onnx package builds the model of this test").make_node
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("GlobalAveragePool", ["c"], ["pooled"]),
        node("Flatten", ["pooled"], ["row"]),
        node("MatMul", ["row", "m"], ["scores"]),
        node("Softmax", ["scores"], ["y"]),
    ]
    rng = np.random.default_rng(0)
    weights = {"w": rng.normal(size=(8, 3, 3, 3)).astype("f4"), "m": rng.normal(size=(8, 4)).astype("f4")}
    free = tmp_path / "free.onnx"
    free.write_bytes(onnx_graph(nodes, {"x": ("float32", [1, 3, "h", "w"])}, {"y": ("float32", [1, 4])}, weights))
    words = ("teach", "banana", "--source", pictures, "--model", free)
    refused = called(*words).exception
    assert isinstance(refused, UsageError) and "--input-size" in str(refused)
    done = called(*words, "--input-size", "16x16", "--std", "255")
    assert done.exit_code == 0 and "4 pictures learned" in done.output, done.output


def test_what_is_masked_is_never_kept(color_bundle, tmp_path: Path, state: Path):
    """A fine pattern in the middle of a picture, which a mask leaves nothing of."""
    board = np.kron(np.indices((16, 16)).sum(0) % 2, np.ones((8, 8)))[..., None].repeat(3, 2).astype(np.uint8) * 255
    cv2.imwrite(str(tmp_path / "board.png"), board)
    kept = {}
    for name, mask in (("open", ()), ("hidden", ("--mask", "0,0,1,0,1,1,0,1"))):
        words = ("teach", name, "--source", tmp_path / "board.png", "--model", color_bundle.path, *mask)
        assert called(*words).exit_code == 0
        assert called("gallery", "export", tmp_path / name, "--photos", "--name", name).exit_code == 0
        (file,) = (tmp_path / name / name).glob("*.jpg")
        kept[name] = cv2.imread(str(file)).std()
    assert kept["open"] > 60
    assert kept["hidden"] < 25


def test_names_are_carried_over_to_another_network(color_bundle, pictures: Path, tmp_path: Path, state: Path):
    import dataclasses

    from edgelens.runtime.bundle.bundle import write_bundle

    manifest = color_bundle.manifest
    newer = dataclasses.replace(manifest.main, feature_space="f" * 64)
    entries = {n: color_bundle.read(n) for n in manifest.entries}
    bundle = write_bundle(tmp_path / "newer.edge", dataclasses.replace(manifest, networks={"main": newer}), entries)
    called("teach", "banana", "--source", pictures, "--model", color_bundle.path)
    old = next(state.glob("*.gallery"))
    refused = called("gallery", "import", old, "--model", bundle.path)
    assert isinstance(refused.exception, UsageError) and "another network" in str(refused.exception)
    done = called("gallery", "reembed", old, "--with", bundle.path)
    assert done.exit_code == 0 and "4 pictures of 1 name carried" in done.output
    with Recognizer(bundle) as recognizer:
        assert recognizer(yellow(9)).names == ("banana",)
    assert called("gallery", "rename", "banana", "lemon", "--gallery", old).exit_code == 0
    assert "4 pictures forgotten" in called("gallery", "remove", "banana").output, "of two galleries one has it"
    both = called("gallery", "remove", "nobody")
    assert str(both.exception).startswith("no gallery here has nobody")
    again = called("gallery", "reembed", old, "--with", bundle.path)
    assert again.exit_code == 0 and "4 pictures of 1 name carried over; take it back" in again.output
    assert "carried over, 4 were there already" in called("gallery", "reembed", old, "--with", bundle.path).output


def test_what_was_taught_and_will_not_be_named_is_said(color_bundle, pictures: Path):
    """The very pictures that have a name already: nothing tells the second one from it."""
    called("teach", "banana", "--source", pictures, "--model", color_bundle.path)
    done = called("teach", "lemon", "--source", pictures, "--model", color_bundle.path)
    assert done.exit_code == 0 and "lemon is the answer for 0 of these pictures" in done.output
    with Recognizer(color_bundle) as recognizer, pytest.warns(match="lime is the answer for 0 of these pictures"):
        recognizer.teach(sorted(pictures.iterdir()), "lime")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("teach", "x" * 10_000), "10,000 characters"),
        (("teach", "../x"), "could be read as a path"),
        (("gallery", "remove", "nobody"), "nothing was taught here yet"),
        (("gallery", "remove", "--everything"), "nothing was taught here yet"),
        (("gallery", "remove", "--everything", "--gallery", "no/such.gallery"), "there is no such gallery"),
        (("gallery", "list", "--gallery", "no/such.gallery"), "there is no such gallery"),
        (("gallery", "rename", "a", "b", "--gallery", __file__), "is no gallery"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(words: tuple[str, ...], said: str):
    done = called(*words)
    assert said in str(done.exception) and "\n" not in str(done.exception) and len(str(done.exception)) < 250


def test_a_chain_is_taught_by_the_largest_thing_that_its_first_step_finds(halves_bundle, color_bundle, tmp_path: Path):
    """Half a frame is yellow: that crop gets the name, and the other half's row does not."""
    out = tmp_path / "chain.edge"
    done = called("chain", halves_bundle.path, color_bundle.path, "--out", out)
    assert done.exit_code == 0, done.output
    frame = yellow_beside_blue()
    with Recognizer(out) as recognizer:
        recognizer.teach([np.concatenate([yellow(i)] * 2, axis=1) for i in range(3)], "banana")
        seen = recognizer(frame)
    named = [(row.name, row.parent is not None) for row in seen]
    assert ("banana", True) in named and ("blue", True) in named


def test_what_a_chain_compared_is_what_it_keeps_and_carries_over(halves_bundle, color_bundle, tmp_path: Path):
    """Left of the middle it is yellow: what the margin adds on the right is blue, and belongs to what is compared."""
    out = tmp_path / "chain.edge"
    assert called("chain", halves_bundle.path, color_bundle.path, "--margin", ".5", "--out", out).exit_code == 0
    frame = yellow_beside_blue()
    with BundleRecognizer(open_model(str(out)), taught=True) as recognizer:
        teacher = Teacher(recognizer)
        shown = teacher.look(frame)
        again, _ = fit_frame(shown.picture, teacher.network.network.pixels)
        np.testing.assert_allclose(teacher.row(again), shown.row, atol=0.02)


def test_of_a_chain_a_box_means_what_was_found_there_else_itself(halves_bundle, color_bundle, tmp_path: Path):
    out = tmp_path / "chain.edge"
    assert called("chain", halves_bundle.path, color_bundle.path, "--margin", ".25", "--out", out).exit_code == 0
    frame = yellow_beside_blue()
    with BundleRecognizer(open_model(str(out)), taught=True) as recognizer:
        teacher = Teacher(recognizer)
        right = teacher.look(frame, box=Region(22, 2, 16, 36))
        np.testing.assert_array_equal(right.picture, frame[7:32, 15:])  # the middle of the right half with its margin
        small = teacher.look(frame, box=Region(24, 8, 8, 8))
        np.testing.assert_array_equal(small.picture, frame[6:18, 22:34])


def test_a_region_tight_about_a_thing_shows_it_although_the_finder_needs_more(
    halves_bundle, color_bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "chain.edge"
    assert called("chain", halves_bundle.path, color_bundle.path, "--out", out).exit_code == 0
    frame = yellow_beside_blue()
    found = BundleRecognizer.found
    nothing = Recognitions.nothing(("left", "right"), "detect")
    monkeypatch.setattr(
        BundleRecognizer, "found", lambda self, image, region=None: found(self, image) if region is None else nothing
    )
    with BundleRecognizer(open_model(str(out)), taught=True) as recognizer:
        shown = Teacher(recognizer).look(frame, Region(20, 1, 20, 38))
        np.testing.assert_array_equal(shown.picture, frame[10:30, 20:])
        assert Teacher(recognizer).look(frame, Region(14, 14, 8, 8)) is None, "no thing is mostly there"


def test_a_lesson_is_taken_back_by_its_number_whatever_else_is_taught(
    color_bundle, pictures: Path, tmp_path: Path, state: Path
):
    import dataclasses

    from edgelens.runtime.bundle.bundle import write_bundle

    manifest = color_bundle.manifest
    newer = dataclasses.replace(manifest.main, feature_space="f" * 64)
    entries = {n: color_bundle.read(n) for n in manifest.entries}
    bundle = write_bundle(tmp_path / "newer.edge", dataclasses.replace(manifest, networks={"main": newer}), entries)
    taught = [called("teach", "banana", "--source", pictures, "--model", each.path).output
              for each in (color_bundle, bundle)]  # fmt: skip
    for said in taught:
        lesson = re.search(r"edgelens gallery undo (\w+)", said)
        assert lesson is not None
        assert "4 pictures taken back" in called("gallery", "undo", lesson[1]).output


def test_what_lies_outside_the_picture_teaches_nothing(color_bundle, pictures: Path):
    done = called("teach", "x", "--source", pictures, "--roi", "1000,1000,10,10", "--model", color_bundle.path)
    assert isinstance(done.exception, UsageError) and "lies outside the 40×40 pixels" in str(done.exception)
    with Recognizer(color_bundle) as recognizer, pytest.raises(UsageError, match="a name is a text, not int"):
        recognizer.teach(yellow(), 5)
