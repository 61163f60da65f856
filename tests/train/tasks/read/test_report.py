"""A reader's report and card: the surest mistakes first, and advice that its figures give reason for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edgelens.runtime.bundle.manifest import Decode
from edgelens.runtime.preprocess import PixelContract
from edgelens.train.config import TrainConfig
from edgelens.train.data.config import DataConfig
from edgelens.train.report.findings import Findings
from edgelens.train.tasks.read.advice import advise
from edgelens.train.tasks.read.answers import answers_of, in_words
from edgelens.train.tasks.read.data import open_texts, text_targets
from edgelens.train.tasks.read.report import sections
from edgelens.train.tasks.read.told import told

ALPHABET = "ABC"
TEXTS = ("AB", "BA", "CAB")


def scores(texts: Sequence[str], sure: Sequence[float]) -> NDArray[np.float32]:
    """(N, 6, 4) logits that say the texts, a blank behind each character."""
    made = np.zeros((len(texts), 6, 4), np.float32)
    for row, (text, height) in enumerate(zip(texts, sure, strict=True)):
        for step in range(6):
            spoken = text[step // 2 : step // 2 + 1] if step % 2 == 0 else ""
            made[row, step, ALPHABET.index(spoken) + 1 if spoken else 0] = height
    return made


@pytest.fixture
def findings(tmp_path: Path) -> Any:
    """(read on validation, read in training, settings) → findings of three texts each."""
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.zeros((16, 48, 3), np.uint8))
    (tmp_path / "labels.csv").write_text("file,text\n" + "".join(f"{i}.png,{t}\n" for i, t in enumerate(TEXTS)))
    images = open_texts(DataConfig(str(tmp_path)))
    targets = text_targets(images, ALPHABET)

    def made(read: Sequence[str], learnt: Sequence[str], texts: int = 1000, **said: Any) -> Findings:
        found = SimpleNamespace(
            name="plates", config=TrainConfig(str(tmp_path), "out", task="read", **said), classes=("text",),
            pixels=PixelContract(32, 96), basis="answers of the best epoch", history=[], steps=[], curve=[],
            val={"scores": scores(read, (9.0, 3.0, 6.0))}, val_targets=targets,
            train={"scores": scores(learnt, (9.0, 9.0, 9.0))}, train_targets=targets,
            check={"counts": {"train": {"text": texts}}} if texts else {}, source={}, environment={},
            started=None, best_epoch=3,
            network={"parameters": 1_061_701, "macs": 79.1e6}, images=lambda: images, decode=Decode("ctc"),
            score=SimpleNamespace(name="accuracy", title="accuracy", heading="Accuracy", share=True, more=True),
        )  # fmt: skip
        return cast("Findings", found)

    return made


def kinds(found: Findings) -> list[str]:
    return [one.kind for one in advise(answers_of(found, ALPHABET))]


def test_the_surest_mistake_comes_first(findings: Any) -> None:
    said = told(findings(("AB", "BB", "CAA"), TEXTS), ALPHABET)
    assert said.score.startswith("33.3 %") and said.score.endswith("read exactly")
    assert said.worst == ("2.png: is CAB, read CAA", "1.png: is BA, read BB")
    assert set(said.confused) == {"A read as B (once)", "B read as A (once)"}


def test_what_cannot_be_seen_is_named(findings: Any) -> None:
    assert told(findings(("", *TEXTS[1:]), TEXTS), ALPHABET).worst == (f"0.png: is {TEXTS[0]}, read nothing",)
    assert [in_words(text) for text in ("", " ", "\u3000", "A B")] == ["nothing", "a blank", "a blank", "A B"]


def test_each_finding_is_said_where_the_figures_are_there(findings: Any) -> None:
    assert kinds(findings(TEXTS, TEXTS)) == ["fine"]
    assert kinds(findings(TEXTS, TEXTS, texts=300)) == ["few"]
    assert kinds(findings(("A", "B", "C"), TEXTS)) == ["over-fitting"]
    assert kinds(findings(("A", "B", "C"), ("A", "B", "C"))) == ["under-fitting"]


def test_advice_is_what_was_not_done_yet(findings: Any) -> None:
    def actions(**said: Any) -> str:
        found = findings(("A", "B", "C"), said.pop("learnt", TEXTS), **said)
        return " ".join(advise(answers_of(found, ALPHABET))[0].actions)

    assert "--written" in actions()
    assert "--written" not in actions(written=0.5)
    assert "--minutes" in actions(learnt=("A", "B", "C"), minutes=3.0)
    assert "--epochs" in actions(learnt=("A", "B", "C"))


def test_the_page_says_what_to_try_and_what_is_read_wrong(findings: Any) -> None:
    page = "".join(sections(findings(("AB", "CB", ""), TEXTS, texts=0), ALPHABET))
    for part in ("What to try next", "What is taken for what", "1.06 M", '<td class="text">CAB</td>', "nothing"):
        assert part in page
    assert "How it learned" not in page, "no epochs, no steps: no heading over nothing"
