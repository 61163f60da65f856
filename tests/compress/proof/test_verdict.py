"""Gates by intervals: one photo refuses nothing, a real loss is passed over, what is something else does not ship."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from edgelens.compress.export.artifact import FLOAT_PIXELS, Artifact
from edgelens.compress.progress import Progress
from edgelens.compress.proof.parity import FileParity, Parity
from edgelens.compress.proof.shippable import shippable
from edgelens.compress.proof.verdict import verdict_of
from edgelens.compress.timing.timing import Timing, preferred_file
from edgelens.runtime.errors import WorkError
from edgelens.runtime.metrics.interval import paired_loss

FLOAT, INT8 = "models/main.float32.onnx", "models/main.int8.onnx"
PICTURE = np.zeros((1, 4, 4, 3), np.uint8)


def row(path: str, count: int, wrong: int, snr: float = 30.0) -> FileParity:
    """A file that answers `wrong` of `count` pictures otherwise than the network, which has all right."""
    right = np.arange(count) >= wrong
    share, precision = float(right.mean()), path.split(".")[1]
    lost = paired_loss(np.ones(count, bool), right)
    return FileParity(path, f"{precision} ONNX", precision, snr, share, 0.1, share, lost)


def parity(count: int, wrong: int, *, float_db: float = 100.0, between: float | None = None) -> Parity:
    rows = (row(FLOAT, count, 0, float_db), row(INT8, count, wrong))
    return Parity(count, 1.0, rows, between)


def files() -> list[Artifact]:
    return [Artifact("onnxruntime", name, b"", FLOAT_PIXELS, ("logits",)) for name in ("float32", "int8")]


def timed() -> dict[str, Timing]:
    """The 8-bit file is four times as fast."""
    return {
        artifact.path: Timing(artifact.path, "onnxruntime", artifact.precision, ms, ms, (ms,) * 4)
        for artifact, ms in zip(files(), (4.0, 1.0), strict=True)
    }


def preferred(found: Parity) -> tuple[str, list[str]]:
    return preferred_file(files(), found, timed(), verdict_of(found).poorer)


@pytest.mark.parametrize("count, wrong", [(16, 1), (16, 2), (30, 2), (100, 2)])
def test_a_photo_or_two_decide_nothing(count: int, wrong: int) -> None:
    found = parity(count, wrong)
    assert not verdict_of(found).broken
    assert preferred(found) == (INT8, [])


def test_where_8_bits_surely_lose_the_float_file_is_preferred_and_that_is_said() -> None:
    found = parity(1000, 60)
    path, (said,) = preferred(found)
    assert path == FLOAT
    assert said.startswith("int8 ONNX loses 6.00 points of accuracy (4.5 to 7.5), more than 1: not preferred")


def test_what_answers_something_else_is_left_out_and_the_rest_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    found = parity(200, 150)
    kept, left, verdict = shippable(
        found, files(), {"int8": _Untraced()}, PICTURE, verdict=verdict_of, allow_mismatch=False, progress=Progress()
    )  # fmt: skip
    assert [artifact.path for artifact in kept] == [FLOAT]
    assert [each.path for each in left.files] == [FLOAT]
    assert "int8 ONNX answers something else: 25.00 % agreement" in verdict.broken[INT8]
    assert "left out of the bundle" in capsys.readouterr().err


def test_a_float_file_that_is_another_network_is_broken() -> None:
    found, exported = parity(16, 0, float_db=20.0), {"float32": _Untraced()}
    with pytest.raises(WorkError, match=r"float32 ONNX is not the trained network: 20.0 dB.*no bundle is written"):
        shippable(found, files(), exported, PICTURE, verdict=verdict_of, allow_mismatch=False, progress=Progress())
    kept, _, _ = shippable(
        found, files(), exported, PICTURE, verdict=verdict_of, allow_mismatch=True, progress=Progress(quiet=True)
    )
    assert len(kept) == 2


def test_formats_that_surely_differ_cost_the_worse_one_its_place() -> None:
    rows = (row(INT8, 1000, 2), row("models/main.int8.tflite", 1000, 40))
    rows = (rows[0], dataclasses.replace(rows[1], title="int8 TFLite", lost=None, accuracy=1.0))
    few = Parity(40, 1.0, rows, 39 / 40)
    assert not verdict_of(few).poorer
    assert "int8 TFLite is further off" in verdict_of(Parity(1000, 1.0, rows, 0.95)).poorer["models/main.int8.tflite"]


class _Untraced:
    """An export whose layers cannot be compared."""

    graph = None
