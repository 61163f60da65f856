"""What was announced, opened from the timeline."""

from __future__ import annotations

from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import staged_scenes as scenes
from page_in_browser import HELD, opened, until

from edgelens.runtime.live.shared.wanted import Wanted

pytestmark = pytest.mark.browser


def test_an_entry_opens_what_it_was(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall", scene=scenes.things)
    with opened(chromium, loop.preview.link) as page:
        page.wait_for_selector("#timeline li button")
        item = page.locator("#timeline li").last
        assert item.locator(".where").text_content() in ("door", "hall")
        assert item.locator(".thumb i").count() == 1, "the small picture has its box too"
        number = int(item.get_attribute("data-id"))
        (moment,) = [m for m in loop.preview.shared.events(Wanted())["events"] if m["id"] == number]
        item.locator("button").focus()
        page.keyboard.press("Enter")
        until(page, lambda: page.locator("#moment[open] .box").count() == 2)
        assert page.text_content("#moment h2") == "person"
        assert page.text_content("#moment .where") == moment["source"]
        assert page.text_content("#moment .sure") == "91 %"
        assert page.text_content("#moment .model") == "digits version 3"
        assert page.text_content("#moment .also") == "person 91\N{NO-BREAK SPACE}%, bottle 66\N{NO-BREAK SPACE}%"
        assert page.eval_on_selector("#moment img", "img => img.naturalWidth") == 640
        place = page.evaluate(
            """() => { const at = (q) => document.querySelector(`#moment ${q}`).getBoundingClientRect();
            const i = at('img'), r = at('.box');
            const all = [r.left - i.left, r.top - i.top, r.width, r.height];
            return all.map((n, k) => n / (k % 2 ? i.height : i.width)); }"""
        )
        assert place == pytest.approx(moment["box"], abs=0.01)
        page.keyboard.press("Space")
        assert not loop.control.settings("door").paused, "keys are the dialog's while it is open"
        page.keyboard.press("Escape")
        assert not page.locator("#moment").is_visible()


def test_what_the_first_entry_was_does_not_come_into_the_second(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall", scene=scenes.things)
    loop.models["hall"] = "flowers"
    with opened(chromium, loop.preview.link) as page:
        item = lambda source: page.locator("#timeline li", has=page.locator(f".where:text-is('{source}')")).last  # noqa: E731
        item("hall").wait_for()
        page.evaluate(HELD, "/live/moments/")
        item("door").locator("button").click()
        page.keyboard.press("Escape")
        item("hall").locator("button").click()
        until(page, lambda: page.locator("#moment .whole > img").is_visible())
        page.evaluate("held.go()")
        page.wait_for_timeout(300)
        assert page.text_content("#moment .where") == "hall"
        assert page.text_content("#moment .model") == "flowers version 3"
        assert page.text_content("#moment .note") == ""
        assert page.locator("#moment .whole > img").is_visible()


def test_an_entry_that_is_no_longer_kept_says_so(staged: Any, chromium: Any) -> None:
    loop = staged()
    with opened(chromium, loop.preview.link, forgiven="404") as page:
        page.wait_for_selector("#timeline li button")
        loop.preview.shared.timeline._moments.clear()
        page.locator("#timeline li button").last.click()
        until(page, lambda: "no longer kept" in (page.text_content("#moment .note") or ""))


def test_the_picture_that_is_kept_is_the_one_it_was_announced_with(staged: Any) -> None:
    """A small one of it is made when somebody asks."""
    loop = staged(fps=0, scene=scenes.pipeline)
    shown = [loop.show() for _ in range(12)]
    result = next(result for result in shown if result.announced)
    moment = httpx.get(f"{loop.base}/live/moments/1").json()
    assert (moment["frame"], moment["source"], moment["size"]) == (result.frame.index, "camera", [640, 480])
    assert moment["results"] == result.to_json()["results"]
    sizes = {}
    for path in ("/live/moments/1/picture", "/live/thumbs/1"):
        data = np.frombuffer(httpx.get(loop.base + path).content, np.uint8)
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
        sizes[path] = picture.shape[:2]
        small = cv2.resize(result.frame.image, picture.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(picture.astype(int) - small).mean() < 3
    assert sizes == {"/live/moments/1/picture": (480, 640), "/live/thumbs/1": (120, 160)}
    assert httpx.get(f"{loop.base}/live/moments/99").status_code == 404
