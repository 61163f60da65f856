"""`verify`: golden frames through the camera's code path."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from edgelens.cli import cli
from edgelens.runtime.bundle.manifest import Limits
from edgelens.runtime.errors import BundleError, EdgelensError, UsageError
from edgelens.runtime.metrics.signal import snr_db
from edgelens.runtime.model import verify
from edgelens.runtime.model.verify import limits_here, verify_bundle


def test_the_reference_network_agrees_with_itself(color_bundle):
    report = verify_bundle(color_bundle)
    (file,) = report.files
    assert report.ok
    assert file.frames == 6
    assert file.agreement == 1
    assert file.snr_db > 100
    assert file.max_difference < 1e-4


def test_a_model_that_answers_otherwise_is_outside(write_color_bundle, color_onnx):
    bundle = write_color_bundle(
        {
            "models/good.onnx": color_onnx(),
            "models/off.onnx": color_onnx(bias=10.0),
            "models/weak.onnx": color_onnx(scale=0.8),
        }
    )
    good, off, weak = verify_bundle(bundle).files
    assert good.within
    assert off.agreement == pytest.approx(1 / 3)
    assert not off.within
    assert weak.agreement == 1
    assert weak.snr_db == pytest.approx(20 * math.log10(1 / 0.2), abs=0.01)
    assert not weak.within


def test_a_model_that_does_not_load_is_reported_not_raised(write_color_bundle, color_onnx):
    report = verify_bundle(write_color_bundle({"models/good.onnx": color_onnx(), "models/bad.onnx": b"no model"}))
    assert [file.within for file in report.files] == [True, False]
    assert "cannot load" in report.files[1].problem
    assert not report.ok


def test_limits_have_a_margin_without_vnni(write_color_bundle, monkeypatch):
    limits = Limits(0.99, 25.0, no_vnni_agreement=0.9, no_vnni_snr_db=12.0)
    file = write_color_bundle(limits=limits).manifest.main.files[0]
    monkeypatch.setattr(verify, "lacks_vnni", lambda: True)
    assert limits_here(file) == (0.9, 12.0)
    monkeypatch.setattr(verify, "lacks_vnni", lambda: False)
    assert limits_here(file) == (0.99, 25.0)


def test_snr_knows_equal_and_broken_outputs():
    ones = np.ones(4)
    assert snr_db(ones, ones) == math.inf
    assert snr_db(ones, ones * 1.1) == pytest.approx(20)
    assert snr_db(ones, ones * np.nan) == -math.inf


def test_an_engine_that_no_file_is_for(color_bundle):
    with pytest.raises(UsageError, match="there are: onnxruntime float32"):
        verify_bundle(color_bundle, "tflite")


def test_the_verb_prints_a_table_and_json(color_bundle, tmp_path):
    result = CliRunner().invoke(cli, ["verify", str(color_bundle.path), "--json", str(tmp_path / "v.json")])
    assert result.exit_code == 0, result.output
    assert "models/color.onnx" in result.output
    report = json.loads((tmp_path / "v.json").read_text())
    assert report["ok"] is True
    assert report["files"][0]["within"] is True


def test_the_verb_fails_outside_the_limits(write_color_bundle, color_onnx):
    bundle = write_color_bundle({"models/off.onnx": color_onnx(bias=10.0)})
    result = CliRunner().invoke(cli, ["verify", str(bundle.path)])
    assert isinstance(result.exception, EdgelensError)
    assert result.exception.exit_code == 1
    assert "OUTSIDE ITS LIMITS" in result.output


@pytest.mark.parametrize("labels", [("red", "green"), ("red", "green", "blue", "mauve")])
def test_labels_of_another_number_than_the_network_answers_with_prove_nothing(color_bundle, labels):
    network = dataclasses.replace(color_bundle.manifest.main, labels=labels)
    bundle = dataclasses.replace(
        color_bundle, manifest=dataclasses.replace(color_bundle.manifest, networks={"main": network})
    )
    (file,) = verify_bundle(bundle).files
    assert not file.within
    assert file.problem == f"classify: {len(labels)} labels for a model of 3: each class needs one"


def test_a_bundle_without_golden_frames(color_bundle):
    bare = dataclasses.replace(color_bundle, manifest=dataclasses.replace(color_bundle.manifest, golden=()))
    with pytest.raises(BundleError, match="no golden frames"):
        verify_bundle(bare)
