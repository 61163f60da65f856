"""PP-OCR's own files, where EDGELENS_PPOCR names the folder that holds them (`…_rec_infer.onnx` and `…_det_…`)."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgelens.runtime.frame import Frame
from edgelens.runtime.model.chain import ChainOptions, chain
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer

TEXTS = ("WARNING", "Exit 27", "KITCHEN")


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    folder = os.environ.get("EDGELENS_PPOCR")
    if not folder:
        pytest.skip("EDGELENS_PPOCR names no folder of PP-OCR's models")
    found = {kind: sorted(Path(folder).glob(f"*_{kind}_infer.onnx")) for kind in ("rec", "det")}
    if not all(found.values()):
        pytest.skip(f"{folder} holds no _rec_infer.onnx and _det_infer.onnx")
    return {kind: str(paths[0]) for kind, paths in found.items()}


def line(text: str) -> np.ndarray:
    image = np.full((60, 30 + 30 * len(text), 3), 235, np.uint8)
    cv2.putText(image, text, (12, 42), cv2.FONT_HERSHEY_DUPLEX, 1.3, (30, 30, 30), 2, cv2.LINE_AA)
    return image


def scene() -> np.ndarray:
    image = np.full((540, 960, 3), 235, np.uint8)
    for at, text in enumerate(TEXTS):
        part = line(text)
        turn = cv2.getRotationMatrix2D((part.shape[1] / 2, 30), (0, 12, -8)[at], 1)
        turn[:, 2] += (150 + 200 * at, 90 + 150 * at)
        cv2.warpAffine(part, turn, (960, 540), dst=image, borderMode=cv2.BORDER_TRANSPARENT)
    return image


def test_its_recognizer_reads_by_what_its_file_says(files):
    with BundleRecognizer(open_model(files["rec"])) as recognizer:
        read = [recognizer.recognize(Frame(line(text))).recognitions.texts[0] for text in TEXTS]
    assert [text.replace(" ", "") for text in read] == [text.replace(" ", "") for text in TEXTS]


def test_what_its_detector_finds_is_read_level(files, tmp_path):
    from edgelens.compress.foreign.bundle_file import bundle_file

    for name, image in {"scenes": scene(), "lines": line(TEXTS[0])}.items():
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "1.png"), image)
    bundle_file(files["det"], tmp_path / "find.edge", {"decoder": "db"}, images=str(tmp_path / "scenes"))
    bundle_file(files["rec"], tmp_path / "read.edge", images=str(tmp_path / "lines"))
    parts = [open_model(str(tmp_path / name)) for name in ("find.edge", "read.edge")]
    with BundleRecognizer(chain(*parts, tmp_path / "both.edge", ChainOptions(align="corners"))) as recognizer:
        seen = recognizer.recognize(Frame(scene())).recognitions
    assert {text.replace(" ", "") for text in seen.texts if text} == {text.replace(" ", "") for text in TEXTS}
