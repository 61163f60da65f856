"""A task of a test's own, three files and three dict entries, goes all the way: train, compress, prove, run, show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from dots_compress import DOTS as COMPRESSED
from dots_runtime import DOTS as RUN
from dots_train import SIDE, dots

from edgelens.cli import cli
from edgelens.compress.tasks.catalog import TASKS as COMPRESS_TASKS
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.errors import ModelError, UsageError
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.tasks.catalog import TASKS as RUNTIME_TASKS
from edgelens.train.tasks.catalog import TASKS as TRAIN_TASKS


@pytest.fixture(autouse=True)
def three_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAIN_TASKS, "dots", lambda: dots)
    monkeypatch.setitem(COMPRESS_TASKS, "dots", lambda: COMPRESSED)
    monkeypatch.setitem(RUNTIME_TASKS, "dots", lambda: RUN)


def picture(draw: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    image = draw.integers(0, 60, (SIDE, SIDE), np.uint8)
    for place in draw.permutation(9)[:count]:  # of a 3 × 3 grid, so that none hides another
        x, y = 8 * (place % 3) + draw.integers(1, 4), 8 * (place // 3) + draw.integers(1, 4)
        image[y : y + 4, x : x + 4] = 250
    return image


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders 0 to 3, each picture with so many dots."""
    folder, draw = tmp_path_factory.mktemp("dots"), np.random.default_rng(0)
    for i in range(320):
        target = folder / str(i % 4)
        target.mkdir(exist_ok=True)
        cv2.imwrite(str(target / f"{i}.png"), picture(draw, i % 4))
    return folder


@pytest.fixture(scope="module")
def edgelens() -> Callable[..., str]:
    def called(*arguments: object) -> str:
        done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert done.exit_code == 0, (arguments, done.output, done.exception)
        return done.stdout

    return called


@pytest.fixture(scope="module")
def bundle(photos: Path, edgelens: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The task trained and compressed by the command line, as a person would."""
    out = tmp_path_factory.mktemp("bundle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TRAIN_TASKS, "dots", lambda: dots)
        patch.setitem(COMPRESS_TASKS, "dots", lambda: COMPRESSED)
        patch.setitem(RUNTIME_TASKS, "dots", lambda: RUN)
        patch.setenv("XDG_CACHE_HOME", str(out / "cache"))
        edgelens("train", photos, "--task", "dots", "--model", "resnet8", "--width", ".5", "--size", SIDE, "--color",
                 "gray", "--epochs", "8", "--batch", "32", "--rate", "5e-3", "--augment", "none", "--precision",
                 "float32", "--out", out / "run")  # fmt: skip
        edgelens("compress", out / "run", "--out", out / "dots.edge", "--calibration-images", "64")
    yield out / "dots.edge"


def test_it_is_two_formats_in_8_bits_of_a_format_that_older_kits_refuse(bundle: Path) -> None:
    manifest = Bundle.open(bundle).manifest
    assert manifest.format == (2, 0)
    assert {(file.engine, file.precision) for file in manifest.main.files} == {
        (engine, precision) for engine in ("onnxruntime", "tflite") for precision in ("float32", "int8")
    }
    assert [output.name for output in manifest.main.outputs] == ["count"]
    assert manifest.main.decode.options["most"] == 3


def test_it_verifies_and_evaluates(bundle: Path, photos: Path, edgelens: Callable[..., str], tmp_path: Path) -> None:
    assert edgelens("verify", bundle).count(" ok") == 4
    edgelens("evaluate", bundle, photos, "--json", tmp_path / "e.json", "--precision", "int8")
    said = json.loads((tmp_path / "e.json").read_text())
    assert said["task"] == "dots"
    assert said["accuracy"] > 0.7
    assert said["images"] == 320


def test_it_runs_on_a_folder(bundle: Path, photos: Path, edgelens: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    lines = edgelens("run", bundle, "--source", photos / "3", "--json", "-", "--quiet", "--no-preview", "--save", out)
    rows = [json.loads(line)["results"] for line in lines.splitlines()]
    assert len(rows) == 80
    assert all(len(row) == 1 and row[0]["label"] == "dots" for row in rows)
    assert np.mean([row[0]["value"] for row in rows]) == pytest.approx(3, abs=0.3)
    assert len(list(out.iterdir())) == 80


@pytest.mark.browser
def test_the_page_shows_one_row_with_its_value(bundle: Path, staged: Any, chromium: Any) -> None:
    from edgelens.runtime.frame import Frame
    from edgelens.runtime.result import Origin, Result

    image = cv2.cvtColor(picture(np.random.default_rng(5), 3), cv2.COLOR_GRAY2BGR)
    with BundleRecognizer(open_model(bundle)) as recognizer:
        seen = recognizer.recognize(Frame(image)).recognitions
    loop = staged("camera", fps=0)
    page = chromium.new_page()
    page.goto(f"{loop.base}/?token={loop.preview.token}" if getattr(loop.preview, "token", None) else loop.base)
    for i in range(20):
        loop.preview.write(Result(Frame(image, i, source="camera"), seen, {}, 1.0, origin=Origin("bench", "dots", 1)))
        page.wait_for_timeout(50)
    shown = page.inner_text("body")
    assert f"{float(seen.values[0]):.2f}"[:3] in shown
    assert "dots" in shown
    page.close()


def test_a_kit_without_the_task_refuses_it_where_it_enters(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(RUNTIME_TASKS, "dots")
    with pytest.raises(ModelError, match=r"dots.edge: its task 'dots' is not known here \(classify, detect"):
        BundleRecognizer(open_model(bundle))
    monkeypatch.delitem(COMPRESS_TASKS, "dots")
    done = CliRunner().invoke(cli, ["compress", str(bundle.parent / "run"), "--out", str(bundle.parent / "x.edge")])
    assert isinstance(done.exception, UsageError)
    assert "its task 'dots' cannot be compressed yet; there are classify" in str(done.exception)
