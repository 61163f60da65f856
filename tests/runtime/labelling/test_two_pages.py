"""Two pages, a page of an earlier start, and keys that are held or capital: nothing is labelled by mistake."""

from __future__ import annotations

import pytest
from label_page import served, shown
from page_in_browser import until

from edgelens.runtime.errors import UsageError, WorkError

BOX = {"label": "dot", "box": [40, 50, 40, 60]}


def data(page, name):
    return page.evaluate(f"document.body.dataset.{name}")


def test_what_another_page_said_meanwhile_is_not_undone(photos, desk_of):
    with desk_of(photos, classes=["dot"]) as desk:
        known = desk.picture(0)["version"]
        first = desk.keep(0, {"boxes": [BOX], "done": True, "since": known})
        with pytest.raises(UsageError, match=r"photo0\.png: another page labelled it meanwhile"):
            desk.keep(0, {"boxes": [], "done": True, "since": known})
        assert desk.counts() == (1, 1)
        desk.keep(0, {"boxes": [BOX], "done": True, "since": known})  # the same from both is no quarrel
        desk.keep(0, {"boxes": [], "done": True, "since": first["version"]})
        assert desk.counts() == (1, 0)


def test_a_page_of_an_earlier_start_labels_nothing(photos, desk_of):
    with desk_of(photos, classes=["dot"]) as desk:
        session = desk.state()["session"]
    (photos / "photo0.png").unlink()  # its numbers mean other pictures now
    with desk_of(photos) as desk:
        with pytest.raises(UsageError, match="started anew since this page was opened: reload it"):
            desk.keep(0, {"boxes": [BOX], "done": True, "session": session, "since": 0})
        assert desk.counts() == (0, 0)


def test_a_class_that_no_folder_can_be_called_by_is_refused_before_it_is_used(photos, desk_of):
    with desk_of(photos, format_name="folders", classes=["red"]) as desk:
        with pytest.raises(UsageError, match=r"class '<b>': a label is 1 to 64 letters"):
            desk.know("<b>")
        assert desk.state()["classes"] == ["red"]
    with (
        pytest.raises(UsageError, match=r"class 'a/b': a label is 1 to 64 letters"),
        desk_of(photos, format_name="folders", classes=["a/b"]),
    ):
        pass


@pytest.mark.browser
def test_the_second_of_two_pages_says_so_and_counts_nothing_that_was_refused(photos, desk_of, chromium):
    with (
        desk_of(photos, classes=["dot"]) as desk,
        served(desk) as link,
        shown(chromium, link) as one,
        shown(chromium, link, forgiven="400") as other,
    ):
        for page, keys in ((one, ["n", "Enter"]), (other, ["Enter"])):
            for key in keys:
                page.keyboard.press(key)
            until(page, lambda: desk.counts() == (1, 1))
        until(other, lambda: "another page labelled it" in other.inner_text("#message"))
        until(other, lambda: data(other, "done") == "0")
        assert desk.counts() == (1, 1)
        for key in ("Backspace", "n", "Enter"):  # there it is as the first left it, and can be changed
            until(other, lambda key=key: data(other, "at") == ("1" if key == "Backspace" else "0"))
            other.keyboard.press(key)
        until(other, lambda: desk.counts() == (1, 2))


@pytest.mark.browser
def test_a_key_that_is_held_is_pressed_once(photos, desk_of, chromium):
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link, shown(chromium, link) as page:
        for key in ("n", "Enter"):
            for _ in range(12):
                page.keyboard.down(key)
                page.wait_for_timeout(25)
            page.keyboard.up(key)
        until(page, lambda: desk.counts() == (1, 1))
        assert data(page, "at") == "1"


@pytest.mark.browser
def test_keys_mean_the_same_with_caps_lock(photos, desk_of, chromium):
    with desk_of(photos, classes=["dot"]) as desk, served(desk) as link, shown(chromium, link) as page:
        page.keyboard.press("N")
        assert data(page, "boxes") == "1"
        page.keyboard.press("Control+Shift+Z")  # is asked to do again what was undone, which there is not
        assert data(page, "boxes") == "1"
        page.keyboard.press("Control+Z")
        assert data(page, "boxes") == "0"


def test_what_the_disk_had_no_room_for_is_said_again_by_the_same_page(photos, desk_of, monkeypatch):
    with desk_of(photos, classes=["dot"]) as desk:
        known = desk.picture(0)["version"]
        with monkeypatch.context() as full:
            full.setattr(desk._data, "put", lambda *_: (_ for _ in ()).throw(WorkError("no room")))
            with pytest.raises(WorkError):
                desk.keep(0, {"boxes": [BOX], "done": True, "since": known})
        desk.keep(0, {"boxes": [BOX, BOX], "done": True, "since": known})
        assert desk.counts() == (1, 2)
