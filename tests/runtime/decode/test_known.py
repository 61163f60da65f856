"""Unknown by two signs, through real engines: a sure answer to what is like nothing learned is none."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.bundle.manifest import Output
from edgelens.runtime.decode.known import Known, known_from, known_to_bytes
from edgelens.runtime.errors import BundleError, ModelError
from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.smoothing import Smoother
from edgelens.runtime.model.chain import chain
from edgelens.runtime.model.foreign import evaluate_foreign
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.verify import verify_bundle

ENTRY = "ext/known/main.npz"
RIGHT = np.linspace(0.9, 1, 99, dtype=np.float32)
# mean colours (red, green, blue) of learned pictures; right answers were at most .02 away
KNOWN = Known(
    np.array([[160, 60, 60], [60, 160, 60], [60, 60, 160]], np.float32) / np.float32(181.1),
    RIGHT,
    np.linspace(0.3, 0, 99, dtype=np.float32),
    float(-np.log(0.05 * 0.5)),
)


def with_features(model: bytes) -> bytes:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_from_string(model)
    graph.graph.node.append(onnx.helper.make_node("Identity", ["mean"], ["features"]))
    graph.graph.output.append(onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["N", 3]))
    return graph.SerializeToString()


def colors(*, lift: int) -> list[np.ndarray]:
    """Noisy BGR pictures, red, green, blue, red, …; one channel lies `lift` above the others."""
    rng, frames = np.random.default_rng(0), []
    for i in range(6):
        frame = rng.integers(0, 120, (40, 60, 3), np.uint8)
        frame[..., 2 - i % 3] += np.uint8(lift)
        frames.append(frame)
    return frames


@pytest.mark.parametrize("features", [[np.nan] * 3, [np.inf, 0, 0], [-np.inf, np.inf, 1]])
def test_features_that_are_no_numbers_are_like_nothing_learned(features):
    assert KNOWN.familiarity(np.array(features, np.float32), 0.99) < 1
    assert KNOWN.distance(np.array(features, np.float32)) >= KNOWN.distance(np.array([-1, -1, -1]))


@pytest.fixture
def knowing(color_onnx: Callable[..., bytes], color_bundle: Bundle, tmp_path: Path) -> Bundle:
    """The bundle of colours, which also knows what colours it learned."""
    manifest = color_bundle.manifest
    entries = {name: color_bundle.read(name) for name in manifest.entries}
    entries["models/color.onnx"] = with_features(color_onnx())
    entries[ENTRY] = known_to_bytes(KNOWN)
    with np.load(io.BytesIO(entries["golden/reference.npz"])) as stored:
        reference = {"logits": stored["logits"], "features": stored["logits"] * 16}
    buffer = io.BytesIO()
    np.savez(buffer, **reference)
    entries["golden/reference.npz"] = buffer.getvalue()
    decode = dataclasses.replace(manifest.main.decode, threshold=0.5, options={"known": ENTRY})
    outputs = (*manifest.main.outputs, Output("features", (3,)))
    network = dataclasses.replace(manifest.main, decode=decode, outputs=outputs)
    return write_bundle(tmp_path / "knowing.edge", dataclasses.replace(manifest, networks={"main": network}), entries)


def answers(bundle: Bundle, frames: list[np.ndarray], threshold: float | None = None) -> list[str]:
    with BundleRecognizer(bundle, engine="onnxruntime") as recognizer:
        seen = [recognizer.recognize(Frame(frame, i), threshold=threshold) for i, frame in enumerate(frames)]
        return [each.recognitions.label() for each in seen]


def test_what_is_like_the_learned_is_named_and_other_things_are_unknown(knowing: Bundle) -> None:
    assert answers(knowing, colors(lift=100)) == ["red", "green", "blue"] * 2
    strange = [frame // 8 + 200 for frame in colors(lift=100)]  # bright and pale, though still a red, a green, a blue
    assert answers(knowing, strange) == ["unknown"] * 6
    assert knowing.manifest.format == (1, 0)
    assert verify_bundle(knowing).ok


def test_a_threshold_that_is_asked_for_decides_alone(knowing: Bundle) -> None:
    strange = [np.full((40, 60, 3), 200, np.uint8) + np.eye(3, dtype=np.uint8)[2 - i] * 40 for i in range(3)]
    assert answers(knowing, strange) == ["unknown"] * 3
    assert answers(knowing, strange, 0.1) == ["red", "green", "blue"]
    asked = open_model(str(knowing.path), threshold=0.1)
    assert answers(asked, strange) == ["red", "green", "blue"]


def test_smoothed_answers_are_unknown_where_most_frames_are(knowing: Bundle) -> None:
    """The best class stays the first rival, and an average over frames decides as a frame does."""
    usual, strange = colors(lift=100)[0], colors(lift=100)[0] // 8 + 200
    smoother, said = Smoother(), []
    with BundleRecognizer(knowing, engine="onnxruntime") as recognizer:
        for i, frame in enumerate([usual, usual, strange, strange, strange, strange]):
            seen = smoother.smooth(recognizer.recognize(Frame(frame, i)).recognitions, 0.4, knowing.manifest)
            said.append(seen.label())
    assert said[:2] == ["red", "red"]
    assert said[-1] == "unknown"
    assert seen.rivals_of()[0][0] == "red"


def test_foreign_pictures_are_counted(knowing: Bundle, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    for i, frame in enumerate([*colors(lift=100)[:2], *(each // 8 + 200 for each in colors(lift=100))]):
        (tmp_path / "others").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "others" / f"{i}.png"), frame)
    (tmp_path / "others" / "broken.png").write_bytes(b"x")
    report = evaluate_foreign(knowing, str(tmp_path / "others"), file=knowing.manifest.main.files[0])
    assert (report.pictures, report.accepted, dict(report.taken_for)) == (8, 2, {"red": 1, "green": 1})
    assert report.line().startswith("of 8 foreign pictures 25.0 % (7.1 to 59.1) are taken for something known")
    assert report.to_json()["interval"] == pytest.approx([0.0715, 0.5907], abs=1e-3)


def test_what_a_bundle_of_before_knows_is_weighed_as_it_was() -> None:
    """Its entry has no tail: beyond the strangest right answer all distances are half an answer's share."""
    old = known_from(known_to_bytes(KNOWN), "x.edge", 3)
    assert old.tail is None
    assert old.unusual_of(1.0, 0.31) == old.unusual_of(1.0, 1.9) == pytest.approx(-np.log(0.5 / 100 * 99.5 / 100))
    new = known_from(known_to_bytes(dataclasses.replace(KNOWN, tail=0.1)), "x.edge", 3)
    assert new.unusual_of(1.0, 0.3) == old.unusual_of(1.0, 0.3)
    assert new.unusual_of(1.0, 1.9) == pytest.approx(-np.log(1.5 / 100 * 99.5 / 100) + 16, abs=1e-3)


def test_it_stays_in_a_pipeline(knowing: Bundle, halves_bundle: Bundle, tmp_path: Path) -> None:
    whole = chain(halves_bundle, knowing, tmp_path / "whole.edge")
    network = whole.manifest.main
    entry = network.decode.options["known"]
    assert whole.read(entry) == knowing.read(ENTRY)


def test_what_does_not_fit_is_refused_in_a_line(knowing: Bundle, tmp_path: Path) -> None:
    for data in (b"", b"no zip", known_to_bytes(KNOWN)[:200]):
        with pytest.raises(BundleError, match="is no set of known features or is damaged"):
            known_from(data, "x.edge", 3)
    with pytest.raises(BundleError, match="do not fit the network's output of 4"):
        known_from(known_to_bytes(KNOWN), "x.edge", 4)
    spoilt = dataclasses.replace(KNOWN, limit=float("nan"))
    with pytest.raises(BundleError, match="do not fit"):
        known_from(known_to_bytes(spoilt), "x.edge", 3)
    for tail in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(BundleError, match="the tail of its distances must be above 0"):
            known_from(known_to_bytes(dataclasses.replace(KNOWN, tail=tail)), "x.edge", 3)
    manifest = knowing.manifest
    decode = dataclasses.replace(manifest.main.decode, options={"known": "ext/nowhere.npz"})
    network = dataclasses.replace(manifest.main, decode=decode)
    entries = {name: knowing.read(name) for name in manifest.entries}
    lost = write_bundle(tmp_path / "lost.edge", dataclasses.replace(manifest, networks={"main": network}), entries)
    with pytest.raises(ModelError, match=r"ext/nowhere\.npz: is named as what the network knows, but is not there"):
        answers(lost, colors(lift=100))
