"""The report of a real run: one valid page that needs nothing else and says what the figures are."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgelens.runtime.host.files import write_text
from edgelens.train.runs.report import gather, write_report
from edgelens.train.runs.run import CURVE, Run
from edgelens.train.tasks.classify.answers import answers_of
from edgelens.train.tasks.classify.mistakes import worst_mistakes

_VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Checks nesting and collects what matters."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture(scope="module")
def text(run: Run) -> str:
    return write_report(run).read_text("utf-8")


def test_the_page_is_whole_and_needs_nothing_else(text: str) -> None:
    page = Page(text)
    assert page.headings == [
        "What to try next",
        "How it learned",
        "The worst mistakes",
        "What is taken for what",
        "Class by class",
        "What scores mean",
        "The data",
        "How it was made",
    ]
    assert page.links
    assert all(link.startswith("data:image/") for link in page.links)
    assert not re.search(r"https?://|@import|url\(|<script", text)
    assert len(text) < 2_000_000


def test_it_says_the_runs_figures(run: Run, text: str) -> None:
    found = answers_of(gather(run))
    words = " ".join(Page(text).words)
    assert f"validation: {100 * found.metrics['accuracy']:.4g} %" in words
    assert found.metrics["accuracy"] == pytest.approx((run.facts.metrics or {})["val_accuracy"])
    assert f"{run.facts.network['parameters']:,}" in words
    assert "<zero> & co" in words, "names of classes are escaped, not lost"
    assert "identical pictures with different labels" in words
    matrix = np.array(found.metrics["confusion"])
    cells = [int(n) for n in re.findall(r'class="count[^"]*"[^>]*>(\d+)<', text)]
    assert sum(cells) == matrix.sum() == found.metrics["images"]


def test_the_mistakes_are_the_surest_and_their_pictures_are_theirs(run: Run, text: str) -> None:
    found = answers_of(gather(run))
    images = run.split("val")
    mistakes = worst_mistakes(found, list(images.names))
    assert mistakes
    assert [m.score for m in mistakes] == sorted((m.score for m in mistakes), reverse=True)
    assert all(m.said != m.truth for m in mistakes)
    first = re.search(r'src="data:image/png;base64,([^"]+)"', text)
    assert first
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(first.group(1)), np.uint8), cv2.IMREAD_GRAYSCALE)
    stored = cv2.cvtColor(images.image(mistakes[0].row), cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(shown, cv2.resize(stored, (16, 16), interpolation=cv2.INTER_LINEAR))


def test_a_learning_curve_is_shown_once_there_is_one(run: Run, text: str, tmp_path: Path) -> None:
    assert "Learning curve" not in text
    copied = _copy(run, tmp_path)
    write_text(copied.path / CURVE, "images,accuracy,error\n100,0.5,0.02\n200,0.6,0.02\n400,0.71,0.02\n")
    page = write_report(copied).read_text("utf-8")
    assert "Learning curve" in page
    assert "a rising end asks for more" in page


def test_data_that_went_away_leaves_a_report(run: Run, tmp_path: Path) -> None:
    copied = _copy(run, tmp_path)
    copied = replace(copied, config=replace(run.config, data=str(tmp_path / "gone.npz")))
    page = write_report(copied).read_text("utf-8")
    assert "The pictures are no longer where they were." in page
    Page(page)


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1100])
def test_it_fits_the_screen(run: Run, text: str, width: int, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto((run.path / "report.html").resolve().as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg.chart").count() >= 4
    assert not errors
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    page.close()


def _copy(run: Run, folder: Path) -> Run:
    for name in ("run.json", "outputs.npz", "metrics.csv", "steps.csv", "check.json", "best.safetensors", "splits.npz"):
        (folder / name).write_bytes((run.path / name).read_bytes())
    return replace(run, path=folder)
