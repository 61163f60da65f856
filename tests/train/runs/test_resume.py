"""`kill -9` at any moment: the resumed training ends with the very same weights."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from edgelens.runtime.errors import DataError
from edgelens.train import Run, TrainConfig, fit, loop, resume
from edgelens.train.models.options import ModelOptions

KILLS = 2


def killed_when_further(command: list[str], folder: Path, chance: random.Random) -> bool:
    """Start a training and kill it a moment after its next checkpoint; False if it ended before."""
    file = folder / "last.pt"
    before = file.stat().st_mtime_ns if file.exists() else 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (file.exists() and file.stat().st_mtime_ns > before):
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.3))
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return not ended


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_killed_at_random_moments_it_ends_with_the_same_weights(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    config = TrainConfig(
        str(digits),
        str(tmp_path / "whole"),
        model="cnn-small",
        options=ModelOptions(dropout=0.3),
        size=(16, 16),
        epochs=4,
        batch=32,
        ema=0.99,
        augment="best",
        threads=1,
        precision="channels-last",
        checkpoint_s=0.05,
    )
    whole = fit(config, quiet=True)
    killed, chance = tmp_path / "killed", random.Random(4)
    program = f"from edgelens.train import *; from edgelens.train.models.options import *; fit({config!r}, quiet=True)"
    start = [sys.executable, "-c", program.replace(str(tmp_path / "whole"), str(killed))]
    resume = [sys.executable, "-m", "edgelens", "train", "--resume", str(killed), "--quiet"]
    kills = sum(killed_when_further(resume if i else start, killed, chance) for i in range(KILLS))
    assert kills == KILLS
    subprocess.run(resume, check=True, capture_output=True)
    resumed = Run.open(killed)
    pairs = zip(whole.model().state_dict().items(), resumed.model().state_dict().items(), strict=True)
    assert all(name == other and torch.equal(a, b) for (name, a), (other, b) in pairs)
    assert resumed.facts.metrics == whole.facts.metrics
    assert (killed / "steps.csv").read_text() == (whole.path / "steps.csv").read_text()
    assert not list(killed.glob("*.partial"))


class Killed(BaseException):
    """No exception that anything waits for."""


def test_killed_at_any_write_it_goes_on_or_begins_anew(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands there of a run is never one that can neither go on nor be begun by the same command."""
    config = TrainConfig(
        str(digits), str(tmp_path / "whole"), model="linear", size=(8, 8), epochs=1, ema=0.9, threads=1,
        precision="float32",
    )  # fmt: skip
    whole, place = fit(config, quiet=True), Path.replace
    for kept in itertools.count():
        folder, left = tmp_path / f"killed-{kept}", iter(range(kept))

        def placed(path: Path, target: Path, left: Iterator[int] = left) -> Path:
            if next(left, None) is None:
                raise Killed
            return place(path, target)

        with monkeypatch.context() as patched, contextlib.suppress(Killed):
            patched.setattr(Path, "replace", placed)
            fit(replace(config, out=str(folder)), quiet=True)
            break
        begun = (folder / "run.json").exists()
        done = resume(folder, quiet=True) if begun else fit(replace(config, out=str(folder)), quiet=True)
        assert {file.name for file in folder.iterdir()} == {file.name for file in whole.path.iterdir()}, kept
        assert done.facts.metrics == whole.facts.metrics, kept
    assert kept > 8


def test_a_run_whose_checkpoint_is_gone_says_how_to_begin_anew(digits: Path, tmp_path: Path) -> None:
    config = TrainConfig(str(digits), str(tmp_path / "run"), model="linear", size=(8, 8), epochs=1, threads=1)
    run = fit(config, quiet=True)
    replace(run, facts=replace(run.facts, metrics=None)).write()
    (run.path / "last.pt").unlink()
    with pytest.raises(DataError, match=r"last\.pt.*begin anew with --overwrite"):
        resume(run.path, quiet=True)


def test_a_changed_data_set_is_not_resumed_on(digits: Path, tmp_path: Path) -> None:
    import numpy as np

    from edgelens.runtime.errors import UsageError

    with np.load(digits) as stored:
        np.savez(tmp_path / "some.npz", images=stored["images"][:300], labels=stored["labels"][:300])
        config = TrainConfig(str(tmp_path / "some.npz"), str(tmp_path / "run"), model="linear", epochs=1, threads=1)
        run = fit(replace(config, precision="float32"), quiet=True)
        np.savez(tmp_path / "some.npz", images=stored["images"][:200], labels=stored["labels"][:200])
    replace(run, facts=replace(run.facts, metrics=None)).write()  # as a run that was stopped
    with pytest.raises(UsageError, match="has changed since"):
        resume(run.path, quiet=True)


def test_stopped_between_an_epochs_last_step_and_its_validation_it_goes_on(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig(
        str(digits), str(tmp_path / "run"), model="linear", size=(8, 8), epochs=1, batch=512, threads=1,
        precision="float32", checkpoint_s=0.0,
    )  # fmt: skip
    whole = fit(replace(config, out=str(tmp_path / "whole")), quiet=True)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "best_of", stopped)
        with pytest.raises(KeyboardInterrupt):
            fit(config, quiet=True)
    resumed = resume(tmp_path / "run", quiet=True)
    assert resumed.facts.metrics == whole.facts.metrics


def stopped(*_: object) -> None:
    raise KeyboardInterrupt
