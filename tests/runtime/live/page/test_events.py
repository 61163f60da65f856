"""The events on the page: searched on the device, and each with its camera, its box and its clip."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest
import staged_scenes as scenes
from page_in_browser import opened, until
from recorded_clips import record_bottle

pytestmark = pytest.mark.browser


def shown(page: Any) -> list[str]:
    said: list[str] = page.eval_on_selector_all(
        "#timeline li", "all => all.map((e) => `${e.querySelector('.where').textContent}: ${e.dataset.label}`)"
    )
    return said


def test_events_are_searched_from_the_page(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall", fps=2)
    for i in range(140):
        result = loop.result("door" if i % 2 else "hall")
        label = f"plate {i}" if i < 2 else "cup"
        frame = dataclasses.replace(result.frame, time=time.time() - 7000 + i)
        loop.preview.shared.timeline.add(dataclasses.replace(result, frame=frame, announced=label))
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: len(shown(page)) >= 60)
        page.fill("#find-label", "PLATE")
        until(page, lambda: shown(page) == ["door: plate 1", "hall: plate 0"])
        page.select_option("#find-source", "hall")
        until(page, lambda: shown(page) == ["hall: plate 0"])
        page.select_option("#find-time", "3600")
        until(page, lambda: shown(page) == [])
        assert page.text_content("#timeline-empty") == "Nothing of that kind is remembered."
        page.click("#find-clear")
        until(page, lambda: len(shown(page)) >= 60)
        assert not page.locator("#find-clear").is_visible()
        page.click("#timeline-more")
        until(page, lambda: len(shown(page)) >= 120)


def test_a_clip_plays(staged: Any, chromium: Any, tmp_path: Path) -> None:
    loop = staged("door", "hall", fps=4, scene=scenes.things, recorded=tmp_path)
    record_bottle(loop, tmp_path, "hall", frames=40, at=15, before_s=0.5, after_s=0.5)
    with opened(chromium, loop.preview.link) as page:
        page.fill("#find-label", "bottle")
        until(page, lambda: shown(page) == ["hall: bottle"])
        assert page.locator("#timeline li .thumb i").count() == 1
        page.click("#timeline li button")
        until(page, lambda: page.locator("#moment .box").count() == 2)
        page.click("#moment .play")
        until(page, lambda: page.eval_on_selector("#moment video", "v => v.currentTime > .2 && v.videoWidth === 640"))
        page.click("#moment .play")
        assert page.locator("#moment .whole > img").is_visible()
        page.click("#moment .play")
        page.keyboard.press("Escape")
        until(page, lambda: page.eval_on_selector("#moment video", "v => v.paused"))  # a dialog tells of its end later


def test_without_a_recording_it_is_said_how_to_get_clips(staged: Any, chromium: Any) -> None:
    loop = staged()
    with opened(chromium, loop.preview.link) as page:
        page.wait_for_selector("#timeline li button")
        assert page.locator("#timeline .thumb b").count() == 0
        page.click("#timeline li button")
        until(page, lambda: "--record DIR" in (page.text_content("#moment .clip-note") or ""))
        assert not page.locator("#moment .play").is_visible()


def test_what_happens_while_a_search_is_under_way_is_not_lost(staged: Any, chromium: Any) -> None:
    loop = staged(fps=1)
    held: list[Any] = []
    with opened(chromium, loop.preview.link) as page:
        page.route("**/v1/events*", lambda route: held.append(route))  # noqa: PLW0108 (it is asked for its name)
        page.fill("#find-label", "cup")
        until(page, lambda: len(held) == 1)
        loop.preview.write(dataclasses.replace(loop.result("camera"), announced="a cup"))
        until(page, lambda: shown(page) == ["camera: a cup"])
        held[0].fulfill(json={"events": [], "more": False})  # as it was before
        page.wait_for_timeout(300)
        assert shown(page) == ["camera: a cup"]
