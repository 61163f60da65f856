import threading
import time

from edgelens.runtime.loop import doorbell
from edgelens.runtime.loop.doorbell import GATHER_S, Doorbell


class Mailbox:
    """Things that one thread brings and another takes, with the times at which they were taken."""

    def __init__(self, bell: Doorbell) -> None:
        self.bell, self.there, self.taken = bell, 0, []
        self.waits = 0
        self._wait = bell.wait
        bell.wait = self._counted

    def _counted(self, timeout):
        self.waits += 1
        self._wait(timeout)

    def bring(self) -> None:
        with self.bell.lock:
            self.there += 1
            self.bell.ring()

    def take(self, count: int) -> None:
        with self.bell.lock:
            for _ in range(count):
                while not self.there:
                    self.bell.wait(5.0)
                self.there -= 1
                self.bell.taken()
                self.taken.append(time.monotonic())


def brought_slowly(mailbox: Mailbox, times: int, every_s: float) -> list[float]:
    taker = threading.Thread(target=mailbox.take, args=(times,))
    taker.start()
    brought = []
    for _ in range(times):
        time.sleep(every_s)
        brought.append(time.monotonic())
        mailbox.bring()
    taker.join(5)
    assert not taker.is_alive()
    return brought


def test_what_comes_now_and_then_is_taken_at_once(monkeypatch):
    monkeypatch.setattr(doorbell, "GATHER_S", 0.2)
    mailbox = Mailbox(Doorbell())
    brought = brought_slowly(mailbox, 4, 0.25)
    late = sorted(taken - put for taken, put in zip(mailbox.taken, brought, strict=True))
    assert late[2] < 0.1


def test_what_comes_quickly_is_taken_in_batches():
    mailbox = Mailbox(Doorbell())
    brought_slowly(mailbox, 100, GATHER_S / 20)
    assert mailbox.waits < 80


def test_a_bell_that_gathers_nothing_is_always_heard():
    bell, woken = Doorbell(gathers=False), threading.Event()

    def wait() -> None:
        with bell.lock:
            bell.taken()
            bell.taken()
            bell.wait(5.0)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(10 * GATHER_S)
    assert not woken.is_set()
    with bell.lock:
        bell.ring()
    assert woken.wait(1)
    thread.join()


def test_the_last_one_is_taken_though_nobody_rings_again():
    mailbox = Mailbox(Doorbell())
    taker = threading.Thread(target=mailbox.take, args=(3,))
    taker.start()
    for _ in range(3):
        mailbox.bring()  # the second and third while the taker is brisk
    taker.join(1)
    assert not taker.is_alive()
