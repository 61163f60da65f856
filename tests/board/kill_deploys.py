"""Kill deploys to an emulated board at random moments: `python tests/board/kill_deploys.py ENV X.edge [N]`.

ENV is a file that sets EDGELENS_SSH_COMMAND, HOST, WHEELS and HOME_OF_BOARD. After every kill the device must have one
whole, verified bundle, and the next deploy must go through.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from edgelens.runtime.bundle.bundle import Bundle, write_bundle


def deploy(bundle: str, host: str, wheels: str) -> subprocess.Popen[str]:
    """A deploy in a session of its own."""
    words = [sys.executable, "-m", "edgelens", "deploy", bundle, "--to", host, "--wheels", wheels, "--frames", "5"]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def newer(source: str, version: int, folder: str) -> str:
    """The bundle with another content version."""
    bundle = Bundle.open(source)
    entries = {name: bundle.read(name) for name in bundle.manifest.entries}
    target = Path(folder) / f"v{version}.edge"
    write_bundle(target, dataclasses.replace(bundle.manifest, content_version=version), entries)
    return str(target)


def sound(store: Path) -> int:
    """The current bundle's content version, whole and as the device verified it."""
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
    source, times = sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 30
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        for version in (1, 2):
            start = time.monotonic()
            assert deploy(newer(source, version, folder), host, wheels).wait() == 0
        whole = time.monotonic() - start  # the second one finds the environment there
        for i in range(times):
            before, moment = sound(store), rng.uniform(0, whole)
            child = deploy(newer(source, i + 3, folder), host, wheels)
            time.sleep(moment)
            if i % 2:
                os.killpg(child.pid, signal.SIGKILL)  # the workstation dies
            else:
                subprocess.run(["pkill", "-KILL", "-P", str(child.pid)], check=False)  # its ssh is cut
            child.wait()
            time.sleep(1)
            after = sound(store)
            assert after in (before, i + 3)
            print(f"{i + 1}: killed after {moment:.1f} of {whole:.1f} s, the device has version {after} (had {before})")
        assert deploy(newer(source, times + 3, folder), host, wheels).wait() == 0
    print(f"{times} kills; then deployed version {sound(store)}")


if __name__ == "__main__":
    main()
