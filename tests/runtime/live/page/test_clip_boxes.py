"""The boxes that lie beside a clip, drawn over it as it plays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import staged_scenes as scenes
from page_in_browser import PHONE, opened, until
from recorded_clips import record_bottle

pytestmark = pytest.mark.browser

# pairs of the time of each picture that is shown and the frame whose boxes are over it, until there are four pictures
WATCHED = """(video) => new Promise((done) => { const said = [], times = new Set();
  const look = (_, { mediaTime }) => {
    said.push([mediaTime, Number(document.querySelector("#moment .playing .boxes").dataset.frame)]);
    if (times.add(mediaTime).size < 4) video.requestVideoFrameCallback(look); else done(said); };
  video.requestVideoFrameCallback(look); })"""
# how far the first box is from the bright paper in the picture, in fractions of its width: left, right
OFF = """(video) => { const canvas = document.createElement("canvas"), paint = canvas.getContext("2d");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight; paint.drawImage(video, 0, 0);
  const row = paint.getImageData(0, canvas.height / 2, canvas.width, 1).data, bright = [];
  for (let x = 0; x < canvas.width; x += 1) if (row[4 * x] > 200) bright.push(x / canvas.width);
  const scale = Math.min(video.clientWidth / video.videoWidth, video.clientHeight / video.videoHeight);
  const wide = video.videoWidth * scale, around = video.getBoundingClientRect();
  const left = around.left + (around.width - wide) / 2;
  const box = document.querySelector("#moment .playing .box").getBoundingClientRect();
  return [(box.left - left) / wide - bright[0], (box.right - left) / wide - bright.at(-1)]; }"""


def recorded(loop: Any, folder: Path, **options: Any) -> list[dict[str, Any]]:
    """A clip of some two seconds in which something happened, and its lines."""
    record_bottle(loop, folder, "door", frames=60, at=25, before_s=1, after_s=1, **options)
    files = [*folder.glob("clips/*.jsonl")]
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def open_clip(page: Any) -> None:
    page.fill("#find-label", "bottle")
    until(page, lambda: page.locator("#timeline li").count() == 1)
    page.click("#timeline li button")
    page.wait_for_selector("#moment .play:visible")
    page.click("#moment .play")
    until(page, lambda: page.eval_on_selector("#moment video", "v => v.currentTime > .2 && v.videoWidth === 640"))


def shown_boxes(page: Any) -> int:
    return int(page.locator("#moment .playing .box:visible").count())


def seek(page: Any, at_s: float) -> None:
    page.eval_on_selector(
        "#moment video",
        "(v, at) => new Promise((done) => { v.pause(); v.requestVideoFrameCallback(done); v.currentTime = at; })",
        at_s,
    )


@pytest.mark.parametrize("settings", [{"color_scheme": "dark"}, {"color_scheme": "light", "viewport": PHONE}])
def test_boxes_go_with_the_pictures_of_a_clip(
    staged: Any, chromium: Any, tmp_path: Path, artefacts: Path, settings: Any
) -> None:
    loop = staged("door", fps=1, scene=scenes.things, recorded=tmp_path)
    lines = recorded(loop, tmp_path)
    with opened(chromium, loop.preview.link, **settings) as page:
        open_clip(page)
        until(page, lambda: shown_boxes(page) == 2)
        page.eval_on_selector("#moment video", "v => { v.loop = true; return v.play(); }")
        watched = page.eval_on_selector("#moment video", WATCHED)
        assert len({frame for _, frame in watched}) == 4
        for at_s, frame in watched:
            assert frame == [line["frame"] for line in lines if line["position_s"] <= at_s + 0.001][-1], at_s
        for at_s in (0.35, 1.75):
            seek(page, at_s)
            assert page.eval_on_selector("#moment video", OFF) == pytest.approx([0, 0], abs=0.012)
        assert page.text_content("#moment .playing .box span") == "person 91 %"
        page.screenshot(path=str(artefacts / f"clip-boxes-{settings['color_scheme']}.png"))


def test_boxes_of_a_clip_are_hidden_and_shown(staged: Any, chromium: Any, tmp_path: Path) -> None:
    loop = staged("door", fps=1, scene=scenes.shapes, recorded=tmp_path)
    recorded(loop, tmp_path)
    with opened(chromium, loop.preview.link) as page:
        page.fill("#find-label", "bottle")
        open_clip(page)
        until(page, lambda: shown_boxes(page) == 3)
        painted = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)"
        assert page.eval_on_selector("#moment .playing canvas", painted), "limbs, a mask, a box that lies askew"
        page.click("#moment .with-boxes")
        assert page.get_attribute("#moment .with-boxes", "aria-pressed") == "false"
        assert (shown_boxes(page), page.locator("#moment .playing canvas").is_visible()) == (0, False)
        page.click("#moment .play")
        assert not page.locator("#moment .with-boxes").is_visible(), "over a picture there is nothing to hide"
        page.click("#moment .play")
        page.wait_for_selector("#moment .with-boxes:visible")
        assert shown_boxes(page) == 0, "hidden until they are wanted again"
        page.click("#moment .with-boxes")
        until(page, lambda: shown_boxes(page) == 3)
        page.click("#moment .full")
        until(page, lambda: page.evaluate("document.fullscreenElement?.className") == "playing")
        assert shown_boxes(page) == 3
        page.keyboard.press("Escape")


@pytest.mark.parametrize(("carried", "switch"), [("both", True), ("burnt", False), ("none", False)])
def test_what_is_drawn_into_a_clip_is_not_drawn_twice(
    staged: Any, chromium: Any, tmp_path: Path, carried: str, switch: bool
) -> None:
    loop = staged("door", fps=1, scene=scenes.things, recorded=tmp_path)
    recorded(loop, tmp_path, boxes_as=carried)
    with opened(chromium, loop.preview.link) as page:
        open_clip(page)
        if switch:
            page.wait_for_selector("#moment .with-boxes:visible")
        assert page.locator("#moment .with-boxes").is_visible() == switch
        assert shown_boxes(page) == 0
