import threading
import time

from scripted import picture

from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.doorbell import Doorbell
from edgelens.runtime.loop.slot import DEPTH, FrameSlot, Waiting


def waiting(index: int) -> Waiting:
    return Waiting(Frame(picture(index % 256), index), 0.0)


def take_all(slot: FrameSlot) -> list[int]:
    taken = []
    while (got := slot.take()) is not None:
        taken.append(got.frame.index)
    return taken


def test_a_live_slot_keeps_the_newest_and_counts_what_was_skipped():
    slot = FrameSlot(Doorbell(), live=True)
    for index in range(5):
        assert slot.put(waiting(index))
    assert take_all(slot) == [4]
    assert (slot.captured, slot.skipped) == (5, 4)


def test_what_a_dead_connection_left_is_not_taken():
    slot = FrameSlot(Doorbell(), live=True)
    slot.put(waiting(0))
    slot.discard()
    assert take_all(slot) == []
    assert slot.skipped == 1


def test_a_files_slot_waits_for_room_and_loses_nothing():
    bell = Doorbell()
    slot = FrameSlot(bell, live=False)
    thread = threading.Thread(target=lambda: [slot.put(waiting(index)) for index in range(20)])
    thread.start()
    time.sleep(0.05)
    assert len(slot) == DEPTH
    seen: list[int] = []
    while len(seen) < 20:
        with bell.lock:
            seen += take_all(slot)
        time.sleep(0.001)
    thread.join()
    assert seen == list(range(20))


def test_closing_frees_a_put_that_waits():
    slot = FrameSlot(Doorbell(), live=False)
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.extend(slot.put(waiting(i)) for i in range(DEPTH + 1)))
    thread.start()
    time.sleep(0.05)
    slot.close()
    thread.join(1)
    assert results == [True] * DEPTH + [False]


def test_large_frames_are_decoded_ahead_less_far():
    slot = FrameSlot(Doorbell(), live=False)
    huge = Waiting(Frame(picture(0, 2400, 2400)), 0.0)  # 17 MB
    slot.put(huge)
    thread = threading.Thread(target=slot.put, args=(huge,))
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    slot.close()
    thread.join(1)
