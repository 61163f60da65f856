"""Identification all the way on tiny pictures: trained, compressed, proven, taught, recognized."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from edgelens import Recognizer
from edgelens.cli import cli
from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.compress.tasks.identify import TASK as COMPRESSED
from edgelens.runtime.errors import DataError, UsageError
from edgelens.runtime.model.verify import verify_bundle
from edgelens.runtime.preprocess import fit_frame
from edgelens.train.augment import Recipe, normalised
from edgelens.train.config import TrainConfig
from edgelens.train.data.splits import SplitConfig, assign
from edgelens.train.data.targets import DenseTargets
from edgelens.train.ingredients import named_recipe
from edgelens.train.models.catalog import NETWORKS, build
from edgelens.train.models.options import ModelOptions
from edgelens.train.runs.run import Run
from edgelens.train.task import Draw
from edgelens.train.tasks.catalog import make_task
from edgelens.train.tasks.identify.data import judged_by_several, open_identities
from edgelens.train.tasks.identify.embedder import Embedder
from edgelens.train.tasks.identify.meter import IdentifyMeter
from edgelens.train.training import fit

SIDE = 32


def shot(person: int, number: int) -> np.ndarray:
    """A badge of one's own: four coloured fields, in changing light, a little moved."""
    colours = np.random.default_rng(person).integers(30, 226, (2, 2, 3))
    rng = np.random.default_rng(1000 * person + number)
    field = np.kron(colours, np.ones((16, 16, 1))) * rng.uniform(0.8, 1.15) + rng.normal(0, 6, (SIDE, SIDE, 3))
    return np.roll(np.clip(field, 0, 255), rng.integers(-2, 3, 2), (0, 1)).astype(np.uint8)


def folder(path: Path, people: range, each: int = 8) -> Path:
    for person in people:
        (path / f"badge {person}").mkdir(parents=True)
        for number in range(each):
            cv2.imwrite(str(path / f"badge {person}" / f"{number}.png"), shot(person, number))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    base = tmp_path_factory.mktemp("badges")
    torch.set_num_threads(1)
    config = TrainConfig(
        str(folder(base / "set", range(24))), str(base / "run"), model="resnet8", options=ModelOptions(width=0.5),
        task="identify", epochs=6, batch=32, rate=4e-3, precision="float32", augment="none", scratch=True,
    )  # fmt: skip
    return fit(config, quiet=True)


@pytest.fixture(scope="module")
def bundle(trained: Run, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("bundle") / "badges.edge"
    return compress_run(trained.path, out, CompressConfig(calibration_images=64, formats=("onnx",))).bundle


def test_no_identity_trains_and_validates(trained: Run) -> None:
    sides = {name: {trained.classes[i] for i in trained.split(name).labels} for name in ("train", "val")}
    assert len(sides["val"]) >= 3 and not sides["val"] & sides["train"]
    assert trained.facts.metrics["val_rank1"] > 0.7
    report = (trained.path / "report.html").read_text()
    assert "recognized by one picture" in report and "What it confuses most" in report


def test_figures_are_of_one_network_since_two_cannot_be_compared(trained: Run) -> None:
    """Each epoch turns the space its own way: rows of two say nothing to each other, and strangers' limits neither."""
    metrics, rows = trained.facts.metrics, (trained.path / "metrics.csv").read_text().splitlines()
    place = rows[0].split(",").index("val_rank1")
    best = float(rows[metrics["best_epoch"]].split(",")[place])
    if metrics["basis"] == "answers of the best epoch":
        assert metrics["val_rank1"] == pytest.approx(best, abs=0.02)
    else:
        assert metrics["basis"] == "answers of the best epoch, its head fitted once more"
        assert metrics["val_rank1"] > best - 0.02
    network, found = trained.model(), IdentifyMeter()
    images = trained.split("val")
    seen = np.stack([fit_frame(images.image(i), trained.pixels)[0] for i in range(len(images))])
    with torch.no_grad():
        rows = network(normalised(torch.from_numpy(seen).permute(0, 3, 1, 2)))
    found.add({"embedding": rows}, torch.from_numpy(images.labels.astype(np.int64)))
    assert found.result()["rank1"] == pytest.approx(metrics["val_rank1"], abs=0.02), "what is on disk is what was told"


def test_whoever_is_seen_in_a_mirror_is_somebody_else_where_the_user_says_so() -> None:
    task = make_task(TrainConfig("", "", task="identify"))
    pixels = torch.randint(0, 256, (64, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ids, draw = torch.arange(64), Draw(0, 3, torch.arange(64))
    plain, same = task.augment(Recipe("own"), pixels, ids, draw)
    inputs, shown = task.augment(Recipe("own", sided=True), pixels, ids, draw)
    mirrored = shown < 0
    assert torch.equal(same, ids) and 16 < int(mirrored.sum()) < 48
    assert len(shown.unique()) == 64, "nobody is taken for anybody else"
    assert torch.equal(inputs[mirrored], plain[mirrored].flip(-1)) and torch.equal(inputs[~mirrored], plain[~mirrored])


@pytest.mark.parametrize(("mirror", "sided"), [(None, False), (True, False), (False, True)])
def test_only_who_forbids_the_mirror_says_that_it_shows_somebody_else(mirror: bool | None, sided: bool) -> None:
    """Folders that are numbered hold people, too, who are themselves in a mirror."""
    config = TrainConfig("", "", task="identify", mirror=mirror)
    made = named_recipe(config, [str(i) for i in range(9)], make_task(config))
    assert made.sided is sided and (made.flip is not None) is (mirror is True)
    assert not named_recipe(replace(config, augment="none"), ["a"], make_task(config)).sided


def test_whole_identities_are_shared_out(trained: Run) -> None:
    images = trained.split("train")
    groups = [images.classes[i] for i in images.labels]
    splits = assign(images, SplitConfig(val=0.25, test=0.0), groups)
    for name in set(groups):
        assert len({split for split, group in zip(splits, groups, strict=True) if group == name}) == 1


@pytest.mark.parametrize(("there", "judged"), [(4, 2), (8, 3), (40, 6)])
def test_one_identity_alone_judges_nothing(tmp_path: Path, there: int, judged: int) -> None:
    config = TrainConfig(str(folder(tmp_path / "few", range(there))), str(tmp_path / "run"), task="identify")
    images = open_identities(config.data_config())
    splits = assign(images, judged_by_several(config, images).data_config().splits, images.groups)
    assert len(set(images.labels[splits == "val"].tolist())) == judged


def test_whoever_the_datas_own_folders_teach_does_not_validate(tmp_path: Path) -> None:
    for split, people in (("train", range(6)), ("val", range(6)), ("test", range(4, 8))):
        folder(tmp_path / "set" / split, people, each=4)
    config = TrainConfig(str(tmp_path / "set"), str(tmp_path / "run"), task="identify")
    images = open_identities(config.data_config())
    assert [note.split(":")[0] for note in images.notes] == [
        "6 identities are in train and in val",
        "2 identities of test are learned from other pictures",
    ]
    splits = assign(images, judged_by_several(config, images).data_config().splits, images.groups)
    sides = {name: set(images.labels[splits == name].tolist()) for name in ("train", "val", "test")}
    assert len(sides["val"]) == 3 and not sides["val"] & sides["train"]
    assert all(images.names[i].startswith("test/") for i in np.flatnonzero(splits == "test"))
    assert (splits == "test").sum() == 16


def test_folders_that_part_identities_validate_as_they_are(tmp_path: Path) -> None:
    for split, people in (("train", range(6)), ("val", range(6, 8))):
        folder(tmp_path / "set" / split, people, each=2)
    images = open_identities(TrainConfig(str(tmp_path / "set"), "", task="identify").data_config())
    assert not images.notes and (images.splits == "val").sum() == 4


def test_too_few_identities_are_refused_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="shows 2 identities") as raised:
        fit(TrainConfig(str(folder(tmp_path / "two", range(2))), str(tmp_path / "run"), task="identify"), quiet=True)
    assert "\n" not in str(raised.value)


def test_a_network_that_cannot_be_an_identifier_is_refused_with_all_that_can() -> None:
    def built(name: str) -> Embedder:
        return Embedder(build(name, ModelOptions(), channels=1, classes=2, size=(32, 32)))

    with pytest.raises(UsageError, match="ends in maps: ") as refused:
        built("vit-tiny")
    there = str(refused.value).partition("maps: ")[2].split(", ")
    assert {"lite0", "resnet8", "mobilenet-v3", "googlenet"} <= set(there) < set(NETWORKS)
    assert built("resnet8")(torch.zeros(1, 1, 32, 32)).shape == (1, 128)


def test_one_picture_of_everybody_teaches_and_asks_nothing(bundle, tmp_path: Path) -> None:
    once = folder(tmp_path / "once", range(6), each=1)
    with pytest.raises(DataError, match="shows 0 identities in two pictures or more"):
        fit(TrainConfig(str(once), str(tmp_path / "run"), task="identify"), quiet=True)
    assert not (tmp_path / "run").exists()
    with pytest.raises(DataError, match="asks nothing"):
        CliRunner().invoke(cli, ["evaluate", str(bundle.path), str(once)], catch_exceptions=False)


def test_that_no_identity_trains_and_validates_is_no_finding(trained: Run) -> None:
    check = json.loads((trained.path / "check.json").read_text())
    assert (check["elsewhere"], check["unjudged"]) == ([], [])


def test_the_bundle_is_proven_by_its_ranking_and_names_nobody(bundle) -> None:
    network = bundle.manifest.main
    assert (network.task, network.labels, network.outputs[0].name) == ("identify", (), "embedding")
    assert b"badge 3" not in bundle.path.read_bytes(), "who trained it is nobody's business"
    assert network.decode.options["accepts"] and {f.precision for f in network.files} == {"float32", "int8"}
    assert verify_bundle(bundle).ok


def test_strangers_who_are_taught_are_known_and_others_are_not(bundle, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with Recognizer(bundle) as recognizer:
        assert recognizer(shot(50, 0)).called(0) is None
        for person in (50, 51, 52):
            recognizer.teach([shot(person, i) for i in range(4)], f"guest {person}")
        found = [recognizer(shot(p, i)).identities for p in (50, 51, 52) for i in range(4, 8)]
        right = [(f"guest {p}",) for p in (50, 51, 52) for _ in range(4)]
        assert sum(a == b for a, b in zip(found, right, strict=True)) >= 10
        strangers = [recognizer(shot(p, i)).called(0) for p in range(60, 72) for i in range(3)]
        assert sum(name is not None for name in strangers) <= 8


def test_what_is_found_is_told_apart_in_a_chain(bundle, halves_bundle, tmp_path: Path, monkeypatch) -> None:
    """Each half of a frame is a badge: an identifier has no labels, and who it is comes from what was taught."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    out = tmp_path / "door.edge"
    done = CliRunner().invoke(cli, ["chain", str(halves_bundle.path), str(bundle.path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    with Recognizer(out) as recognizer:
        for person in (50, 51):
            recognizer.teach([np.hstack([shot(person, i)] * 2) for i in range(4)], f"guest {person}")
        seen = recognizer(np.hstack([shot(51, 6), shot(50, 7)]))
    assert [(row.name, row.parent) for row in seen if row.parent is not None] == [("guest 51", 0), ("guest 50", 1)]
    assert [row["name"] for row in seen.to_dict()["results"][2:]] == ["guest 51", "guest 50"]


def test_a_likeness_is_explained_by_the_pictures_that_are_most_alike(trained: Run, tmp_path: Path) -> None:
    among, heat = folder(tmp_path / "among", range(40, 44), each=3), tmp_path / "heat.png"
    asked = tmp_path / "asked.png"
    cv2.imwrite(str(asked), shot(41, 7))

    def explained(*more: str) -> dict:
        arguments = ["explain", str(trained.path), str(asked), "--out", str(heat), "--json", "-", *more]
        done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    told = explained("--among", str(among))
    assert told["said"] == told["label"] == "badge 41"
    assert [each["name"] for each in told["similar"][:3]] == ["badge 41"] * 3 and len(told["similar"]) == 6
    alike = [each["score"] for each in told["similar"]]
    assert alike == sorted(alike, reverse=True)
    assert cv2.imread(str(heat)).shape[1] == 4 * 246
    other = explained("--among", str(among), "--class", "badge 43", "--method", "integrated-gradients")
    assert other["label"] == "badge 43" and other["score"] < told["score"]
    learned = explained()
    assert {each["name"] for each in learned["similar"]} <= set(trained.classes)
    for arguments, message in (
        (["--among", str(among), "--class", "badge 3"], "--class badge 3: no picture shows it"),
        (["--method", "grad-cam"], "--method grad-cam: Embedder has no feature maps"),
    ):
        with pytest.raises(UsageError, match=message):
            explained(*arguments)


def test_evaluate_tells_ranks_of_people_it_has_not_seen(bundle, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["evaluate", str(bundle.path), str(folder(tmp_path / "new", range(80, 88)))])
    assert done.exit_code == 0, done.output
    assert "recognized with one picture shown" in done.output and "FRIENDS REFUSED" in done.output


def test_compression_counts_rankings() -> None:
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(6), 5)
    rows = (np.repeat(rng.normal(size=(6, 128)), 5, axis=0) + 0.2 * rng.normal(size=(30, 128))).astype(np.float32)
    ours = {"embedding": rows}
    assert COMPRESSED.judge(ours, DenseTargets.of(ids)) == 1.0
    assert COMPRESSED.agreement(ours, {"embedding": 7 * rows + 0.01}) == 1.0, "lengths say nothing"
    assert COMPRESSED.agreement(ours, {"embedding": rng.permutation(rows)}) < 0.7
    golden = COMPRESSED.golden(ours, 8)
    assert len(set(golden)) == 8 and max(np.bincount(ids[golden])) >= 2


def test_its_report_shows_each_confused_pair_once(trained: Run) -> None:
    page = (trained.path / "report.html").read_text()
    pairs = [frozenset(said.split(" and ")) for said in re.findall(r"<figcaption>(badge \d+ and badge \d+): ", page)]
    assert len(pairs) == len(set(pairs)) >= 2
