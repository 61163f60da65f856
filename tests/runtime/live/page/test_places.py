"""Lines, zones and trails on the page, and the same drawn by the overlay of what is saved."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import staged_scenes as scenes
from page_in_browser import PHONE, opened, until

from edgelens.runtime.live.preview import LivePreview
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.overlay import drawn
from edgelens.runtime.zones.options import ZoneOptions, read_lines, read_zones

WATCHED = {
    "lines": {"door": {"at": [0.25, 0, 0.25, 1], "in": {"person": 2}, "out": {}}},
    "zones": {
        "shelf": {
            "at": [0.6, 0.6, 0.9, 0.6, 0.9, 0.9, 0.6, 0.9],
            "occupancy": {"person": 1},
            "entries": {},
            "dwell_s": {},
            "loitering": 0,
        }
    },
}
PIXEL = """([x, y]) => { const c = document.querySelector('.stage canvas');
  return [...c.getContext('2d').getImageData(x * c.width, y * c.height, 1, 1).data].slice(0, 3); }"""


class Watched:
    """A page that is told of lines and zones with every result."""

    def __init__(self, preview: LivePreview) -> None:
        self._write = preview.write

    def write(self, result: Result) -> None:
        self._write(dataclasses.replace(result, watched=WATCHED))


def numbered(digit: int, x: int, y: int) -> Recognitions:
    """One thing that is followed and walks about."""
    return dataclasses.replace(scenes.things(digit, x, y), track_ids=np.array([1, -1], np.int32))


def far(color: list[int], other: list[int]) -> int:
    return max(abs(a - b) for a, b in zip(color, other, strict=True))


@pytest.mark.browser
def test_the_page_shows_lines_and_zones(staged: Any, chromium: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = staged(scene=numbered)
    monkeypatch.setattr(loop.preview, "write", Watched(loop.preview).write)
    with opened(chromium, loop.preview.link, forgiven="willReadFrequently") as page:
        page.wait_for_timeout(1500)  # until a few have come
        assert far(page.evaluate(PIXEL, [0.25, 0.9]), [250, 220, 80]) < 40
        assert far(page.evaluate(PIXEL, [0.75, 0.9]), [80, 190, 240]) < 40
        assert far(page.evaluate(PIXEL, [0.1, 0.9]), [124, 118, 110]) < 25


def test_the_overlay_draws_them_too(staged: Any) -> None:
    result = staged(fps=0, scene=numbered).result("camera")
    plain, shown = drawn(result), drawn(dataclasses.replace(result, watched=WATCHED))
    assert far(shown[430, 160].tolist(), [80, 220, 250]) < 40
    assert far(shown[432, 480].tolist(), [240, 190, 80]) < 40
    changed = (plain != shown).any(axis=2)
    assert 0.005 < changed.mean() < 0.1


@pytest.mark.browser
def test_a_line_and_a_zone_are_drawn_with_the_pointer(staged: Any, chromium: Any) -> None:
    loop = staged(scene=numbered)
    loop.control.change("camera", places=ZoneOptions())
    placed = lambda: loop.control.settings("camera").places  # noqa: E731
    with opened(chromium, loop.preview.link) as page:
        page.wait_for_selector(".line-button:visible")
        area = page.locator(".stage canvas").bounding_box()
        at = lambda x, y: (area["x"] + x * area["width"], area["y"] + y * area["height"])  # noqa: E731
        page.click(".line-button")
        area = page.locator(".stage canvas").bounding_box()
        page.mouse.move(*at(0.25, 0.1))
        page.mouse.down()
        page.mouse.move(*at(0.25, 0.9))
        page.mouse.up()
        until(page, lambda: len(placed().line) == 1)
        (line,) = placed().line
        assert line.name == "line 1"
        assert (*line.start, *line.end) == pytest.approx((0.25, 0.1, 0.25, 0.9), abs=0.01)
        page.click(".zone-button")
        for corner in ((0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.5, 0.5)):
            page.mouse.click(*at(*corner))
        until(page, lambda: len(placed().zone) == 1)
        corners = np.array([(0.5, 0.5), (0.9, 0.5), (0.9, 0.9)])
        assert np.array(placed().zone[0].points) == pytest.approx(corners, abs=0.01)
        assert len(placed().line) == 1
        assert page.get_attribute(".zone-button", "aria-pressed") == "false"
        page.wait_for_timeout(1500)  # until the page has heard what holds
        page.click(".line-button")
        page.keyboard.press("Delete")
        until(page, lambda: placed().line == ())
        assert len(placed().zone) == 1
        page.click(".zone-button")
        page.focus("#find-label")
        page.keyboard.press("Backspace")
        page.wait_for_timeout(300)
        assert len(placed().zone) == 1, "what is typed elsewhere deletes nothing"


@pytest.mark.browser
def test_lines_and_zones_are_renamed_and_taken_away_in_the_list(staged: Any, chromium: Any) -> None:
    loop = staged(scene=numbered)
    lines = read_lines({"line 1": [0.2, 0, 0.2, 1], "line 2": [0.8, 0, 0.8, 1]}, "line")
    zones = read_zones({"zone 1": [0.5, 0.5, 0.9, 0.5, 0.9, 0.9]}, "zone")
    loop.control.change("camera", places=ZoneOptions(lines, zones))
    names = lambda: [each.name for each in (*placed().line, *placed().zone)]  # noqa: E731
    placed = lambda: loop.control.settings("camera").places  # noqa: E731
    with opened(chromium, loop.preview.link, viewport=PHONE) as page:
        page.get_by_label("Name of line 1").fill("front door")
        page.keyboard.press("Enter")
        until(page, lambda: names() == ["front door", "line 2", "zone 1"])
        page.get_by_label("Name of zone 1").fill("shelf")
        page.keyboard.press("Tab")
        until(page, lambda: names() == ["front door", "line 2", "shelf"])
        assert page.evaluate("document.activeElement.textContent") == "Remove"
        page.get_by_label("Name of line 2").fill("front door")
        page.keyboard.press("Enter")
        page.wait_for_timeout(1500)  # until the page has heard what holds
        assert names() == ["front door", "line 2", "shelf"], "two of a name would be one"
        page.get_by_label("Remove front door").click()
        until(page, lambda: names() == ["line 2", "shelf"])
        assert page.get_by_role("button", name="Remove").count() == 2
        assert page.locator(".cancel-button").is_hidden()
        page.click(".zone-button")
        page.click(".cancel-button")
        assert page.get_attribute(".zone-button", "aria-pressed") == "false"
        assert page.evaluate("document.activeElement.className").startswith("zone-button")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.browser
def test_who_begins_to_draw_one_thing_leaves_the_other(staged: Any, chromium: Any) -> None:
    loop = staged(scene=numbered)
    loop.control.change("camera", places=ZoneOptions())
    with opened(chromium, loop.preview.link) as page:
        page.wait_for_selector(".line-button:visible")
        pressed = lambda: [page.get_attribute(f".{name}-button", "aria-pressed") for name in ("region", "line")]  # noqa: E731
        page.click(".region-button")
        until(page, lambda: loop.control.settings("camera").region is not None)
        region = loop.control.settings("camera").region
        page.click(".line-button")
        assert pressed() == ["false", "true"]
        assert page.evaluate("document.activeElement.className").startswith("line-button")
        area = page.locator(".stage canvas").bounding_box()
        at = lambda x, y: (area["x"] + x * area["width"], area["y"] + y * area["height"])  # noqa: E731
        page.mouse.move(*at(0.05, 0.1))
        page.mouse.down()
        page.mouse.move(*at(0.05, 0.9))
        page.mouse.up()
        until(page, lambda: len(loop.control.settings("camera").places.line) == 1)
        page.wait_for_timeout(300)
        assert loop.control.settings("camera").region == region
        page.click(".line-button")
        page.keyboard.press("r")
        assert pressed() == ["true", "false"]
