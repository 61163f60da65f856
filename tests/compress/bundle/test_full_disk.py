"""No space left, at every write of a compression: one line, exit code 1, the old bundle intact."""

import contextlib
import dataclasses
import errno
import io
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from one_line import one_line

from edgelens.cli import cli
from edgelens.compress.candidate import candidate_of
from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.pipeline import write_candidate
from edgelens.compress.progress import Progress
from edgelens.compress.timing import timing as gate
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.errors import UsageError, WorkError
from edgelens.runtime.host import files


@contextlib.contextmanager
def no_space_after(size: int):
    """Files cannot grow past a size, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


class FillingDisk:
    """A disk on which the n-th step of writing finds no space: making a file, filling, syncing or renaming it."""

    def __init__(self, monkeypatch):
        self.steps, self.full_at = [], None
        self.sync, self.rename = os.fsync, Path.replace
        monkeypatch.setattr(files, "open", self.opened, raising=False)
        monkeypatch.setattr(os, "fsync", self.synced)
        monkeypatch.setattr(Path, "replace", lambda path, target: self.renamed(path, target))  # noqa: PLW0108 (it gives the path)

    def step(self, what):
        self.steps.append(what)
        if len(self.steps) == self.full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def opened(self, path, mode, **_):
        assert mode == "wb"
        self.step(f"make {path.name}")
        return io.BufferedWriter(_Filled(path, self))

    def synced(self, handle):
        if stat.S_ISREG(os.fstat(handle).st_mode):
            self.step("sync")
        self.sync(handle)

    def renamed(self, path, target):
        self.step(f"rename {path.name}")
        return self.rename(path, target)


class _Filled(io.FileIO):
    """A file that keeps half of what the full disk refuses."""

    def __init__(self, path, disk):
        super().__init__(path, "w")
        self.disk = disk

    def write(self, data):
        try:
            self.disk.step("write")
        except OSError:
            super().write(bytes(data)[: len(data) // 2])
            raise
        return super().write(data)


def test_no_space_at_any_step_of_writing_leaves_the_old_bundle(run, tmp_path, monkeypatch):
    out, page, card = (str(tmp_path / name) for name in ("d.edge", "d.html", "d.json"))
    config = CompressConfig(formats=("onnx",), precisions=("float32",), calibration_images=8, report=page, card=card)
    progress = Progress(quiet=True)
    made_of = ingredients_of(run, config)
    candidate = candidate_of(made_of.network, made_of, config, progress)
    monkeypatch.setattr(gate, "ROUND_MS", 0.1)
    disk = FillingDisk(monkeypatch)
    write_candidate(candidate, out, config, progress)
    all_steps, before = disk.steps, {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(before) == ["d.edge", "d.html", "d.json"]
    assert len([step for step in all_steps if step == "write"]) >= 3
    for full_at, step in enumerate(all_steps, 1):
        disk.steps, disk.full_at = [], full_at
        with pytest.raises(WorkError) as caught:
            write_candidate(candidate, out, dataclasses.replace(config, name=f"full at {full_at}"), progress)
        one_line(caught.value, "could not be written", "No space left")
        after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert sorted(after) == sorted(before), step
        assert after["d.edge"] == before["d.edge"], step
        if not step.startswith("rename"):
            assert after == before, step
    disk.steps, disk.full_at = [], None
    write_candidate(candidate, out, config, progress)
    assert Bundle.open(out).manifest.content_version == 2


def test_json_that_cannot_be_written_leaves_the_old_bundle(run_folder, tmp_path):
    out = tmp_path / "d.edge"
    out.write_bytes(b"PK\x03\x04old")
    done = CliRunner().invoke(
        cli,
        ["compress", str(run_folder), "--out", str(out), "--formats", "onnx", "--precisions", "float32",
         "--json", "/dev/full"],
    )  # fmt: skip
    assert isinstance(done.exception, WorkError)
    one_line(done.exception, "/dev/full", "No space left")
    assert [path.name for path in tmp_path.iterdir()] == ["d.edge"]
    assert out.read_bytes() == b"PK\x03\x04old"


@pytest.mark.parametrize("option", ["--json", "--report"])
@pytest.mark.parametrize("name", ["nowhere/x", "", "d.edge"])
def test_other_files_that_cannot_be_are_refused_before_the_work(tmp_path, option, name):
    arguments = ["compress", "no-such-run", "--out", str(tmp_path / "d.edge"), option, str(tmp_path / name)]
    done = CliRunner().invoke(cli, arguments)
    assert isinstance(done.exception, UsageError)
    one_line(done.exception, option)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [0, 20_000])
def test_no_space_leaves_the_old_bundle(compressed, tmp_path, size):
    target = tmp_path / "old.edge"
    shutil.copy(compressed.bundle.path, target)
    before = target.read_bytes()
    manifest = compressed.bundle.manifest
    entries = {name: compressed.bundle.read(name) for name in manifest.entries}
    with no_space_after(size), pytest.raises(WorkError) as caught:
        write_bundle(target, manifest, entries)
    one_line(caught.value, "old.edge")
    assert caught.value.exit_code == 1
    assert target.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old.edge"]


@pytest.mark.parametrize("size", [0, 3_000])
def test_no_space_for_a_candidate_of_a_search(tmp_path, size):
    import torch

    from edgelens.compress.search.space import Attempt
    from edgelens.compress.search.study import Study

    study = Study.open(tmp_path, "0" * 16)
    bare = torch.nn.Linear(64, 64)
    with no_space_after(size), pytest.raises(WorkError) as caught:
        study.keep_network(Attempt("pruned", 0.5), "short", bare)
    one_line(caught.value, "pruned-0.5", "could not be written")
    assert study.network(Attempt("pruned", 0.5), "short", bare) is None
    assert not list(study.folder.iterdir())


def test_no_space_for_what_converters_write(tmp_path, monkeypatch):
    from edgelens.compress.host.scratch import scratch_folder

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with no_space_after(10), pytest.raises(WorkError) as caught, scratch_folder() as folder:
        (folder / "model.tflite").write_bytes(bytes(100))
    one_line(caught.value, "TMPDIR")
    assert caught.value.exit_code == 1
    assert not list(tmp_path.iterdir())


def test_a_converter_is_not_ended_by_a_full_disk(run_folder, tmp_path):
    words = [sys.executable, "-m", "edgelens", "compress", str(run_folder), "--out", str(tmp_path / "d.edge")]
    words += ["--formats", "tflite", "--precisions", "float32"]
    with no_space_after(40_000):  # less than the model file has
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)})
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"edgelens: {tmp_path / 'd.edge'}: could not be written (File too large)"), done.stderr
    assert not list(tmp_path.glob("*edge*"))
