"""Where a bundle goes: refused before the work where it cannot be, one version newer than what it replaces."""

import shutil

import pytest

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


def test_the_content_version_grows(compressed, tmp_path):
    target = tmp_path / "grows.edge"
    shutil.copy(compressed.bundle.path, target)
    manifest = compressed.bundle.manifest
    entries = {name: compressed.bundle.read(name) for name in manifest.entries}
    assert write_bundle(target, manifest, entries).manifest.content_version == manifest.content_version + 1
