"""Several sources on one page: each has its own model and its own numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest
import staged_scenes as scenes
from page_in_browser import opened, until

from edgelens.runtime.recognitions import Recognitions

pytestmark = pytest.mark.browser


def test_the_model_of_the_chosen_source_alone_is_exchanged(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall", "yard")
    loop.control.models = ("digits", "flowers")
    with opened(chromium, loop.preview.link) as page:
        page.select_option("#source", "hall")
        page.select_option("#model", "flowers")
        page.wait_for_timeout(700)  # the device says twice a second what runs
        assert page.input_value("#model") == "flowers", "what was chosen stays until it is used"
        page.click("#model-use")
        until(page, lambda: loop.models == {"door": "digits", "hall": "flowers", "yard": "digits"})
        until(page, lambda: page.text_content("#model-note") == "flowers runs on hall")
        how = "onnxruntime int8"
        assert page.text_content("#model-line") == (
            f"door: digits · {how}, hall: flowers · {how}, yard: digits · {how}"
        )
        assert (page.input_value("#source"), page.input_value("#model")) == ("hall", "flowers")
        assert page.text_content('.stage[data-source="hall"] > .inside > .name small') == "19.8 fps · flowers"

        page.select_option("#source", "door")
        assert page.input_value("#model") == "digits"
        page.select_option("#source", "")
        assert (page.text_content("#knobs-title"), page.input_value("#model")) == ("Controls · all sources", "")
        page.click("#model-use")
        assert page.text_content("#model-note") == "choose a model first"

        page.select_option("#source", "hall")
        page.select_option("#model", "digits")
        page.click("#model-use")
        until(page, lambda: loop.models["hall"] == "digits")


def test_numbers_are_each_source_s_own(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall")
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.locator("#stage-times .of").count() == 2)
        said = page.eval_on_selector_all(
            "#stage-times .of", "all => all.map((p) => [...p.children].map((c) => c.textContent))"
        )
        assert [(name, numbers) for name, _, numbers in said] == [
            ("door", "29.8 fps · 6 ms"),
            ("hall", "19.8 fps · 7 ms"),
        ]
        assert page.locator("#stage-times p:not(.of)").count() == 8
        assert page.locator('#numbers [data-name="fps"]').count() == 0, "no rate is both sources'"
        page.select_option("#source", "hall")
        until(page, lambda: page.text_content('#numbers [data-name="fps"] dd') == "19.8")
        assert page.locator("#stage-times p").count() == 4
        page.wait_for_timeout(600)
        assert page.input_value("#source") == "hall"


def test_files_are_called_by_their_own_names_unless_two_have_the_same(staged: Any, chromium: Any) -> None:
    loop = staged("/data/monday/door.mp4", "/data/tuesday/door.mp4", "/data/hall.mp4", "rtsp://10.0.0.7/hall", fps=10)
    shown = ["/data/monday/door.mp4", "/data/tuesday/door.mp4", "hall.mp4", "rtsp://10.0.0.7/hall"]
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.locator("#stage-times .of").count() == 4)
        assert page.eval_on_selector_all("#source option", "all => all.slice(1).map((o) => o.text)") == shown
        assert page.eval_on_selector_all(".inside > .name strong", "all => all.map((n) => n.textContent)") == shown
        page.select_option("#source", "/data/hall.mp4")
        assert page.text_content("#knobs-title") == "Controls · hall.mp4"


def test_one_source_that_is_away_is_said(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall")
    status = loop.control.status()
    away = replace(status.sources[1], connected=False, state="away", problem="unplugged", age_ms=12_300)
    with opened(chromium, loop.preview.link) as page:
        loop.control.attach(lambda: replace(status, sources=(status.sources[0], away)), lambda model, source: None)
        until(page, lambda: page.text_content("#link") == "1 of 2 sources lost")
        assert page.text_content('.stage[data-source="hall"] .veil') == "unplugged"
        assert page.text_content("#stage-times .of:nth-of-type(6) .value") == "19.8 fps · 12 s"


@pytest.mark.parametrize("count", [2, 3, 5])
def test_rows_of_cards_are_full(staged: Any, chromium: Any, count: int) -> None:
    loop = staged(*("door", "hall", "yard", "roof", "shop")[:count], fps=8)
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.locator(".stage[data-frame]").count() == count)
        for width in (390, 700, 1000, 1366, 1920):
            page.set_viewport_size({"width": width, "height": 820})
            free = page.evaluate(
                """() => { const all = [...document.querySelectorAll('.stage')].map((s) => s.getBoundingClientRect());
                const around = document.querySelector('.stages').getBoundingClientRect(), rows = new Map();
                for (const r of all) rows.set(Math.round(r.top), Math.max(rows.get(Math.round(r.top)) || 0, r.right));
                return [...rows.values()].map((right) => around.right - right); }"""
            )
            assert max(free) < 2, f"a hole beside the last card of a row, {width} wide"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_detector_beside_a_classifier_has_no_empty_room_either(staged: Any, chromium: Any) -> None:
    loop = staged("door", "hall")
    loop.scenes["door"] = scenes.nothing
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.text_content('[data-source="hall"] .label') not in ("–", ""))
        room = page.evaluate(
            """() => { const at = (q) => document.querySelector(`[data-source="door"] ${q}`).getBoundingClientRect();
            return at('.tools').top - at('.bars').bottom; }"""
        )
        assert room < 30


def test_a_long_label_that_comes_and_goes_moves_nothing(staged: Any, chromium: Any) -> None:
    def one(digit: int, x: int, y: int) -> Recognitions:
        return dataclasses.replace(scenes.long_words(digit, x, y), labels=("a", "nothing"))

    loop = staged("door", "hall", "yard", scene=one)
    with opened(chromium, loop.preview.link) as page:
        label = lambda: page.text_content(".stage .label")  # noqa: E731
        heights = []
        for scene, words in ((one, "a"), (scenes.long_words, "sunflowers"), (one, "a")):
            loop.scenes.update(dict.fromkeys(loop.scenes, scene))
            until(page, lambda words=words: label() == words)
            page.wait_for_timeout(100)
            heights.append(page.eval_on_selector(".stages", "s => s.offsetHeight"))
        assert heights[1] == heights[2] > 0


def test_a_detector_s_card_has_no_empty_room_and_keeps_its_height(staged: Any, chromium: Any) -> None:
    loop = staged(scene=scenes.nothing)
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.text_content(".label") == "nothing")
        height = page.eval_on_selector(".stage", "s => s.offsetHeight")
        room = page.evaluate(
            """() => { const at = (q) => document.querySelector(q).getBoundingClientRect();
            return at('.tools').top - at('.verdict').bottom; }"""
        )
        assert room < 60
        loop.scenes["camera"] = scenes.crowd
        until(page, lambda: page.text_content(".label") == "bottle, 3 × person")
        assert page.eval_on_selector(".stage", "s => s.offsetHeight") == height
