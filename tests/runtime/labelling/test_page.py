"""Labelling in a real browser: with keys alone, with a mouse, on a phone."""

from __future__ import annotations

import numpy as np
import pytest
from label_page import HEIGHT, WIDTH, served, shown
from page_in_browser import PHONE, until

from edgelens.runtime.datasets.catalog import load_boxes, load_images

pytestmark = pytest.mark.browser


def on_screen(page, x, y):
    """Where a place of the picture is on the screen."""
    a, d, e, f = page.evaluate("(({ a, d, e, f }) => [a, d, e, f])(document.querySelector('#picture').getScreenCTM())")
    return a * x + e, d * y + f


def drag(page, start, end):
    page.mouse.move(*on_screen(page, *start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    page.mouse.move(*on_screen(page, *end))
    page.mouse.up()


def data(page, name):
    return page.evaluate(f"document.body.dataset.{name}")


def boxes_of(desk, number):
    said = desk.picture(number)
    return [(row["label"], *map(round, row["box"])) for row in said["boxes"]]


def test_proposed_boxes_need_one_key_a_picture(photos, desk_of, halves_bundle, chromium, tmp_path):
    with desk_of(photos, assist=halves_bundle) as desk, served(desk) as link, shown(chromium, link) as page:
        for number in range(6):
            until(page, lambda number=number: data(page, "at") == str(number))
            assert data(page, "boxes") == "2"
            page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (6, 12))
    found = load_boxes(tmp_path / "out")
    assert (found.format, len(found), found.classes) == ("coco", 6, tuple(halves_bundle.manifest.labels[:2]))
    assert found.boxes[0].boxes == pytest.approx(np.array([[0, 0, 160, 200], [160, 0, 160, 200]]))
    assert found.image(5).shape == (HEIGHT, WIDTH, 3)


def test_a_wrong_proposal_is_put_right_in_two_keys(photos, desk_of, halves_bundle, chromium):
    left, right = halves_bundle.manifest.labels[:2]
    with desk_of(photos, assist=halves_bundle) as desk, served(desk) as link, shown(chromium, link) as page:
        for key in ("Tab", "2"):  # the first box is of the other class
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (1, 2))
        assert [row[0] for row in boxes_of(desk, 0)] == [right, right]
        until(page, lambda: data(page, "at") == "1")
        for key in ("Tab", "Delete"):  # the first box is none
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (2, 3))
        assert [row[0] for row in boxes_of(desk, 1)] == [right]
        until(page, lambda: data(page, "at") == "2")
        for key in ("-", "Control+z", "Enter"):  # none of them, or rather all
            page.keyboard.press(key)
        until(page, lambda: desk.counts() == (3, 5))
        assert left != right


def test_boxes_with_keys_alone(photos, desk_of, chromium):
    with desk_of(photos, classes=["dot", "line"]) as desk, served(desk) as link, shown(chromium, link) as page:
        for key in ("2", "n", "ArrowLeft", "Alt+ArrowUp", "Shift+ArrowRight", "Enter"):
            page.keyboard.press(key)
        until(page, lambda: desk.counts() == (1, 1))
        ((label, x, y, w, h),) = boxes_of(desk, 0)
        assert (label, y, h) == ("line", 74, 50)
        assert 100 < x < 120
        assert 80 < w < 100


def test_a_crowd_is_said_with_a_key_or_a_button_and_taken_back(photos, desk_of, chromium, tmp_path):
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link, shown(chromium, link) as page:
        for key in ("n", "*"):
            page.keyboard.press(key)
        assert page.locator(".box.crowd text").text_content() == "dot (crowd)"
        page.click("#crowd")
        assert page.locator(".box.crowd").count() == 0
        page.keyboard.press("Control+z")
        assert page.locator(".box.crowd").count() == 1
        page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (1, 1))
        until(page, lambda: data(page, "at") == "1")
        assert page.locator("#crowd").is_disabled()  # no box is marked
    assert load_boxes(tmp_path / "out").boxes[0].crowd.tolist() == [True]
    with desk_of(photos, format_name="coco") as desk, served(desk) as link, shown(chromium, link) as page:
        assert page.locator(".box.crowd").count() == 0  # it goes on at the second picture
        page.keyboard.press("Backspace")
        until(page, lambda: page.locator(".box.crowd").count() == 1)


def test_without_a_place_for_crowds_none_are_offered(photos, desk_of, chromium):
    options = {"classes": ["dot"], "format_name": "yolo"}
    with desk_of(photos, **options) as desk, served(desk) as link, shown(chromium, link) as page:
        for key in ("n", "*"):
            page.keyboard.press(key)
        assert page.locator(".box").count() == 1
        assert page.locator(".box.crowd").count() == 0
        assert not page.locator("#crowd").is_visible()


def test_keys_go_on_after_a_click_on_a_class(photos, desk_of, chromium):
    with desk_of(photos, classes=["dot", "line"]) as desk, served(desk) as link, shown(chromium, link) as page:
        page.click("#classes button:nth-child(2)")
        for key in ("n", "Enter"):
            page.keyboard.press(key)
        until(page, lambda: data(page, "at") == "1")
        until(page, lambda: desk.counts() == (1, 1))
        assert boxes_of(desk, 0)[0][0] == "line"


def test_undo_goes_back_to_the_picture_before_as_it_was(photos, desk_of, halves_bundle, chromium):
    with desk_of(photos, assist=halves_bundle) as desk, served(desk) as link, shown(chromium, link) as page:
        for key in ("Tab", "Delete", "Enter"):
            page.keyboard.press(key)
        until(page, lambda: data(page, "at") == "1")
        until(page, lambda: desk.counts() == (1, 1))
        page.click("#undo")
        until(page, lambda: (data(page, "at"), data(page, "boxes")) == ("0", "1"))
        until(page, lambda: desk.counts() == (0, 0))
        page.keyboard.press("Control+z")
        until(page, lambda: data(page, "boxes") == "2")
        assert page.locator(".box.proposed").count() == 2
        assert page.is_disabled("#undo")
        page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (1, 2))


def test_a_wrong_key_for_a_whole_picture_is_taken_back(photos, desk_of, chromium):
    for i in range(2, 6):
        (photos / f"photo{i}.png").unlink()
    settings = {"format_name": "folders", "classes": ["red", "blue"]}
    with desk_of(photos, **settings) as desk, served(desk) as link, shown(chromium, link) as page:
        page.keyboard.press("1")
        until(page, lambda: data(page, "at") == "1")
        page.keyboard.press("1")
        until(page, lambda: desk.counts()[0] == 2)
        page.keyboard.press("Control+z")  # the last one stays before us
        until(page, lambda: (desk.counts()[0], data(page, "label")) == (1, ""))
        page.keyboard.press("Control+z")
        until(page, lambda: (data(page, "at"), data(page, "label"), desk.counts()[0]) == ("0", "", 0))
        for number in ("0", "1"):
            until(page, lambda number=number: data(page, "at") == number)
            page.keyboard.press("2")
        until(page, lambda: desk.counts()[0] == 2)
        assert [desk.picture(number)["label"] for number in (0, 1)] == ["blue", "blue"]


def test_draw_move_resize_and_undo_with_the_mouse(photos, desk_of, chromium):
    with desk_of(photos, classes=["dot", "line"]) as desk, served(desk) as link, shown(chromium, link) as page:
        drag(page, (40, 50), (80, 110))
        page.keyboard.press("Escape")
        drag(page, (60, 80), (90, 90))  # moved
        drag(page, (110, 120), (130, 140))  # by its lower right corner
        page.mouse.click(*on_screen(page, 300, 20))
        drag(page, (200, 20), (240, 60))
        page.keyboard.press("2")
        drag(page, (250, 150), (300, 190))
        page.keyboard.press("Control+z")
        page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (1, 2))
        first, second = boxes_of(desk, 0)
        assert (first[0], second[0]) == ("dot", "line")
        assert first[1:] == pytest.approx((70, 60, 60, 80), abs=2)
        assert second[1:] == pytest.approx((200, 20, 40, 40), abs=2)


def test_the_last_picture_stays_done_when_who_labels_goes_back_or_away(photos, desk_of, chromium, tmp_path):
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link, shown(chromium, link) as page:
        for number in range(6):
            until(page, lambda number=number: data(page, "at") == str(number))
            page.keyboard.press("n")
            page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (6, 6))
        page.keyboard.press("Backspace")
        until(page, lambda: data(page, "at") == "4")
        assert desk.counts() == (6, 6)
    assert (tmp_path / "out/images/photo5.png").is_file()


def test_a_browser_shows_no_pictures_of_an_earlier_start(photos, desk_of, chromium):
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link, shown(chromium, link) as page:
        first = page.get_attribute("#picture image", "href")
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link, shown(chromium, link) as page:
        second = page.get_attribute("#picture image", "href")
    assert first.partition("?")[0].endswith("/label/0/image") and first.partition("?")[2] != second.partition("?")[2]


def test_it_goes_on_where_it_stopped(photos, desk_of, chromium):
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link, shown(chromium, link) as page:
        drag(page, (40, 50), (80, 110))
        page.keyboard.press("Enter")
        until(page, lambda: data(page, "at") == "1")
        page.keyboard.press("Enter")  # a negative
        until(page, lambda: desk.counts() == (2, 1))
    with desk_of(photos) as desk, served(desk) as link, shown(chromium, link) as page:
        assert data(page, "at") == "2"
        assert page.locator("#classes button").all_inner_texts() == ["1dot"]
        page.keyboard.press("Backspace")
        until(page, lambda: data(page, "at") == "1")
        page.keyboard.press("Backspace")
        until(page, lambda: data(page, "at") == "0")
        assert data(page, "boxes") == "1"
        page.keyboard.press("Tab")
        page.keyboard.press("Delete")
        page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (2, 0))


def test_a_class_is_added_on_the_page(photos, desk_of, chromium):
    with desk_of(photos) as desk, served(desk) as link, shown(chromium, link) as page:
        page.keyboard.press("n")
        assert "add a class first" in page.inner_text("#message")
        page.fill("#name", "crumb")
        page.keyboard.press("Enter")
        until(page, lambda: page.locator("#classes button").count() == 1)
        page.keyboard.press("n")
        page.keyboard.press("Enter")
        until(page, lambda: desk.counts() == (1, 1))
        assert boxes_of(desk, 0)[0][0] == "crumb"


def test_whole_pictures_take_one_key_each(photos, desk_of, chromium, tmp_path):
    """In folders, as `run --keep-uncertain` leaves them: what they are called is a guess that Enter takes."""
    for i, guess in enumerate(("red", "red", "blue")):
        (photos / guess).mkdir(exist_ok=True)
        (photos / f"photo{i}.png").rename(photos / guess / f"photo{i}.png")
    with desk_of(photos, format_name="folders") as desk, served(desk) as link, shown(chromium, link) as page:
        assert desk.journal.classes == ["blue", "red"]
        wanted = {}
        for number, picture in enumerate(desk.pictures):
            until(page, lambda number=number: data(page, "at") == str(number))
            guess = picture.guess
            assert data(page, "label") == guess
            page.keyboard.press("Enter" if guess else "2")
            wanted[picture.name] = guess or "red"
        until(page, lambda: desk.counts()[0] == 6)
    images = load_images(tmp_path / "out")
    assert images.classes == ("blue", "red")
    named = zip(images.names, images.labels, strict=True)
    found = {name.rpartition("/")[2]: images.classes[label] for name, label in named}
    assert found == wanted


def test_a_picture_that_cannot_be_read_is_said_and_passed_over(photos, desk_of, chromium):
    (photos / "photo0.png").write_bytes((photos / "photo0.png").read_bytes()[:60])
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(link)
        page.wait_for_selector("body[data-at]")
        until(page, lambda: "truncated" in page.inner_text("#message"))
        page.keyboard.press("Enter")
        until(page, lambda: data(page, "at") == "1")
        page.keyboard.press("Enter")
        until(page, lambda: data(page, "at") == "2")
        context.close()


def test_on_a_phone_with_a_finger(photos, desk_of, chromium):
    touch = {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
    with (
        desk_of(photos, classes=["dot", "line"]) as desk,
        served(desk) as link,
        shown(chromium, link, **touch) as page,
    ):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight + 1")
        assert page.evaluate("document.querySelector('#next').getBoundingClientRect().right < innerWidth")
        swipe(page, (40, 50), (80, 110))
        until(page, lambda: data(page, "boxes") == "1")
        until(page, lambda: page.tap("#classes button:nth-child(2)") or label_shown(page) == "line")
        page.tap("#next")
        until(page, lambda: data(page, "at") == "1")
        until(page, lambda: desk.counts() == (1, 1))
        assert boxes_of(desk, 0)[0][0] == "line"
        assert boxes_of(desk, 0)[0][1:] == pytest.approx((40, 50, 40, 60), abs=3)


def test_two_fingers_and_the_wheel_make_it_larger(photos, desk_of, chromium):
    touch = {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link:
        with shown(chromium, link, **touch) as page:
            pinch(page, (140, 100), (180, 100), by=4)
            until(page, lambda: shown_part(page)[2] == pytest.approx(WIDTH / 4, rel=0.02))  # the last move has come
            assert data(page, "boxes") == "0"
            x, y, w, h = shown_part(page)
            swipe(page, (x + w / 4, y + h / 4), (x + w / 2, y + h / 2))
            until(page, lambda: data(page, "boxes") == "1")
            page.click("#next")  # no tap: one may only end what the browser takes for a fling
            until(page, lambda: desk.counts() == (1, 1))
            assert boxes_of(desk, 0)[0][1:] == pytest.approx((x + w / 4, y + h / 4, w / 4, h / 4), abs=2)
        with shown(chromium, link) as page:
            page.mouse.move(*on_screen(page, 100, 60))
            page.mouse.wheel(0, -400)
            until(page, lambda: shown_part(page)[2] < WIDTH / 2)
            place = page.evaluate("document.querySelector('#picture').getAttribute('viewBox')")
            page.keyboard.press("Enter")
            until(page, lambda: shown_part(page)[2] == WIDTH)
            assert place


def shown_part(page):
    return [float(v) for v in page.locator("#picture").get_attribute("viewBox").split()]


def pinch(page, one, other, by):
    """Two fingers that part."""
    driver = page.context.new_cdp_session(page)
    ends = [on_screen(page, *one), on_screen(page, *other)]
    middle = [(ends[0][i] + ends[1][i]) / 2 for i in (0, 1)]

    def touch(kind, scale):
        points = [
            {"x": middle[0] + (end[0] - middle[0]) * scale, "y": middle[1] + (end[1] - middle[1]) * scale, "id": number}
            for number, end in enumerate(ends)
        ]
        driver.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    touch("touchStart", 1)
    for step in range(1, 9):
        touch("touchMove", 1 + (by - 1) * step / 8)
    touch("touchEnd", by)


def label_shown(page):
    """What the box is called a moment after a tap: the first may only end what the browser takes for a fling."""
    page.wait_for_timeout(200)
    return page.locator(".box text").text_content()


def swipe(page, start, end):
    """A finger over the picture, as the screen's driver reports it."""
    driver = page.context.new_cdp_session(page)

    def touch(kind, place=None):
        points = [] if place is None else [dict(zip("xy", on_screen(page, *place), strict=True))]
        driver.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", start)
    touch("touchMove", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    touch("touchMove", end)
    touch("touchEnd")
    page.wait_for_timeout(400)  # a tap at once after it would only end what the browser takes for a fling
