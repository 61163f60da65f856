"""How well the kit's own networks learn to read: plates in 5 folds, words in 5 rotations; trained, compressed, judged.

    python benchmarks/train_read.py --data DIR --runs DIR [--folds 0,1] [plates words]

What is written needs fonts, and many: apt install $(cat benchmarks/train_read_fonts.txt) gives some 500 files (of 220
families) that the figures stand on. Plates are learned twice, the second time of pictures put together too; words start
from what plates taught, so plates come first.

DIR holds plates/ and words/, each with its labels.csv. Plates are read without the province's sign, no letter of
the alphabet; words in letters and digits of one case. What was trained before is not trained again; a row of
results/train_read.json is written after every fold, of the float and of the 8-bit files, with and without what an
application knows (a plate's pattern, 50 words that hold the right one).
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import string
import sysconfig
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgelens.compress.config import CompressConfig
from edgelens.compress.pipeline import compress_run
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.datasets.texts import load_texts
from edgelens.runtime.engines.protocol import EngineOptions
from edgelens.runtime.frame import Frame
from edgelens.runtime.metrics.text import alphanumeric
from edgelens.runtime.model.arguments import ModelArguments
from edgelens.runtime.model.asked import with_answer
from edgelens.runtime.model.network import choose_file
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.preprocess import fit_frame
from edgelens.runtime.tasks.catalog import decoder_of
from edgelens.train import Run, TrainConfig, training

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "train_read.json"
PLATE_LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I and O
WORD_LETTERS = string.digits + string.ascii_lowercase
LEXICON = 50  # words, the right one among them


@dataclass(frozen=True)
class Rows:
    """What a data set is read with."""

    alphabet: str
    size: tuple[int, int]
    texts: str  # what is written besides
    written: float
    epochs: int
    batch: int
    begins: str = ""  # the set whose run it starts from
    spliced_epochs: int = 0  # a second training's, from the first, half of whose pictures are put together of two
    pattern: str | None = None  # what an application knows of every text
    lexicon: bool = False


def prepared(data: Path, name: str, work: Path) -> Path:
    """The set's table with the texts as they are to be read."""
    source, folder = data / name, work / f"{name}-texts"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "images").exists():
        (folder / "images").symlink_to((source / "images").resolve())
    with (source / "labels.csv").open(encoding="utf-8") as stream:
        rows = [(row["file"], row["text"]) for row in csv.DictReader(stream)]
    table = "".join(f"{file},{text[1:] if name == 'plates' else alphanumeric(text)}\n" for file, text in rows)
    (folder / "labels.csv").write_text("file,text\n" + table, encoding="utf-8")
    return folder


def words_to_write(work: Path) -> Path:
    """Words of the standard library's sources, numbers, and letters at random."""
    counts: Counter[str] = Counter()
    for file in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        counts.update(word.lower() for word in re.findall(r"\b[A-Za-z]{2,12}\b", file.read_text("utf-8", "replace")))
    draw = random.Random(0)
    made = ["".join(draw.choices(string.digits, k=draw.randint(1, 5))) for _ in range(1200)]
    made += ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(1, 8))) for _ in range(1500)]
    made += ["".join(draw.choices(WORD_LETTERS, k=draw.randint(2, 7))) for _ in range(800)]
    target = work / "texts.txt"
    target.write_text("\n".join([*(word for word, n in sorted(counts.items()) if n > 1), *made]) + "\n")
    return target


def trained(rows: Rows, data: Path, out: Path, fold: int, *, quick: bool) -> Run:
    """The fold's run, or its second one, from where it stands."""
    first = TrainConfig(
        str(data), str(out), task="read", size=rows.size, alphabet=rows.alphabet, folds=5, fold=fold, batch=rows.batch,
        epochs=2 if quick else rows.epochs, rate=2e-3, ema=0.998, clip=5.0, written=rows.written, texts=rows.texts,
        threads=1, start=str(_last(rows.begins, out.parent, fold)) if rows.begins else None,
    )  # fmt: skip
    run = _run(first)
    if not rows.spliced_epochs:
        return run
    further = replace(first, out=str(_last(out.name, out.parent)), start=str(run.path), spliced=0.5, rate=1e-3)
    return _run(replace(further, epochs=2 if quick else rows.spliced_epochs))


def _last(name: str, runs: Path, fold: int | str = "") -> Path:
    """Where a set's second training goes."""
    return runs / f"{name}{fold}-spliced"


def _run(config: TrainConfig) -> Run:
    """The training, begun or gone on with."""
    out = Path(config.out)
    return training.resume(out) if (out / "run.json").exists() else training.fit(config)


def read(bundle: Bundle, images: Any, precision: str, threads: int = 1) -> tuple[list[str], list[float]]:
    """What a file reads on every picture, and the milliseconds its engine took."""
    file = choose_file(bundle.manifest.main, "onnxruntime", precision)
    found, times = [], []
    with BundleRecognizer(bundle, engine=file.engine, precision=precision, options=EngineOptions(threads)) as each:
        for i in range(len(images)):
            seen = each.recognize(Frame(images.image(i)))
            found.append(seen.recognitions.texts[0] if seen.recognitions.texts else "")
            times.append(seen.stages["infer"])
    return found, times


def with_words(bundle: Bundle, images: Any, truth: list[str], precision: str) -> float:
    """The share that is right where 50 words are given of which one is right, each picture its own."""
    every, right = sorted(set(truth)), 0
    file = choose_file(bundle.manifest.main, "onnxruntime", precision)
    with BundleRecognizer(bundle, engine=file.engine, precision=precision, options=EngineOptions(1)) as each:
        for i, wanted in enumerate(truth):
            others = random.Random(i).sample([word for word in every if word != wanted], LEXICON - 1)
            network = with_answer(bundle.manifest.main, ModelArguments(lexicon=(wanted, *others)))
            pixels, placement = fit_frame(images.image(i), network.pixels)
            seen = decoder_of(network)(each.networks["main"].outputs(pixels), placement)
            right += bool(seen.texts) and seen.texts[0] == wanted
    return right / len(truth)


def judged(rows: Rows, run: Run, out: Path) -> dict[str, Any]:
    """The fold's figures, of the pictures that it was not trained with."""
    bundle = out.with_name(f"{out.name}.edge")
    if not bundle.exists():
        compress_run(run.path, bundle, CompressConfig())
    images = run.split("val")
    truth = list(images.texts)  # type: ignore[attr-defined]
    opened = open_model(str(bundle))
    row: dict[str, Any] = {"images": len(truth)}
    for precision in ("float32", "int8"):
        found, times = read(opened, images, precision)
        row[precision] = {
            "exact": float(np.mean([a == b for a, b in zip(truth, found, strict=True)])),
            "infer_ms_p50": float(np.median(times)),
            "bytes": choose_file(opened.manifest.main, "onnxruntime", precision).bytes,
        }
        if rows.pattern:
            fitting, _ = read(open_model(str(bundle), pattern=rows.pattern), images, precision)
            row[precision]["exact_with_pattern"] = float(np.mean([a == b for a, b in zip(truth, fitting, strict=True)]))
        if rows.lexicon:
            row[precision]["exact_of_50_words"] = with_words(opened, images, truth, precision)
    return row


def main() -> None:
    """Train, compress and judge what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["plates", "words"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--folds", default="0,1,2,3,4")
    parser.add_argument("--quick", action="store_true", help="two epochs, to see whether it runs")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.runs.mkdir(parents=True, exist_ok=True)
    plan = {
        "plates": Rows(
            PLATE_LETTERS,
            (32, 144),
            "□[A-HJ-NP-Z]·[A-HJ-NP-Z0-9]{5}",
            0.25,
            150,
            32,
            spliced_epochs=150,
            pattern="[A-Z][A-Z0-9]{5}",
        ),
        "words": Rows(
            WORD_LETTERS, (32, 128), str(words_to_write(given.runs)), 0.75, 120, 64, begins="plates", lexicon=True
        ),
    }
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in given.sets:
        data = prepared(given.data, name, given.runs)
        assert len(load_texts(data))
        for fold in map(int, given.folds.split(",")):
            out = given.runs / f"{name}{fold}"
            run = trained(plan[name], data, out, fold, quick=given.quick)
            results.setdefault(name, {})[str(fold)] = judged(plan[name], run, out)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            print(name, fold, json.dumps(results[name][str(fold)]))


if __name__ == "__main__":
    main()
