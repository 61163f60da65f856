"""The page's card "This is …": what is seen now gets a name, and loses it again."""

from __future__ import annotations

from typing import Any

import pytest
import staged_scenes as scenes
from page_in_browser import opened, until

pytestmark = pytest.mark.browser


def test_a_name_is_taught_and_taken_back(staged: Any, chromium: Any, teachable: Any) -> None:
    loop = staged(fps=2)
    teachable(loop)
    with opened(chromium, loop.preview.link, forgiven="400") as page:  # the browser tells of a refusal, too
        page.fill("#teach-name", "paper")
        page.click("#teach button[type=submit]")
        until(page, lambda: "paper: 1 picture" in page.inner_text("#teach-note"))
        page.click("#teach-undo")
        until(page, lambda: page.inner_text("#teach-note") == "taken back")
        page.uncheck("#teach-photos")
        page.click("#teach button[type=submit]")
        until(page, lambda: "paper: 1 picture" in page.inner_text("#teach-note"))
        assert page.request.get(f"{loop.base}/live/gallery").json()["names"][0]["portrait"] is False
        page.fill("#teach-name", "../x")
        page.click("#teach button[type=submit]")
        until(page, lambda: "path" in page.inner_text("#teach-note.bad"))


def test_a_click_on_a_box_means_that_thing_alone(staged: Any, chromium: Any, teachable: Any) -> None:
    loop = staged(fps=2, scene=scenes.things)
    teachable(loop)
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.locator(".stage .box").count() == 2)
        scale = page.eval_on_selector("canvas", "c => c.clientWidth / 640")
        page.locator("canvas[role=img]").click(position={"x": 40 * scale, "y": 60 * scale})
        assert page.inner_text("#teach-meant").startswith("only this: bottle")
        with page.expect_request("**/v1/teach") as asked:
            page.keyboard.type("flask")
            page.keyboard.press("Enter")
        assert asked.value.post_data_json["box"] == [9, 9, 80, 150]
        until(page, lambda: "flask: 1 picture" in page.inner_text("#teach-note"))
        assert not page.locator("#teach-meant").is_visible(), "by the next picture it may be elsewhere"


def test_what_an_event_was_about_is_taught_and_taken_back(staged: Any, chromium: Any, teachable: Any) -> None:
    loop = staged(scene=scenes.things)
    teachable(loop)
    with opened(chromium, loop.preview.link) as page:
        page.locator("#timeline li button").last.click()
        page.fill("#moment-name", "Ada")
        page.keyboard.press("Enter")
        until(page, lambda: "Ada: 1 picture" in page.inner_text("#moment .taught"))
        assert [named["name"] for named in page.request.get(f"{loop.base}/live/gallery").json()["names"]] == ["Ada"]
        page.click("#moment .undo")
        until(page, lambda: page.inner_text("#moment .taught") == "taken back")
