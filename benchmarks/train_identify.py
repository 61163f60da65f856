"""How well identities are told apart that a network has never seen: faces, groceries, hand signs.

    python benchmarks/train_identify.py --data DIR [--side 224] [--epochs 30] [--sets faces groceries signs]
    python benchmarks/train_identify.py --data DIR --sets tuned --runs DIR [--minutes 10]
    python benchmarks/train_identify.py --data DIR --sets taught --runs DIR [--student lite0-16]

DIR holds orl_faces_s01_s30/, grocery61/ and sign_digits/, as far as they are there. Faces and groceries: the projection
that `train --task identify` fits on lite0's frozen trunk, and the same features without it. Faces s01 to s20 train, s21
to s30 are asked, over all 10 choices of the one picture that is shown, and 10 draws of three. Groceries: five rotations
of 12 kinds that are left out, five pictures shown; then six of them are taught and the other six are strangers, and the
other way round. Tuned: the same rotations by the whole of `train --task identify --minutes 10` at 160 pixels on one
thread, whose runs are kept in `--runs` and not made again. Taught: the same rotations by a network that learns for
twelve epochs from lite0 and its projection, as `compress RUN --model lite0-16 --epochs 12` has it, before its export;
what each makes of the pictures is kept in `--runs`. Signs: lens-s learns the digits 0 to 6 by margins, as
`train --task identify --no-mirror` does: what a mirror shows is another sign, and the projection is fitted once more on
what was learned. 7 to 9 are taught with five pictures each, and all ten are asked of signers that neither saw.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from builtin.signers import signers
from numpy.typing import NDArray
from torch import Tensor, nn
from train_unknown import Pictures

from edgelens.compress.config import CompressConfig
from edgelens.compress.ingredients import ingredients_of
from edgelens.compress.learn.distill import DistillConfig
from edgelens.compress.progress import Progress
from edgelens.compress.shrink import shrunk
from edgelens.runtime.decode.identify import EMBEDDING
from edgelens.runtime.images.read import SUFFIXES
from edgelens.runtime.metrics.identification import accepts_of, identification, unit_rows
from edgelens.runtime.preprocess import PixelContract
from edgelens.train import Run, fit
from edgelens.train.augment import normalised
from edgelens.train.augment.recipe import Recipe
from edgelens.train.augment.shift import Shift
from edgelens.train.augment.turn import Turn
from edgelens.train.batches import epoch_batches
from edgelens.train.config import TrainConfig
from edgelens.train.data.folder import cache_folder
from edgelens.train.data.targets import DenseTargets
from edgelens.train.head.features import features_of, trunk_key
from edgelens.train.start.transfer import start_from
from edgelens.train.task import Draw
from edgelens.train.tasks.catalog import make_network, make_task
from edgelens.train.tasks.identify.embedder import Embedder
from edgelens.train.tasks.identify.whitening import refitted

RESULTS = Path(__file__).resolve().parent / "results" / "train_identify.json"
ROTATIONS, LEFT_OUT, DRAWS = 5, 12, 10
SIGN_SIDE, TAUGHT, TRAINED_SHOWN = 64, 5, 25

LESSON_EPOCHS = 12

Rows = NDArray[np.float32]
Ids = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["faces", "groceries", "signs"])
    parser.add_argument("--runs", type=Path, default=Path("runs/train_identify"))
    parser.add_argument("--minutes", type=float, default=10.0, help="of fine-tuning a rotation, of `tuned`")
    parser.add_argument("--student", default="lite0-16", help="the network that learns, of `taught`")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name in options.sets:
        began = time.process_time()
        found[name] = {**SETS[name](options), "processor_s": round(time.process_time() - began)}
        print(name, json.dumps(found[name]), flush=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n")


def faces(options: argparse.Namespace) -> dict[str, Any]:
    """s21 to s30 by what s01 to s20 taught."""
    rows, names = features(options.data / "orl_faces_s01_s30", options.side)
    train = names <= "s20"
    result: dict[str, Any] = {}
    for how, made in (("features alone", centred), ("projection", projected)):
        asked, ids = made(rows[train], names[train], rows[~train]), numbers(names[~train])
        told = identification(asked, ids)
        result[how] = {
            "rank1, 1 shown, all choices": percent(by_choice(asked, ids)),
            "rank1, 3 shown": percent(told.rank1[3]),
            "equal error": percent(told.equal_error),
            "false rejects": {str(rate): percent(share) for rate, share in told.false_rejects.items()},
            "mean precision": percent(told.mean_precision),
        }
    others = np.unique(names[~train])
    at_limit = [stated_limit(rows[train], names[train], asked, names[~train], left) for left in (others, others[::-1])]
    rejects, accepts = np.mean(at_limit, axis=0)
    return result | {"at the limit that a bundle states": {"rejects": percent(rejects), "accepts": percent(accepts)}}


def groceries(options: argparse.Namespace) -> dict[str, Any]:
    """Kinds that were left out of training."""
    rows, names = features(options.data / "grocery61", options.side)
    ranks: dict[str, list[float]] = {"features alone": [], "projection": []}
    met: list[tuple[Rows, Rows]] = []
    at_limit: list[tuple[float, float]] = []
    for left in rotations(names):
        held = np.isin(names, left)
        for how, made in (("features alone", centred), ("projection", projected)):
            asked = made(rows[~held], names[~held], rows[held])
            ranks[how].append(identification(asked, numbers(names[held])).rank1[5])
        met += [open_set(asked, names[held], half) for half in (left[: LEFT_OUT // 2], left[LEFT_OUT // 2 :])]
        at_limit.append(stated_limit(rows[~held], names[~held], asked, names[held], left))
    rejects, accepts = np.mean(at_limit, axis=0)
    return {
        "rank1, 5 shown": {how: percent(float(np.mean(shares))) for how, shares in ranks.items()},
        "false rejects at 1 % false accepts": percent(refused(met)),
        "at the limit that a bundle states": {"rejects": percent(rejects), "accepts": percent(accepts)},
    }


def tuned(options: argparse.Namespace) -> dict[str, Any]:
    """The rotations of `groceries` with the trunk fine-tuned on the kinds that are learned."""

    def rows(turn: int, learned: list[Path], asked: list[Path]) -> Rows:
        run = tuned_run(learned, options.runs / f"groceries-{turn}", options.minutes)
        return embedded(run.model(), run.pixels, asked)

    return {"minutes a rotation": options.minutes, **in_rotations(options, rows)}


def taught(options: argparse.Namespace) -> dict[str, Any]:
    """The rotations of `groceries` by a network that learns from lite0 and its projection, and by those themselves."""

    def rows(turn: int, learned: list[Path], asked: list[Path]) -> Rows:
        def student() -> Rows:
            teacher = taught_by(turn, learned)
            return embedded(student_of(teacher, options.student), teacher.pixels, asked)

        return kept_rows(options.runs / f"{options.student}-taught-{turn}.npy", student)

    def theirs(turn: int, learned: list[Path], asked: list[Path]) -> Rows:
        def own() -> Rows:
            teacher = taught_by(turn, learned)
            return embedded(teacher.model(), teacher.pixels, asked)

        return kept_rows(options.runs / f"teacher-{turn}.npy", own)

    def taught_by(turn: int, learned: list[Path]) -> Run:
        return tuned_run(learned, options.runs / f"teacher-{turn}", 0.0)

    told = {"student": options.student, "epochs": LESSON_EPOCHS, **in_rotations(options, rows)}
    return {**told, "its teacher": in_rotations(options, theirs)}


def kept_rows(file: Path, made: Callable[[], Rows]) -> Rows:
    """Rows that are not made again."""
    if not file.exists():
        np.save(file, made())
    return np.asarray(np.load(file), np.float32)


def in_rotations(options: argparse.Namespace, rows: Callable[[int, list[Path], list[Path]], Rows]) -> dict[str, Any]:
    """The rotations' figures by what each makes (turn, pictures to learn from, pictures asked) of those asked."""
    files = pictures_of(options.data / "grocery61")
    names = np.array([file.parent.name for file in files])
    ranks, met = list[float](), list[tuple[Rows, Rows]]()
    for turn, left in enumerate(rotations(names)):
        held = np.isin(names, left)
        learned = [file for file, out in zip(files, held, strict=True) if not out]
        asked = rows(turn, learned, [file for file, out in zip(files, held, strict=True) if out])
        ranks.append(identification(asked, numbers(names[held])).rank1[5])
        met += [open_set(asked, names[held], half) for half in (left[: LEFT_OUT // 2], left[LEFT_OUT // 2 :])]
        print(turn, percent(ranks[-1]), percent(refused(met[-2:])), flush=True)
    alone = [percent(refused(met[at : at + 2])) for at in range(0, len(met), 2)]
    return {
        "rank1, 5 shown": percent(float(np.mean(ranks))),
        "each": [percent(rank) for rank in ranks],
        "false rejects at 1 % false accepts": percent(refused(met)),
        "false rejects, each rotation at its own limit": alone,
    }


def student_of(teacher: Run, model: str) -> nn.Module:
    """A network that has learned from a run's."""
    distill = DistillConfig(model)
    config = CompressConfig(distill=replace(distill, tuning=replace(distill.tuning, epochs=LESSON_EPOCHS)))
    student, _ = shrunk(ingredients_of(teacher, config), config, Progress())
    return student


def tuned_run(files: list[Path], out: Path, minutes: float) -> Run:
    """What the kit trains on these pictures, a folder a kind."""
    photos = out.with_name(f"{out.name}-photos")
    for file in files:
        link = photos / file.parent.name / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(file.resolve())
    if (out / "report.html").exists():
        return Run.open(out)
    config = {"task": "identify", "model": "lite0", "size": (160, 160), "minutes": minutes, "threads": 1}
    return fit(TrainConfig(str(photos), str(out), **config))


def embedded(network: nn.Module, pixels: PixelContract, files: list[Path]) -> Rows:
    """What a network makes of pictures, rows of length 1."""
    network, pictures = network.eval(), Pictures(files, pixels).take(slice(None))
    with torch.inference_mode():
        parts = [network(to_inputs(pictures[i : i + 64])) for i in range(0, len(pictures), 64)]
    return unit_rows(torch.cat(parts).numpy())


def signs(options: argparse.Namespace) -> dict[str, Any]:
    """Digits 7 to 9 taught to a network that learned 0 to 6, all ten asked of other signers."""
    root = options.data / "sign_digits"
    groups = signers(root)
    files = [root / name for name in sorted(groups)]
    digits = np.array([int(file.parent.name) for file in files])
    who = np.array([groups[str(file.relative_to(root))] for file in files])
    order = np.random.default_rng(0).permutation(np.unique(who))
    held = np.isin(who, order[: len(order) // 5])
    pixels = PixelContract(SIGN_SIDE, SIGN_SIDE)
    pictures = Pictures(files, pixels).take(slice(None))
    learned = ~held & (digits < 7)
    network = learned_signs(pictures[learned], digits[learned], pixels, options.epochs)
    with torch.inference_mode():
        seen = torch.cat([network.embedding(to_inputs(pictures[i : i + 128])) for i in range(0, len(pictures), 128)])
    rows = project(seen.numpy()[learned], digits[learned].astype(str))(seen.numpy())
    shares = [taught_signs(rows, digits, held, seed) for seed in range(DRAWS)]
    every, trained, taught, alone = (percent(float(v)) for v in np.mean(shares, axis=0))
    return {"all ten": every, "0 to 6": trained, "7 to 9": taught, "0 to 6 before 7 to 9 were taught": alone}


def learned_signs(pictures: NDArray[np.uint8], ids: Ids, pixels: PixelContract, epochs: int) -> Embedder:
    """lens-s from its own weights, by the losses, the batches and the augmentation of the task."""
    torch.manual_seed(0)
    config = TrainConfig("", "", model="lens-s", task="identify")
    task, network = make_task(config), make_network(config, tuple("0123456"), pixels)
    assert isinstance(network, Embedder)
    start_from(network, "backbone", ("classifier",), model="lens-s")
    recipe, truth = Recipe("signs", shift=Shift(0.15), turn=Turn(), sided=True), torch.from_numpy(ids)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02)
    steps = len(epoch_batches(len(ids), 56, 0, 0)) * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps + 1, pct_start=0.1)
    for epoch in range(epochs):
        network.train()
        for draws in epoch_batches(len(ids), 56, 0, epoch, ids, together=8):
            rows = draws % len(ids)
            batch = torch.from_numpy(pictures[rows]).permute(0, 3, 1, 2)
            inputs, shown = task.augment(recipe, batch, truth[rows], Draw(0, epoch, torch.from_numpy(draws)))
            loss = task.loss({EMBEDDING: network(inputs)}, shown).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def taught_signs(rows: Rows, digits: Ids, held: NDArray[np.bool_], seed: int) -> tuple[float, float, float, float]:
    """Right answers to held signers: of all ten, of those learned, of those taught, of the learned before that."""
    rng, shown = np.random.default_rng(seed), []
    for digit in range(10):
        own = rng.permutation(np.flatnonzero((digits == digit) & ~held))
        shown.append(own[: TRAINED_SHOWN if digit < 7 else TAUGHT])
    scores = np.stack([similarity(rows[held], rows[own]) for own in shown], axis=1)
    right = scores.argmax(axis=1) == digits[held]
    old = digits[held] < 7
    alone = (scores[old, :7].argmax(axis=1) == digits[held][old]).mean()
    return float(right.mean()), float(right[old].mean()), float(right[~old].mean()), float(alone)


def features(root: Path, side: int) -> tuple[Rows, NDArray[np.str_]]:
    """What the identifier's trunk makes of every picture, and whose it is; the kit's cache keeps it."""
    files = pictures_of(root)
    pixels = PixelContract(side, side, resize="stretch")
    network = make_network(TrainConfig("", "", model="lite0", task="identify"), tuple("ab"), pixels)
    start_from(network, "backbone", ("classifier",), model="lite0")
    found = features_of(network.eval(), Pictures(files, pixels), cache_folder(None), key=trunk_key(network))
    return found, np.array([file.parent.name for file in files])


def pictures_of(root: Path) -> list[Path]:
    """A data set's pictures, a folder a name."""
    return sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.parent.name != "iconic")


def projected(rows: Rows, names: NDArray[np.str_], asked: Rows) -> Rows:
    """The task's own projection of features that it has not seen."""
    return project(rows, names)(asked)


def project(rows: Rows, names: NDArray[np.str_]) -> Callable[[Rows], Rows]:
    """What `train` fits: its folds keep identities whole."""
    head = refitted(rows, DenseTargets.of(numbers(names)))
    weight, bias = head.weights["classifier.weight"], head.weights["classifier.bias"]
    return lambda asked: unit_rows(asked @ weight.T + bias)


def centred(rows: Rows, names: NDArray[np.str_], asked: Rows) -> Rows:  # noqa: ARG001
    """The features themselves, without what all pictures share."""
    spread = rows.std(axis=0)
    return unit_rows((asked - rows.mean(axis=0)) / (spread + 0.05 * spread.mean()))


def by_choice(rows: Rows, ids: Ids) -> float:
    """Rank-1 over every choice of the one shown picture."""
    shares = []
    for choice in range(DRAWS):
        shown = np.array([np.flatnonzero(ids == name)[choice] for name in np.unique(ids)])
        rest = np.setdiff1d(np.arange(len(ids)), shown)
        shares.append((ids[shown][(rows[rest] @ rows[shown].T).argmax(axis=1)] == ids[rest]).mean())
    return float(np.mean(shares))


def similarity(rows: Rows, shown: Rows) -> Rows:
    """As a gallery has it: between the nearest shown picture and what they have in common."""
    return np.asarray(((rows @ shown.T).max(axis=1) + rows @ unit_rows(shown.mean(axis=0)[None])[0]) / 2, np.float32)


def rotations(names: NDArray[np.str_]) -> list[NDArray[np.str_]]:
    """The kinds that are left out, a rotation each."""
    kinds = np.random.default_rng(0).permutation(np.unique(names))
    return [kinds[LEFT_OUT * turn : LEFT_OUT * (turn + 1)] for turn in range(ROTATIONS)]


def refused(met: list[tuple[Rows, Rows]]) -> float:
    """The share of friends that is refused where 1 % of strangers are taken, over all that `open_set` found."""
    own, other = (np.concatenate(part) for part in zip(*met, strict=True))
    return float((own < np.quantile(other, 0.99)).mean())


def open_set(rows: Rows, names: NDArray[np.str_], taught: NDArray[np.str_]) -> tuple[Rows, Rows]:
    """Similarities to the nearest taught name: of taught kinds' other pictures where right, else -1; of strangers."""
    own, other = [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        shown = {kind: rng.permutation(np.flatnonzero(names == kind))[:5] for kind in taught}
        scores = np.stack([similarity(rows, rows[shown[kind]]) for kind in taught], axis=1)
        best, reached = np.asarray(taught)[scores.argmax(axis=1)], scores.max(axis=1)
        asked = np.isin(names, taught)
        asked[np.concatenate(list(shown.values()))] = False
        own.append(np.where(best == names, reached, -1)[asked])
        other.append(reached[~np.isin(names, taught)])
    return np.concatenate(own), np.concatenate(other)


def stated_limit(
    rows: Rows, names: NDArray[np.str_], asked: Rows, held: NDArray[np.str_], left: NDArray[np.str_]
) -> tuple[float, float]:
    """(false rejects, false accepts) at the limit for 1 % that training itself states, six names taught."""
    from edgelens.runtime.gallery.space import Space

    ids = numbers(names)
    head = refitted(rows, DenseTargets.of(ids))
    space = Space("", asked.shape[1], accepts=accepts_of(unit_rows(head.outputs["embedding"]), ids))
    limit = space.limit(0.01, LEFT_OUT // 2, np.empty(0, np.float32))
    own, other = open_set(asked, held, left[: LEFT_OUT // 2])
    return float((own < limit).mean()), float((other >= limit).mean())


def numbers(names: NDArray[np.str_]) -> Ids:
    """Names as numbers from 0."""
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def to_inputs(pictures: NDArray[np.uint8]) -> Tensor:
    """(B, C, H, W) as the network takes them."""
    return normalised(torch.from_numpy(pictures).permute(0, 3, 1, 2)).contiguous()


def percent(share: float) -> float:
    """With two digits."""
    return round(100 * float(share), 2)


SETS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "faces": faces,
    "groceries": groceries,
    "tuned": tuned,
    "taught": taught,
    "signs": signs,
}

if __name__ == "__main__":
    main()
