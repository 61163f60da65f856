"""The commands that docs/chains.md shows run as they stand there, with small networks in the place of the trained."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from colour_letters import bright_finder, colour_reader, letters

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Golden
from edgelens.runtime.frame import Frame
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "chains.md"
CHAPTERS = {  # the page's, and the verbs that are run here as it shows them
    "Who comes: face, levelled, who": ("chain", "verify", "teach", "run"),
    "What stands there: product on a shelf, which": ("chain", "verify", "teach", "run"),
    "What drives by: plate, text": ("chain", "verify", "run"),
}


def chapter(title: str) -> str:
    return re.split(r"\n## ", PAGE.read_text().split(f"\n## {title}\n")[1])[0]


def commands(title: str) -> list[list[str]]:
    """The words of a chapter's commands, without `edgelens`."""
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", chapter(title), re.DOTALL)).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("edgelens ")]


def edgelens(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.output


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]


@pytest.fixture
def face_finder(told: Callable[..., str], tmp_path: Path) -> Path:
    """A network that finds one face with MediaPipe's six keypoints in the middle of any picture, as a bundle."""
    boxes, scores = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -9, np.float32)
    at = 2 * (8 * 16 + 8)  # the first anchor of a cell in the middle, 16 cells a row
    boxes[0, at] = [0, 0, 60, 60, -15, -10, 15, -2, 0, 5, 0, 15, -25, 0, 25, 0]
    scores[0, at] = 4
    return proven(
        told({"boxes": boxes, "scores": scores}, (128, 128)),
        "faces",
        tmp_path,
        decoder="mediapipe",
        precision="float16",
    )


@pytest.fixture
def identifier(onnx_graph: Callable[..., bytes], tmp_path: Path) -> Path:
    """Somebody's network, which gives a picture's mean colour at length one, as a bundle."""
    helper = pytest.importorskip("onnx.helper", reason="the onnx package builds the models of this test")
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["fc1"], axis=1),
    ]
    model = tmp_path / "mean.onnx"
    model.write_bytes(onnx_graph(nodes, {"x": ("float32", [1, 3, 16, 16])}, {"fc1": ("float32", [1, 3])}, {}))
    return proven(model, "who", tmp_path, mean=(127.5,), std=(127.5,))


@pytest.fixture
def line_finder(tmp_path: Path) -> Path:
    """A network that finds what is bright, with its corners, as a bundle."""
    model = tmp_path / "bright.onnx"
    model.write_bytes(bright_finder())
    return proven(model, "lines", tmp_path, decoder="db", input_size=(96, 96))


@pytest.fixture
def reader(tmp_path: Path) -> Path:
    """A network that reads colours, as a bundle."""
    model = tmp_path / "colours.onnx"
    model.write_bytes(colour_reader())
    return proven(model, "text", tmp_path, input_size=(160, 48))


def proven(model: str | Path, name: str, folder: Path, *, precision: str | None = None, **said: Any) -> Path:
    """A bundle of a model file with what it answers to some pictures."""
    bare = open_model(str(model), **said)
    frames = {
        f"golden/{i}.png": np.pad(letters(text), ((24, 24), (36, 36), (0, 0))) for i, text in enumerate(("RGB", "BBG"))
    }
    with BundleRecognizer(bare, engine="onnxruntime") as recognizer:
        answers = [recognizer.recognize(Frame(picture)).outputs for picture in frames.values()]
    reference = io.BytesIO()
    np.savez(reference, **{key: np.concatenate([each[key] for each in answers]) for key in answers[0]})  # type: ignore[arg-type]
    entries = {key: cv2.imencode(".png", picture)[1].tobytes() for key, picture in frames.items()}
    entries |= {each.path: bare.read(each.path) for each in bare.manifest.main.files}
    entries |= {"golden/reference.npz": reference.getvalue(), "card.json": b"{}\n"}
    (role,) = bare.manifest.networks
    network = bare.manifest.main
    if precision is not None:
        network = replace(network, files=tuple(replace(file, precision=precision) for file in network.files))
    manifest = replace(
        bare.manifest,
        networks={role: network},
        name=name,
        golden=(Golden(role, tuple(frames), "golden/reference.npz"),),
    )
    path = folder / f"{name}.edge"
    write_bundle(path, manifest, entries)
    return path


@pytest.fixture
def parts(
    face_finder: Path, identifier: Path, line_finder: Path, reader: Path, halves_bundle: Bundle, color_bundle: Bundle
) -> Mapping[str, Path]:
    """Small networks under the names that the page's have."""
    bottles = halves_bundle.manifest
    renamed = {role: replace(network, labels=("bottle", "jar")) for role, network in bottles.networks.items()}
    entries = {name: halves_bundle.read(name) for name in bottles.entries}
    write_bundle(halves_bundle.path.with_name("bottles.edge"), replace(bottles, networks=renamed), entries)
    return {
        "faces.edge": face_finder, "who.edge": identifier, "lines.edge": line_finder, "text.edge": reader,
        "bottles.edge": halves_bundle.path.with_name("bottles.edge"), "which.edge": color_bundle.path,
    }  # fmt: skip


@pytest.mark.parametrize("title", CHAPTERS)
def test_one_command_chains_and_is_followed(title: str) -> None:
    (made,) = (words for words in commands(title) if words[0] == "chain")
    assert option(made, "--every") == "track"
    (ran,) = (words for words in commands(title) if words[0] == "run")
    assert ran[1] == option(made, "--out") and "--track" in ran
    assert 1 <= len(re.findall(r"!\[[^]]+\]\((pictures/[\w-]+\.webp)\)", chapter(title))) <= 2


@pytest.mark.parametrize(("title", "verbs"), CHAPTERS.items())
def test_the_pages_commands_run_and_answer_with_the_keys_it_shows(
    title: str, verbs: tuple[str, ...], parts: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name, path in parts.items():
        Path(name).symlink_to(path)
    written = [words for words in commands(title) if words[0] in verbs]
    assert {words[0] for words in written} == set(verbs), "the page shows another way than this test walks"
    for words in written:
        if "--source" in words:
            show(Path(option(words, "--source")))
        edgelens(*words, *(["--no-preview", "--quiet"] if words[0] == "run" else []))
    lines = [json.loads(line) for line in Path(option(written[-1], "--json")).read_text().splitlines()]
    (shown,) = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", chapter(title), re.DOTALL))
    assert set(shown) <= {key for line in lines for key in line}
    told = lines[-1]["results"]
    for row in shown["results"]:
        like = [each for each in told if ("parent" in each) == ("parent" in row)]
        assert set(row) - {"rivals", "name", "similarity"} <= {key for each in like for key in each}
    later = [row for row in told if "parent" in row]
    assert later and all(row["looks"] <= 5 for row in later), "nobody is looked at in every frame"
    things = [row for row in told if "parent" not in row]
    assert 1 <= len([line for line in lines if line["announced"]]) <= len(things), "each thing is announced once"


def show(source: Path) -> None:
    """A clip of three seconds, or a folder of pictures."""
    picture = np.pad(letters("RGB", wide=40), ((24, 24), (36, 36), (0, 0)))
    if source.suffix != ".avi":
        source.mkdir(parents=True)
        for i in range(5):
            cv2.imwrite(str(source / f"{i}.png"), np.roll(picture, i, axis=1))
        return
    source.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter.fourcc(*"MJPG"), 15, picture.shape[1::-1])
    for _ in range(45):
        writer.write(picture)
    writer.release()


def test_its_pictures_are_small() -> None:
    for picture in (PAGE.parent / "pictures").iterdir():
        assert picture.stat().st_size <= 150 * 1024, f"{picture.name}: 150 KB at most"
