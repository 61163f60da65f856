"""What a file is held to is counted as `verify` counts it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edgelens.compress.export.artifact import Artifact, file_outputs
from edgelens.compress.proof.decoded import decoded
from edgelens.compress.proof.golden import GoldenFrames
from edgelens.compress.proof.limits import golden_limits
from edgelens.compress.tasks.detect import TASK
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Network
from edgelens.runtime.model.golden import frames_of, reference_of
from edgelens.runtime.model.verify import verify_bundle
from edgelens.runtime.preprocess import fit_frame
from edgelens.runtime.tasks.catalog import task_of


def test_a_detector_is_held_to_boxes_at_its_own_thresholds(detector_bundle: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(detector_bundle)
    network, (line,) = bundle.manifest.main, bundle.manifest.golden
    file = next(file for file in network.files if file.path == "models/main.int8.onnx")
    pictures = np.stack([fit_frame(frame.image, network.pixels)[0] for frame in frames_of(bundle, line)])
    golden = GoldenFrames((), pictures, {name: np.array(rows) for name, rows in reference_of(bundle, line).items()})
    artifact = Artifact(file.engine, file.precision, bundle.read(file.path), file.tensor, file.outputs)
    answers = file_outputs(artifact, pictures)

    def held_to(threshold: float) -> Network:
        own = dict.fromkeys(network.labels, threshold)
        return replace(network, decode=replace(network.decode, threshold=threshold, thresholds=own))

    def agreement(at: Network) -> float:
        return task_of(at.task).agreement(decoded(at, golden.reference), decoded(at, answers))

    assert TASK.agreement(golden.reference, answers) > 0.95, "nearly every box is there, as a compression counts them"
    scores = np.concatenate([answer.seen.scores for answer in decoded(held_to(0.05), golden.reference)])
    brink = min((held_to(float(score)) for score in scores), key=agreement)
    assert agreement(brink) < 0.8, "rounding to 8 bits carries boxes over a threshold that stands among their scores"
    limited = replace(file, limits=golden_limits(artifact, golden, brink))
    manifest = replace(bundle.manifest, networks={"main": replace(brink, files=(limited,), preferred=file.path)})
    entries = {name: bundle.read(name) for name in (file.path, *line.frames, line.reference)}
    report = verify_bundle(write_bundle(tmp_path / "held.edge", manifest, entries))
    assert report.ok, report
    assert report.files[0].agreement < 0.85
