"""Catching file descriptor 2: decoders and engines share one, whichever thread they run in."""

import os
import threading
import time

from edgelens.runtime.engines.silence import silenced
from edgelens.runtime.images.decoder_noise import caught_noise


def test_an_engine_that_loads_while_an_image_is_decoded(capfd):
    inside = threading.Event()

    def load():
        with silenced():
            inside.set()
            time.sleep(0.05)
            os.write(2, b"INFO: Created a delegate.\n")

    true_stderr = os.fstat(2).st_ino
    loading = threading.Thread(target=load)
    loading.start()
    inside.wait(1)
    with caught_noise() as noise:
        os.write(2, b"Corrupt JPEG data: 337 extraneous bytes before marker 0xd9\n")
        time.sleep(0.1)
    loading.join()
    os.write(2, b"what comes later\n")
    assert os.fstat(2).st_ino == true_stderr
    assert capfd.readouterr().err == "what comes later\n"
    assert len(noise) == 1


def test_blocks_of_one_thread_may_nest(capfd):
    with silenced(), caught_noise() as noise:
        os.write(2, b"INFO: chatter\nlibpng error: bad\nmine\n")
    assert noise == [b"libpng error: bad\n"]
    assert capfd.readouterr().err == "mine\n"
