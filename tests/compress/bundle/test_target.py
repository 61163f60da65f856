"""Where a bundle goes: refused before the work where it cannot be, one version newer than what it replaces."""

import shutil

import pytest

from edgelens.compress.bundle.assemble import checked_target
from edgelens.compress.config import CompressConfig
from edgelens.compress.foreign import bundle_file, compress_onnx
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.bundle import write_bundle
from edgelens.runtime.errors import UsageError


@pytest.mark.parametrize("name", ["x.onnx", "nowhere/x.edge"])
def test_a_target_that_cannot_be_is_refused_before_the_work(run_folder, tmp_path, name):
    from edgelens.compress.search.budget import Budget
    from edgelens.compress.search.search import SearchConfig, search_run

    for make in (
        lambda out: compress_run(run_folder, out),
        lambda out: search_run(run_folder, out, SearchConfig(Budget(size_bytes=1))),
        lambda out: compress_onnx("no.onnx", out, str(tmp_path)),
        lambda out: bundle_file("no.tflite", out),
    ):
        with pytest.raises(UsageError, match="--out"):
            make(tmp_path / name)


def test_what_is_no_bundle_is_never_replaced_by_one(run_folder, tmp_path):
    from edgelens.compress.search.budget import Budget
    from edgelens.compress.search.search import SearchConfig, search_run
    from edgelens.runtime.model.chain import chain
    from edgelens.runtime.model.open import open_model

    notes = tmp_path / "notes.edge"
    notes.write_text("what I noted")
    digits = open_model("digits")
    for make in (
        lambda: compress_run(run_folder, notes),
        lambda: search_run(run_folder, notes, SearchConfig(Budget(size_bytes=1))),
        lambda: compress_onnx("no.onnx", notes, str(tmp_path)),
        lambda: bundle_file("no.tflite", notes),
        lambda: chain(digits, digits, notes),
    ):
        with pytest.raises(UsageError, match=r"--out .*notes\.edge: is a file that is no bundle"):
            make()
    assert notes.read_text() == "what I noted"


@pytest.mark.parametrize("name", ["run.json", "best.safetensors", "report.html", "mine.html", "m.onnx"])
def test_a_report_and_a_card_replace_only_their_like(run_folder, tmp_path, name):
    mine = run_folder / name if (run_folder / name).exists() else tmp_path / name
    mine.exists() or mine.write_text("<!doctype html>\n<html>mine")
    before = mine.read_bytes()
    for config in (CompressConfig(report=str(mine)), CompressConfig(card=str(mine))):
        with pytest.raises(UsageError, match=r"is a file that is no (report|card) of a compression"):
            compress_run(run_folder, tmp_path / "x.edge", config)
    assert mine.read_bytes() == before


def test_reports_and_cards_of_the_time_before_are_replaced(compressed, tmp_path):
    config = CompressConfig(report=str(tmp_path / "x.report.html"), card=str(tmp_path / "x.json"))
    shutil.copy(compressed.bundle.path, tmp_path / "x.edge")
    (tmp_path / "x.report.html").write_text(compressed.report)
    (tmp_path / "x.json").write_bytes(compressed.card.to_json())
    checked_target(tmp_path / "x.edge", config)
    (tmp_path / "x.json").write_bytes(b"")
    checked_target(tmp_path / "x.edge", config)


def test_the_content_version_grows(compressed, tmp_path):
    target = tmp_path / "grows.edge"
    shutil.copy(compressed.bundle.path, target)
    manifest = compressed.bundle.manifest
    entries = {name: compressed.bundle.read(name) for name in manifest.entries}
    assert write_bundle(target, manifest, entries).manifest.content_version == manifest.content_version + 1
