import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from edgelens.runtime.host.freed_memory import keep_freed_pictures
if sys.argv[1] == "kept":
    assert keep_freed_pictures()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    pictures = [np.full((1080, 1920, 3), 7, np.uint8) for _ in range(3)]
    del pictures
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_pictures_are_not_paged_in_again():
    def faults(how: str) -> int:
        return int(subprocess.run([sys.executable, "-c", CODE, how], capture_output=True, check=True).stdout)

    assert faults("kept") * 5 < faults("plain")


GAPS = """
import sys, time
from pathlib import Path
import numpy as np
from edgelens.runtime.host.freed_memory import gaps_given_back, keep_freed_pictures
def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])
keep_freed_pictures()
blocks = [np.full(100_000, 7, np.uint8) for _ in range(400)]
del blocks[::2]
before = pages()
with gaps_given_back(0.05):
    time.sleep(0.5)
print((before - pages()) * 4096)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc_trim is glibc's")
def test_gaps_between_blocks_go_back_to_the_kernel():
    given = subprocess.run([sys.executable, "-c", GAPS], capture_output=True, check=True).stdout
    assert int(given) > 15_000_000


HEAPS = """
import ctypes, sys, threading
from edgelens.runtime.host.freed_memory import share_one_heap
if sys.argv[1] == "shared":
    assert share_one_heap()
gate = threading.Barrier(4)
def work():
    block = bytearray(100_000)
    gate.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(sys.argv[2].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc_info is glibc's")
def test_threads_share_one_heap(tmp_path):
    def heaps(how: str) -> int:
        subprocess.run([sys.executable, "-c", HEAPS, how, tmp_path / how], check=True)
        return (tmp_path / how).read_text().count("<heap nr=")

    assert heaps("plain") > 1
    assert heaps("shared") == 1
