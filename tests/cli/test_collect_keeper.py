"""A photo of a sitting waits where the disk is full: it is said once, and kept as soon as there is room."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest
from small_disk import SmallDisk, in_own_mounts

from edgelens.cli.collect_keeper import Keeper
from edgelens.runtime.errors import WorkError
from edgelens.runtime.frame import Frame
from edgelens.runtime.live.shared.collect import Collector, FullDiskError

FRAME = Frame(np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8))


def test_as_anybody() -> None:
    in_own_mounts(__file__)


def test_a_photo_waits_for_room(small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]) -> None:
    keeper = Keeper(Collector(small_disk.folder / "photos", keep_free_bytes=0), None, lambda: False)
    keeper.keep(FRAME, "cup", 3)
    small_disk.fill()
    waiting = threading.Thread(target=keeper.keep, args=(FRAME, "cup", 3))
    waiting.start()
    time.sleep(0.5)
    assert waiting.is_alive() and keeper.taken("cup") == 1
    small_disk.empty()
    waiting.join(10)
    assert (keeper.taken("cup"), keeper.total("cup")) == (2, 2)
    for photo in (small_disk.folder / "photos" / "cup").glob("*"):
        assert cv2.imread(str(photo)).shape == FRAME.image.shape  # whole, and nothing else lies there
    said = capsys.readouterr().err
    assert said.count("this photo waits for room") == said.count("there is room again") == 1


def test_who_ends_it_does_not_wait(small_disk: SmallDisk) -> None:
    over = threading.Event()
    keeper = Keeper(Collector(small_disk.folder / "photos", keep_free_bytes=1 << 40), None, over.is_set)
    threading.Timer(0.3, over.set).start()
    with pytest.raises(FullDiskError, match="nothing was saved"):
        keeper.keep(FRAME, "cup", 1)
    assert keeper.taken("cup") == 0


def test_what_no_room_mends_is_no_reason_to_wait(small_disk: SmallDisk) -> None:
    (small_disk.folder / "photos").write_text("a file where the folder should be")
    keeper = Keeper(Collector(small_disk.folder / "photos", keep_free_bytes=0), None, lambda: False)
    with pytest.raises(WorkError, match="nothing was saved"):
        keeper.keep(FRAME, "cup", 1)
