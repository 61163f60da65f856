"""The page in a hand: short, and its controls a tap away."""

from __future__ import annotations

from typing import Any

import pytest
import staged_scenes as scenes
from page_in_browser import PHONE, opened, until

pytestmark = pytest.mark.browser

TOUCHED = {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize(("sources", "screens"), [(1, 1.7), (3, 2.5)])
def test_a_phone_s_page_is_short(staged: Any, chromium: Any, tmp_path: Any, sources: int, screens: float) -> None:
    loop = staged(*("door", "hall", "yard")[:sources], collect=tmp_path)
    with opened(chromium, loop.preview.link, **TOUCHED) as page:
        page.wait_for_selector("#timeline li")
        until(page, lambda: page.locator(".stage[data-frame]").count() == sources)
        assert page.evaluate("document.documentElement.scrollHeight / innerHeight") < screens


def test_the_controls_are_a_tap_away(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall", "yard", scene=scenes.things)
    with opened(chromium, loop.preview.link, **TOUCHED) as page:
        page.evaluate("window.scrollTo(0, 500)")
        page.tap(".to-controls")
        until(page, lambda: page.evaluate("document.querySelector('#knobs').getBoundingClientRect().top < innerHeight"))
        assert not page.locator("#threshold").is_visible()
        page.tap("#knobs summary")
        page.fill("#threshold", "0.35")
        until(page, lambda: loop.control.settings("yard").threshold == 0.35)
