"""The page's card "This is …": what is seen now gets a name, and loses it again."""

from __future__ import annotations

from typing import Any

import pytest
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
