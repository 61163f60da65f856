import platform
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from edgelens.runtime.freed_memory import keep_freed_pictures
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
