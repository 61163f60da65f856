"""What 8 bits cost a head on lite0, over five folds of photos, and how much faster they are.

    python benchmarks/compress_lite0.py --data DIR [--sizes 160 224] [--run RUN --asked DATA]

DIR holds clothing10/. Of its training photos each of five folds is set aside in turn; a head is trained on the rest
(`edgelens train --minutes 0`), compressed to both formats, and each file is asked about the fold. Pooled over the
folds: accuracy in float and in 8 bits, the paired difference with its 95 % interval, how often the files agree, and the
two precisions' times taken in turns on one thread. `--run` asks a trained run about the test split of DATA instead.
Results are merged into results/compress_lite0.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from train_promise import FOLDS, shared_out

from edgelens.compress.config import CompressConfig
from edgelens.compress.export.artifact import Artifact
from edgelens.compress.pipeline import compress_run
from edgelens.compress.timing.timing import time_artifacts
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.model.evaluate import evaluate
from edgelens.runtime.model.network import choose_file
from edgelens.runtime.tasks.classifier_report import ClassifierReport
from edgelens.train import TrainConfig, fit
from edgelens.train.data.splits import folds

RESULTS = Path(__file__).resolve().parent / "results" / "compress_lite0.json"
ENGINES, PRECISIONS = ("onnxruntime", "tflite"), ("float32", "int8")
FILES = [(engine, precision) for engine in ENGINES for precision in PRECISIONS]
FLOAT = FILES[0]
Answers = dict[tuple[str, str], NDArray[np.int32]]  # each file's best class of every picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=[160, 224])
    parser.add_argument("--run", type=Path)
    parser.add_argument("--asked", type=Path)
    options = parser.parse_args()
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        if options.run:
            bundle = bundled(options.run, Path(scratch) / "run.edge")
            answers = asked(bundle, load_images(options.asked).split("test"))
            found[options.run.name] = compared([answers]) | {"int8_speed_up": sped_up(bundle)}
            print(options.run.name, json.dumps(found[options.run.name], indent=1), flush=True)
        for size in options.sizes if options.data else ():
            found[f"clothing10 {size} px"] = over_folds(options.data / "clothing10" / "train", Path(scratch), size)
            print(size, json.dumps(found[f"clothing10 {size} px"], indent=1), flush=True)
            RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def over_folds(photos: Path, scratch: Path, size: int) -> dict[str, Any]:
    """Five runs' answers about the fifth that each has not seen, put together."""
    images = load_images(photos)
    files = [photos / name for name in images.names]
    fold_of = folds(images.labels, images.names, FOLDS, 0)
    answers = []
    for fold in range(FOLDS):
        data = scratch / f"{size}-{fold}"
        shared_out(files, fold_of == fold, data)
        run = fit(TrainConfig(str(data), str(data / "run"), model="lite0", minutes=0.0, size=(size, size)), quiet=True)
        bundle = bundled(run.path, data / "run.edge")
        answers.append(asked(bundle, load_images(data).split("test")))
        print(size, fold, json.dumps(compared(answers[-1:])), flush=True)
    return compared(answers) | {"int8_speed_up": sped_up(bundle)}


def bundled(run: Path, out: Path) -> Bundle:
    """The run compressed as `edgelens compress` does it."""
    compress_run(run, out, CompressConfig())
    return Bundle.open(out)


def asked(bundle: Bundle, images: ImageSet) -> Answers:
    """What every file says of every picture; the truth stands under an empty name."""
    answers: Answers = {}
    for engine, precision in FILES:
        report = evaluate(bundle, images, file=choose_file(bundle.manifest.main, engine, precision)).report
        assert isinstance(report, ClassifierReport)
        answers[engine, precision] = report.predicted
        answers["", ""] = report.labels
    return answers


def compared(parts: Sequence[Answers]) -> dict[str, Any]:
    """Accuracies and agreements in per cent; what 8 bits lose in points, with its interval."""
    all_of = {file: np.concatenate([part[file] for part in parts]) for file in parts[0]}
    right = {file: all_of[file] == all_of["", ""] for file in FILES}
    row: dict[str, Any] = {"pictures": len(all_of["", ""])}
    for engine, precision in FILES:
        row[f"{engine} {precision}"] = round(100 * float(right[engine, precision].mean()), 2)
    for engine in ENGINES:
        int8 = (engine, "int8")
        lost = right[FLOAT].astype(float) - right[int8]
        wide = 1.96 * float(lost.std()) / np.sqrt(len(lost))
        row[f"{engine} lost"] = round(100 * float(lost.mean()), 2)
        row[f"{engine} interval"] = [round(100 * (float(lost.mean()) + side * wide), 2) for side in (-1, 1)]
        row[f"{engine} agrees with float"] = agreement(all_of[FLOAT], all_of[int8])
    row["formats agree"] = agreement(*(all_of[engine, "int8"] for engine in ENGINES))
    return row


def agreement(one: NDArray[np.int32], other: NDArray[np.int32]) -> float:
    """Per cent of the pictures."""
    return round(100 * float((one == other).mean()), 2)


def sped_up(bundle: Bundle) -> dict[str, float]:
    """How many times as fast as float 8 bits are in each engine, one thread, the engine alone."""
    network = bundle.manifest.main
    artifacts = [
        Artifact(file.engine, file.precision, bundle.read(file.path), file.tensor, file.outputs)
        for file in (choose_file(network, *wanted) for wanted in FILES)
    ]
    pixels = network.pixels
    picture = np.random.default_rng(0).integers(0, 256, (pixels.height, pixels.width, 3), np.uint8)
    times = time_artifacts(artifacts, picture)
    of = {(artifact.engine, artifact.precision): times[artifact.path] for artifact in artifacts}
    return {engine: round(of[engine, "float32"].ratio(of[engine, "int8"]), 2) for engine in ENGINES}


if __name__ == "__main__":
    main()
