"""The controls are the chosen source's, and say so."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from page_in_browser import HELD, opened, until

pytestmark = pytest.mark.browser


def test_controls_are_the_chosen_source_s_and_say_whose(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall", "yard", "roof", fps=5)
    classes = lambda name: loop.control.settings(name).classes  # noqa: E731
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.text_content("#knobs-title") == "Controls · all sources")
        until(page, lambda: page.locator("#classes button").count() == 10)
        page.click('[data-source="hall"] .enlarge')
        assert page.text_content("#knobs-title") == "Controls · hall"
        assert page.locator("#knobs #model").is_visible(), "the model stands among them"
        page.click("#classes button:text-is('7')")
        page.click("#classes button:text-is('3')")
        until(page, lambda: classes("hall") == ("7", "3"))
        page.fill("#threshold", "0.35")
        until(page, lambda: loop.control.settings("hall").threshold == 0.35)
        assert classes("door") is None
        assert loop.control.settings("door").threshold == 0.6
        assert page.text_content("#classes-value") == "2 of 10"
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Escape")
        page.select_option("#source", "")
        until(page, lambda: page.text_content("#classes-value") == "each source its own")
        until(page, lambda: page.text_content("#threshold-value") == "each source its own")
        page.select_option("#source", "hall")
        page.click("#classes button:text-is('7')")
        page.click("#classes button:text-is('3')")
        until(page, lambda: classes("hall") is None)


def test_a_change_goes_to_the_source_it_was_made_for(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall", fps=5)
    threshold = lambda name: loop.control.settings(name).threshold  # noqa: E731
    with opened(chromium, loop.preview.link) as page:
        page.select_option("#source", "door")
        page.evaluate(HELD, "/live/settings")
        page.fill("#threshold", "0.35")
        page.fill("#threshold", "0.45")
        page.select_option("#source", "hall")
        page.fill("#smoothing", "0.25")
        page.evaluate("held.go()")
        until(page, lambda: loop.control.settings("hall").smoothing == 0.75)
        assert (threshold("door"), threshold("hall")) == (0.45, 0.6)


def test_with_one_source_nobody_is_named(staged: Any, chromium: Any) -> None:
    loop = staged()
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.locator("#classes button").count() == 10)
        assert page.text_content("#knobs-title") == "Controls"
        assert page.locator("#model-card #model").is_visible()
        assert not page.locator("#source, #find-source, .enlarge").locator("visible=true").count()


@pytest.mark.parametrize("classes", [[], "cup", [7], ["x" * 201], ["a"] * 201])
def test_classes_that_mean_nothing_are_refused(staged: Any, classes: Any) -> None:
    answer = httpx.post(staged(fps=0).base + "/live/settings", json={"classes": classes})
    assert answer.status_code == 400
    assert answer.json()["error"] == "classes is null for all, or 1 to 200 names of up to 200 letters"
