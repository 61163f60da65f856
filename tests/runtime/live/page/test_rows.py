"""Every kind of row in a real browser: the page asks each what is known of it, not which task there is."""

from __future__ import annotations

import base64
import itertools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import staged_scenes as scenes
from page_in_browser import DESKTOP, PHONE, opened, until

pytestmark = pytest.mark.browser

SHOWN = """() => { const s = document.querySelector('.stage'), t = (q) => [...s.querySelectorAll(q)]
  .filter((n) => n.checkVisibility({visibilityProperty: true})).map((n) => n.textContent);
  return { frame: Number(s.dataset.frame), label: t('.label')[0], beside: t('.score')[0], names: t('.bars .name'),
  said: t('.bars .value'), tracks: t('.bars .track').length, boxes: t('.box'),
  unknown: s.querySelector('.verdict').classList.contains('unknown') }; }"""


@pytest.fixture
def shown(staged: Any, chromium: Any) -> Any:
    """What a page says of a scene."""

    def looked(scene: scenes.Scene) -> dict[str, Any]:
        loop = staged(scene=lambda _, x, y: scene(0, x, y))
        with opened(chromium, loop.preview.link) as page:
            found: dict[str, Any] = page.evaluate(SHOWN)
            return found

    return looked


def test_rivals_are_bars_under_the_best(shown: Any) -> None:
    found = shown(scenes.digits)
    assert (found["label"], found["beside"]) == ("0", "86 %")
    assert found["names"][:2] == ["0", "3"]
    assert found["said"][:2] == ["86 %", "6.0 %"]
    assert (len(found["names"]), found["tracks"], found["boxes"]) == (5, 5, [])


def test_unknown_shows_what_it_could_be(shown: Any) -> None:
    found = shown(scenes.unknown)
    assert (found["label"], found["beside"], found["unknown"]) == ("unknown", "43 %", True)
    assert (found["names"][:2], found["said"][:2]) == (["0", "3"], ["43 %", "3.0 %"])


def test_a_value_is_read_from_afar(shown: Any) -> None:
    found = shown(scenes.measures)
    assert (found["label"], found["beside"], found["unknown"]) == ("0.2", "dots", False)
    assert found["names"] == found["boxes"] == []


def test_what_was_found_inside_stands_in_its_parents_caption(shown: Any) -> None:
    found = shown(scenes.pipeline)
    assert (found["label"], found["beside"]) == ("bottle, person (cup)", "")
    assert found["boxes"] == ["person (cup) 91 %", "bottle 66 %"]
    assert found["names"] == ["bottle", "person (cup)"]


def test_a_detector_says_what_is_there(shown: Any) -> None:
    found = shown(scenes.crowd)
    assert (found["label"], found["beside"]) == ("bottle, 3 × person", "")
    assert (found["names"], found["said"]) == (["bottle", "person"], ["66 %", "91 %"])
    found = shown(scenes.nothing)
    assert (found["label"], found["unknown"], found["names"]) == ("nothing", True, [])


def test_names_and_texts_are_said_in_place_of_the_label(shown: Any) -> None:
    found = shown(scenes.named)
    assert (found["label"], found["boxes"]) == ("Anna, B-XY 12", ["Anna 97 %", "B-XY 12 88 %"])


def test_a_text_that_is_doubtful_has_a_question_mark(shown: Any) -> None:
    found = shown(scenes.doubtful)
    assert (found["label"], found["beside"], found["unknown"]) == ("AB12?", "21 %", True)


def test_masks_limbs_and_boxes_askew_are_drawn_into_the_picture(staged: Any, chromium: Any) -> None:
    loop = staged(scene=scenes.shapes)
    with opened(chromium, loop.preview.link) as page:
        _, picture = canvas(page)
        assert page.locator(".box.bare").count() == 1
        assert page.locator(".box").count() == 3
    assert vivid(picture, 190, 60) < 30, "the empty half of the leaf's mask"
    assert vivid(picture, 40, 60) > 40, "its full half"
    assert vivid(picture, 150, 335) > 60, "the ship's upper side"
    assert vivid(picture, 425, 300) > 60, "from shoulder to shoulder"


def vivid(picture: Any, x: int, y: int) -> int:
    """How far from gray the most colourful pixel is around a place."""
    return int(np.ptp(picture[y - 2 : y + 3, x - 2 : x + 3].astype(int), axis=2).max())


def canvas(page: Any) -> tuple[int, Any]:
    """The number of the frame that is shown, and the picture with all that is drawn into it."""
    frame, drawn = page.evaluate(
        "() => { const s = document.querySelector('.stage'); "
        "return [Number(s.dataset.frame), s.querySelector('canvas').toDataURL('image/png')]; }"
    )
    data = np.frombuffer(base64.b64decode(drawn.partition(",")[2]), np.uint8)
    return frame, np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def test_keypoints_are_dots_where_they_were_seen(staged: Any, chromium: Any) -> None:
    loop = staged(scene=scenes.bodies)
    with opened(chromium, loop.preview.link) as page:
        frame, picture = canvas(page)
    x, y, _ = loop.written["camera", frame]["results"][0]["keypoints"][0]
    assert np.ptp(picture[int(y), int(x)].astype(int)) > 100, "a vivid dot on white paper"
    assert np.ptp(picture[0, 0].astype(int)) < 30, "what has no score is nowhere"


@pytest.mark.parametrize("name", ["crowd", "nothing", "measures", "pipeline", "named"])
def test_everything_fits(staged: Any, chromium: Any, artefacts: Path, name: str) -> None:
    """Nothing is wider than the page; the pictures are for people to look at."""
    loop = staged(scene=getattr(scenes, name), fps=10)
    with opened(chromium, loop.preview.link) as page:
        for place, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)
            page.wait_for_timeout(200)
            page.screenshot(path=artefacts / f"rows-{name}-{place}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("sources", [1, 2, 3])
def test_words_stay_in_one_piece(staged: Any, chromium: Any, artefacts: Path, sources: int) -> None:
    """Three sources beside one another leave little room for a long label."""
    loop = staged(*("door", "hall", "yard")[:sources], scene=scenes.long_words, fps=10)
    with opened(chromium, loop.preview.link) as page:
        until(page, lambda: page.locator(".stage[data-frame]").count() == sources)
        for place in (DESKTOP, PHONE):
            page.set_viewport_size(place)
            page.screenshot(path=artefacts / f"rows-long-words-{sources}-{place['width']}.png", full_page=True)
            cut = page.eval_on_selector_all(
                ".verdict .label, .bars .name", "all => all.map((n) => n.scrollWidth - n.clientWidth)"
            )
            assert max(cut) <= 1, "nothing is cut off either"
            for part in (".label", ".score"):
                heights = page.eval_on_selector_all(
                    f".verdict {part}",
                    "all => all.map((n) => n.offsetHeight / parseFloat(getComputedStyle(n).lineHeight))",
                )
                assert max(heights) < 1.5, (part, heights)


def rectangles_of(parts: Any) -> list[dict[str, float]]:
    """Where elements are, all at one moment."""
    found: list[dict[str, float]] = parts.evaluate_all("all => all.map((n) => n.getBoundingClientRect().toJSON())")
    return found


def crowded(rectangles: list[dict[str, float]]) -> bool:
    """Whether one covers more of another than its text's margin."""

    def shared(one: dict[str, float], other: dict[str, float]) -> float:
        across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
        down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
        return max(across, 0) * max(down, 0)

    pairs = itertools.combinations(rectangles, 2)
    return any(shared(one, other) >= 0.05 * one["width"] * one["height"] for one, other in pairs)


def test_captions_of_a_full_shelf_can_all_be_read(staged: Any, chromium: Any) -> None:
    loop = staged(scene=lambda _, x, y: scenes.shelf(0, x, y))
    with opened(chromium, loop.preview.link) as page:
        spans = page.locator(".stage .box span")
        until(page, lambda: spans.count() == 9)
        until(page, lambda: not crowded(rectangles_of(spans)))  # the picture may come after them, and gives them room
        rectangles = rectangles_of(spans)
        stage = page.locator(".stage .boxes").bounding_box()
    assert len(rectangles) == 9
    for each in rectangles:
        assert each["x"] >= stage["x"] - 1 and each["x"] + each["width"] <= stage["x"] + stage["width"] + 1
