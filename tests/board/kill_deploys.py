"""Kill deploys to an emulated board at random moments: `python tests/board/kill_deploys.py ENV OLD.edge NEW.edge [N]`.

ENV is a file that sets EDGELENS_SSH_COMMAND, HOST, WHEELS and HOME_OF_BOARD. After every kill the device must have one
whole, verified bundle, and the next deploy must go through.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path


def deploy(bundle: str, host: str, wheels: str) -> subprocess.Popen[str]:
    """A deploy in a session of its own."""
    words = [sys.executable, "-m", "edgelens", "deploy", bundle, "--to", host, "--wheels", wheels, "--frames", "5"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def sound(store: Path) -> int:
    """The current bundle's content version, whole and as the device verified it."""
    import hashlib

    slot = store / "slots" / (store / "current").readlink().name
    record = json.loads((slot / "slot.json").read_text())
    assert hashlib.sha256((slot / "bundle.edge").read_bytes()).hexdigest() == record["sha256"]
    assert all((store / "site" / layer).is_dir() for layer in record["layers"])
    return int(record["content_version"])


def main() -> None:
    """Kill, look, and deploy again."""
    settings = dict(line.split("=", 1) for line in shlex.split(Path(sys.argv[1]).read_text()) if "=" in line)
    os.environ["EDGELENS_SSH_COMMAND"] = settings["EDGELENS_SSH_COMMAND"]
    host, wheels, store = (
        settings["HOST"],
        settings["WHEELS"],
        Path(settings["HOME_OF_BOARD"]) / ".local/share/edgelens",
    )
    old, new, times = sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 30
    start = time.monotonic()
    assert deploy(old, host, wheels).wait() == 0
    whole = time.monotonic() - start
    rng = random.Random(0)
    first = sound(store)
    for i in range(times):
        moment = rng.uniform(0, whole)
        child = deploy(new, host, wheels)
        time.sleep(moment)
        if i % 2:
            os.killpg(child.pid, signal.SIGKILL)  # the workstation dies
        else:
            subprocess.run(["pkill", "-KILL", "-P", str(child.pid)], check=False)  # its ssh is cut
        child.wait()
        time.sleep(1)
        print(f"{i + 1}: killed after {moment:.1f} s, the device has version {sound(store)} (was {first})")
    last = deploy(new, host, wheels)
    assert last.wait() == 0, last.stdout.read() if last.stdout else ""
    print(f"{times} kills; then deployed version {sound(store)}")


if __name__ == "__main__":
    main()
