"""A training on few pictures: its figures are not those of the luckiest epoch, and a pause changes none of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgelens.train.config import TrainConfig
from edgelens.train.runs.outputs import SplitOutputs
from edgelens.train.runs.run import Run
from edgelens.train.training import fit, resume


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of noise with labels by chance: nothing can be learnt, so half of two classes is the truth."""
    draw = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("noise") / "noise.npz"
    np.savez(path, images=draw.integers(0, 255, (240, 16, 16), np.uint8), labels=np.arange(240) % 2)
    return path


def trained(noise: Path, out: Path, **options: object) -> Run:
    config = TrainConfig(
        str(noise), str(out), model="linear", epochs=14, batch=32, val=0.25, augment="none", precision="float32",
        **options,
    )  # fmt: skip
    return fit(config, quiet=True)


def test_nothing_learnt_is_said_to_be_nothing(noise: Path, tmp_path: Path) -> None:
    lucky, honest = [], []
    for seed in range(2):
        run = trained(noise, tmp_path / str(seed), seed=seed, rate=0.05)
        rows = [line.split(",") for line in (run.path / "metrics.csv").read_text().splitlines()]
        scores = [float(row[rows[0].index("val_accuracy")]) for row in rows[1:]]
        lucky.append(max(scores))
        assert run.facts.metrics is not None
        honest.append(run.facts.metrics["val_accuracy"])
        assert run.facts.metrics["basis"] == "answers of epochs that were chosen without them"
        logits = SplitOutputs.load(run.path).val["logits"]
        assert run.facts.metrics["val"]["images"] == len(logits) == 60
    assert np.mean(honest) < np.mean(lucky) - 0.02
    assert abs(np.mean(honest) - 0.5) < 0.11


def test_pictures_of_one_group_do_not_choose_the_epoch_for_each_other(tmp_path: Path) -> None:
    """Ten copies of each picture, labelled by chance, are one group: the same epoch answers all ten."""
    draw = np.random.default_rng(0)
    path, of = tmp_path / "copies.npz", np.arange(240) % 24
    np.savez(path, images=draw.integers(0, 255, (24, 16, 16), np.uint8)[of], labels=draw.integers(0, 2, 240))
    run = trained(path, tmp_path / "run", rate=0.05)
    assert run.facts.metrics is not None
    assert run.facts.metrics["basis"] == "answers of epochs that were chosen without them"
    validated = of[Run.open(run.path).split("val").rows]
    logits = SplitOutputs.load(run.path).val["logits"]
    assert len(logits) == len(validated) >= 40
    for picture in np.unique(validated):
        own = logits[validated == picture]
        assert len(own) == 10
        np.testing.assert_allclose(own, own[:1].repeat(10, 0), atol=1e-5)


def test_a_pause_changes_nothing(noise: Path, tmp_path: Path) -> None:
    def stop(row: dict[str, float]) -> None:
        if row["epoch"] == 6:
            raise KeyboardInterrupt

    whole = trained(noise, tmp_path / "whole", ema=0.9)
    config = whole.config
    with pytest.raises(KeyboardInterrupt):
        fit(_to(config, tmp_path / "paused"), quiet=True, watch=stop)
    paused = resume(tmp_path / "paused", quiet=True)
    ours, theirs = SplitOutputs.load(whole.path).val["logits"], SplitOutputs.load(paused.path).val["logits"]
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert whole.facts.metrics == paused.facts.metrics


def _to(config: TrainConfig, out: Path) -> TrainConfig:
    return TrainConfig.from_json({**config.as_json(), "out": str(out)})
