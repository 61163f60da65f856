"""Proofs that prove little say so: nothing seen, always the same, saturated pixels; and a run that sees nothing."""

import dataclasses

import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.manifest import Limits
from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.blanks import Blanks
from edgelens.runtime.model.verify import verify_bundle
from edgelens.runtime.preprocess import TensorContract
from edgelens.runtime.recognitions import UNKNOWN_ID, Recognitions
from edgelens.runtime.result import Result


def test_a_sound_bundle_raises_no_doubt(color_bundle):
    assert verify_bundle(color_bundle).doubts == ()


def test_a_blind_model_is_doubted(write_color_bundle, color_onnx):
    report = verify_bundle(write_color_bundle({"models/color.onnx": color_onnx(scale=0.0)}))
    assert any("hardly differ between the golden frames" in doubt for doubt in report.doubts)


@pytest.mark.parametrize(
    ("needed", "said"), [(0.0, "0% of agreement is all that it needs"), (0.4, "40% of"), (0.5, "")]
)
def test_a_limit_that_asks_for_little_proves_little(needed, said, write_color_bundle):
    doubts = verify_bundle(write_color_bundle(limits=Limits(needed, 25.0))).doubts
    assert [said in doubt for doubt in doubts] == [True] * bool(said)


def test_frames_in_which_nothing_is_recognized_prove_little(shared, tmp_path):
    pytest.importorskip("torch", reason="`edgelens bundle` belongs to the workstation")
    gray = tmp_path / "gray"
    gray.mkdir()
    import cv2

    for i in range(4):
        cv2.imwrite(str(gray / f"{i}.png"), np.full((60, 80, 3), 60 * i, np.uint8))
    out = tmp_path / "blind.edge"
    model = str(shared / "models/yolox/yolox_nano.onnx")
    done = CliRunner().invoke(cli, ["bundle", model, "--out", str(out), "--images", str(gray)])
    assert done.exit_code == 0, done.output
    assert "nothing is recognized in any of the 4 golden frames: they prove little" in done.stderr
    again = CliRunner().invoke(cli, ["verify", str(out)])
    assert again.exit_code == 0
    assert "warning: models/yolox_nano.onnx: nothing is recognized" in again.stderr


def test_pixels_that_saturate_are_doubted(color_bundle):
    network = color_bundle.manifest.main
    wrong = TensorContract("image", dtype="uint8", mean=(0.0,), std=(0.2,))  # five times too bright
    file = dataclasses.replace(network.files[0], tensor=wrong)
    manifest = dataclasses.replace(
        color_bundle.manifest, networks={"main": dataclasses.replace(network, files=(file,))}
    )
    doubts = verify_bundle(dataclasses.replace(color_bundle, manifest=manifest)).doubts
    assert any("% of its input saturates" in doubt for doubt in doubts)


def test_a_run_that_sees_nothing_says_so_once():
    blanks, nothing = Blanks(), Recognitions(("a",), [UNKNOWN_ID], [0.1], task="classify")
    image = np.zeros((4, 4, 3), np.uint8)
    said = [blanks.hear(Result(Frame(image, i, source="door"), nothing)) for i in range(400)]
    assert [i for i, line in enumerate(said) if line] == [149]
    assert "door: nothing was recognized in 150 pictures" in said[149]
    seeing = Blanks()
    there = Recognitions(("a",), [0], [0.9], task="classify")
    frames = [there, *[nothing] * 300]
    assert not any(seeing.hear(Result(Frame(image, i, source="door"), seen)) for i, seen in enumerate(frames))
