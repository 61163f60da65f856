"""Many sources on one page: tiles that all fit the window, and one of them large."""

from __future__ import annotations

from typing import Any

import pytest
from page_in_browser import DESKTOP, PHONE, opened, until

pytestmark = pytest.mark.browser

NAMES = tuple(f"camera {i}" for i in range(1, 17))
ON_PHONE = {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
UNDER = """() => [Math.max(...[...document.querySelectorAll('.stage')].map((s) => s.getBoundingClientRect().bottom)),
  document.documentElement.scrollWidth]"""


def test_every_number_of_cameras_fits_the_window(staged: Any, chromium: Any) -> None:
    for count, settings in ((16, {}), (9, ON_PHONE), (4, {})):
        loop = staged(*NAMES[:count], fps=2)
        size = settings.get("viewport", DESKTOP)
        with opened(chromium, loop.preview.link, **settings) as page:
            until(page, lambda count=count: page.locator(".stage.tile[data-frame]").count() == count)
            lowest, wide = page.evaluate(UNDER)
            assert lowest <= size["height"]
            assert wide <= size["width"]
            heights = page.eval_on_selector_all(".stage.tile", "all => all.map((s) => s.offsetHeight)")
            assert len(set(heights)) == 1
            assert heights[0] > 85


def test_one_is_shown_large_and_all_again(staged: Any, chromium: Any) -> None:
    loop = staged(*NAMES[:5], fps=8)
    large = lambda: page.eval_on_selector_all(".stage.large", "all => all.map((s) => s.dataset.source)")  # noqa: E731
    width = lambda name: page.eval_on_selector(f'[data-source="{name}"] canvas', "c => c.width")  # noqa: E731
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.locator(".stage.tile").count() == 5)
        until(page, lambda: {width(name) for name in NAMES[:5]} == {480})
        page.click('[data-source="camera 2"] .enlarge')
        assert large() == ["camera 2"]
        until(page, lambda: width("camera 2") == 640)
        assert width("camera 3") == 480, "only what is looked at closely comes large"
        assert page.input_value("#source") == "camera 2"
        page.keyboard.press("Escape")
        assert large() == []
        page.focus('[data-source="camera 4"] .enlarge')
        page.keyboard.press("Enter")
        assert large() == ["camera 4"]
        page.select_option("#source", "camera 5")
        assert large() == ["camera 5"]
        page.click('[data-source="camera 5"] .region-button')
        page.keyboard.press("Escape")
        assert large() == ["camera 5"], "escape is done with the region first"
        page.select_option("#source", "")
        assert large() == []
    with opened(chromium, loop.preview.link, **ON_PHONE) as page:
        page.tap('[data-source="camera 3"] .enlarge')
        assert large() == ["camera 3"]
        page.tap('[data-source="camera 3"] .enlarge')
        assert page.locator(".stage.tile:not(.strip)").count() == 5
