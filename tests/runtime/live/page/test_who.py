"""The page's card of who is known: names with pictures, renamed and forgotten, on a desk and on a phone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from page_in_browser import DESKTOP, PHONE, opened, until
from staged_scenes import named

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_names_are_seen_renamed_and_forgotten(staged: Any, chromium: Any, teachable: Any, size: dict[str, int]) -> None:
    loop = staged(fps=4, scene=named)
    teachable(loop)
    until_there = httpx.Client(base_url=loop.base, timeout=20)
    with opened(chromium, loop.preview.link, forgiven="400", viewport=size) as page:
        page.evaluate("document.getElementById('who-card').open = true")
        until(page, lambda: "Nobody and nothing yet" in page.inner_text("#who-note"))
        for name in ("Bob", "Anna"):
            assert until_there.post("/v1/teach", json={"name": name}).status_code == 200
        page.evaluate("document.getElementById('teach-card').open = true")
        page.fill("#teach-name", "Carl")
        page.click("#teach button[type=submit]")  # the list follows what is taught here at once
        until(page, lambda: page.locator("#who li").count() == 3)
        anna = page.locator("#who li[data-name=Anna]")
        assert "1 picture · seen" in anna.inner_text() and "taught" in page.locator("#who li").first.inner_text()
        until(page, lambda: anna.locator("img").evaluate("image => image.naturalWidth") > 0)
        until(page, lambda: page.locator(".stage .box .portrait:visible").count() == 1)  # above the box, too
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]

        page.locator("#who li[data-name=Bob] .more").click()
        page.locator("#who li[data-name=Bob] .rename").click()
        page.fill("#who-name", "Anna")
        page.locator("#who form [type=submit]").click()
        until(page, lambda: "is there already" in page.inner_text("#who-note.bad"))
        page.fill("#who-name", "Robert")
        page.locator("#who form [type=submit]").click()
        until(page, lambda: page.locator("#who li[data-name=Robert]").count() == 1)

        carl = page.locator("#who li[data-name=Carl]")
        carl.locator(".more").click()
        carl.locator(".forget").click()
        assert "Forget Carl and 1 picture for good?" in carl.inner_text()
        carl.locator(".leave").click()
        assert page.locator("#who li").count() == 3, "nothing was forgotten unasked"
        carl.locator(".more").click()
        carl.locator(".forget").click()
        carl.locator("form [type=submit]").click()
        until(page, lambda: page.locator("#who li").count() == 2)
    names = [row["name"] for row in until_there.get("/live/gallery").json()["names"]]
    assert sorted(names) == ["Anna", "Robert"]
    until_there.close()


def test_where_nobody_can_be_taught_there_is_no_card(staged: Any, chromium: Any) -> None:
    loop = staged(fps=4)
    with opened(chromium, loop.preview.link) as page:
        assert page.locator("#who-card").is_hidden()
