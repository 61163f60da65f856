"""What 8 bits and the engine change about who somebody is, and what the small embedding network costs.

    python benchmarks/compress_identify.py --data DIR --runs DIR [--models lite0 lite0-16] [--sets faces]
    python benchmarks/compress_identify.py --data DIR --runs DIR --models lite0 lite0-16-taught --sets groceries-1

DIR holds orl_faces_s01_s30/, grocery61/ and sign_digits/. The projection is fitted on faces s01 to s20, on all kinds of
groceries but twelve, on the digits 0 to 6 of four fifths of the signers; each run is compressed as `edgelens compress`
does it. Asked are the faces s21 to s30 with one picture shown, every choice of it; the other twelve kinds with five
shown, ten draws; all ten digits of the other signers with five shown, ten draws. Each file is shown the pictures by
itself, and asked about what the float file was shown as well: a gallery that came from another device. A network
called -taught learns from lite0's run for twelve epochs, as `edgelens compress RUN --model lite0-16 --epochs 12` does.
Groceries-1 to -4 leave out the next twelve kinds.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from builtin.signers import signers
from numpy.typing import NDArray
from train_identify import DRAWS, LESSON_EPOCHS, ROTATIONS, Ids, Rows, numbers, percent, rotations, similarity

from edgelens.compress.bundle.assemble import processor
from edgelens.compress.config import CompressConfig
from edgelens.compress.learn.distill import DistillConfig
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.decode.identify import EMBEDDING
from edgelens.runtime.images.read import SUFFIXES, read_image
from edgelens.runtime.metrics.identification import unit_rows
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import fit_frame
from edgelens.train.config import TrainConfig
from edgelens.train.training import fit

RESULTS = Path(__file__).resolve().parent / "results" / "compress_identify.json"
FILES = (("onnxruntime", "float32"), ("tflite", "float32"), ("onnxruntime", "int8"), ("tflite", "int8"))
SHOWN = {"faces": 1, "groceries": 5, "signs": 5}
MORE = [f"groceries-{turn}" for turn in range(1, ROTATIONS)]
TEACHER, TAUGHT = "lite0", "-taught"


@dataclass(frozen=True)
class Asked:
    """Pictures that a network is fitted on, and those that may be shown or asked, each with whose it is."""

    train: Sequence[tuple[Path, str]]
    shown: Sequence[tuple[Path, str]]
    asked: Sequence[tuple[Path, str]]  # the very pictures of `shown`, or others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["lite0", "lite0-16"])
    parser.add_argument("--sets", nargs="+", choices=[*SHOWN, *MORE], default=list(SHOWN))
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    kept: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    for model in options.models:
        found = kept.setdefault(model, {})
        for name in options.sets:
            data, shown = chosen(name, options.data), SHOWN[name.partition("-")[0]]
            found[name] = judged(made(model, name, options), data, shown)
            found["pooled"] = pooled([found[each] for each in SHOWN if each in found])
            kept["processor"] = processor()
            options.out.write_text(json.dumps(kept, indent=1) + "\n")
            print(model, name, json.dumps(found[name]), flush=True)
        print(model, "pooled", json.dumps(found["pooled"]), flush=True)


def chosen(name: str, data: Path) -> Asked:
    """Whose pictures teach, and whose are asked."""
    if name == "signs":
        return chosen_signs(data / "sign_digits")
    kind, _, turn = name.partition("-")
    root = data / {"faces": "orl_faces_s01_s30", "groceries": "grocery61"}[kind]
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.parent.name != "iconic")
    kinds = np.unique([file.parent.name for file in files])
    left = kinds[20:] if kind == "faces" else rotations(kinds)[int(turn or 0)]
    named = [(file, file.parent.name) for file in files]
    held = [each for each in named if each[1] in left]
    return Asked([each for each in named if each[1] not in left], held, held)


def chosen_signs(root: Path) -> Asked:
    """Of four fifths of the signers 0 to 6 teach and all ten are shown; the others are asked."""
    groups = signers(root)
    order = np.random.default_rng(0).permutation(np.unique(list(groups.values())))
    held = set(order[: len(order) // 5].tolist())
    taught = [(root / name, name.split("/")[0]) for name in sorted(groups) if groups[name] not in held]
    others = [(root / name, name.split("/")[0]) for name in sorted(groups) if groups[name] in held]
    return Asked([each for each in taught if each[1] < "7"], taught, others)


def made(model: str, name: str, options: argparse.Namespace) -> Bundle:
    """The set's bundle by a network; one that is there already is taken."""
    out: Path = options.runs / f"{name}-{model}.edge"
    if not out.exists():
        taught = model.endswith(TAUGHT)
        run = trained(TEACHER if taught else model, name, options)
        lesson = DistillConfig(model.removesuffix(TAUGHT))
        lesson = replace(lesson, tuning=replace(lesson.tuning, epochs=LESSON_EPOCHS, least_steps=0))
        compress_run(run, out, CompressConfig(distill=lesson if taught else None))
    return Bundle.open(out)


def trained(model: str, name: str, options: argparse.Namespace) -> Path:
    """The set's run, by a projection alone; one that is there already is taken."""
    folder, run = options.runs / f"{name}-photos", options.runs / f"{name}-{model}"
    if not folder.exists():
        for file, whose in chosen(name, options.data).train:
            (folder / whose).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / whose)
    if not (run / "report.html").exists():
        shutil.rmtree(run, ignore_errors=True)
        fit(TrainConfig(str(folder), str(run), model=model, task="identify", minutes=0.0, threads=1), quiet=True)
    return run


def judged(bundle: Bundle, data: Asked, shown: int) -> dict[str, Any]:
    """Right answers of every file, and how often two files give one name."""
    names = numbers(np.array([whose for _, whose in (*data.shown, *data.asked)]))
    ids, asked = names[: len(data.shown)], names[len(data.shown) :]
    same = data.shown is data.asked
    rows = {of: embedded(bundle, of, data.shown) for of in FILES}
    seen = {of: rows[of] if same else embedded(bundle, of, data.asked) for of in FILES}
    choices = [choice(ids, shown, turn) for turn in range(DRAWS)]
    rest = [np.setdiff1d(np.arange(len(asked)), taken) if same else np.arange(len(asked)) for taken in choices]
    wanted = np.concatenate([asked[each] for each in rest])

    def said(of: tuple[str, str], taught_by: tuple[str, str]) -> Ids:
        turns = zip(choices, rest, strict=True)
        return np.concatenate([answers(seen[of][r], rows[taught_by][c], ids[c]) for c, r in turns])

    own = {of: said(of, of) for of in FILES}
    base = FILES[0]
    files = {network.precision + " " + network.engine: network for network in bundle.manifest.main.files}
    return {
        "questions": len(wanted),
        "right": {" ".join(of): int((own[of] == wanted).sum()) for of in FILES},
        "as float": {" ".join(of): int((own[of] == own[base]).sum()) for of in FILES[1:]},
        "one name by both engines": {
            precision: int((own["onnxruntime", precision] == own["tflite", precision]).sum())
            for precision in ("float32", "int8")
        },
        "right, shown elsewhere": {" ".join(of): int((said(of, base) == wanted).sum()) for of in FILES[1:]},
        "bytes": {name: len(bundle.read(file.path)) for name, file in files.items()},
        "side": bundle.manifest.main.pixels.height,
    }


def pooled(sets: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares of all sets' questions together."""
    count = sum(each["questions"] for each in sets)

    def share(key: str) -> dict[str, float]:
        return {of: percent(sum(each[key][of] for each in sets) / count) for of in sets[0][key]}

    keys = ("right", "as float", "one name by both engines", "right, shown elsewhere")
    return {"questions": count, **{key: share(key) for key in keys}}


def embedded(bundle: Bundle, of: tuple[str, str], pictures: Sequence[tuple[Path, str]]) -> Rows:
    """Every picture's embedding by one of the bundle's files, of length 1."""
    engine, precision = of
    with BundleRecognizer(bundle, engine=engine, precision=precision) as recognizer:
        network = recognizer.main
        pixels = (fit_frame(read_image(file), network.network.pixels)[0] for file, _ in pictures)
        return unit_rows(np.concatenate([network.outputs(each)[EMBEDDING].reshape(1, -1) for each in pixels]))


def choice(ids: Ids, shown: int, turn: int) -> NDArray[np.intp]:
    """Which pictures are shown: of one a name every choice in turn, of more a draw."""
    own = [np.flatnonzero(ids == name) for name in np.unique(ids)]
    if shown == 1:
        return np.array([rows[turn % len(rows)] for rows in own])
    rng = np.random.default_rng(turn)
    return np.concatenate([rng.permutation(rows)[:shown] for rows in own])


def answers(asked: Rows, shown: Rows, ids: Ids) -> Ids:
    """The nearest name of every asked row, as a gallery has it."""
    names = np.unique(ids)
    scores = np.stack([similarity(asked, shown[ids == name]) for name in names], axis=1)
    return np.asarray(names[scores.argmax(axis=1)])


if __name__ == "__main__":
    main()
