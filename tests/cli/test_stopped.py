"""What ends a verb from outside: it puts away what it has begun, says so in a line, and ends as that signal ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

EARLIER = b"PK\3\4 an earlier bundle"


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, ["", "edgelens: interrupted"]),
        (signal.SIGTERM, -signal.SIGTERM, ["edgelens: stopped by a signal"]),
        (signal.SIGHUP, -signal.SIGHUP, ["edgelens: stopped by a signal"]),
    ],
)
def test_a_signal_leaves_no_temporary_folder(number: int, code: int, said: list[str], tmp_path: Path) -> None:
    words = [sys.executable, "-m", "edgelens", "bench", "digits", "--duration", "60"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=_kept_in(tmp_path)) as process:
        _wait_for_a_folder(tmp_path, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert err.splitlines()[-len(said) :] == said
    assert "Traceback" not in err
    assert list(tmp_path.glob("edgelens-*")) == []


def test_a_compression_that_is_told_to_end_leaves_what_was_there(run_folder: Path, tmp_path: Path) -> None:
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    out.mkdir()
    scratch.mkdir()
    (out / "d.edge").write_bytes(EARLIER)
    words = [sys.executable, "-m", "edgelens", "compress", str(run_folder), "--out", str(out / "d.edge")]
    words += ["--formats", "tflite", "--observer", "minmax", "--calibration-images", "16", "--name", "d"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=_kept_in(scratch)) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("reading the run")
        process.terminate()
        _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM, err
    assert err.splitlines()[-1] == "edgelens: stopped by a signal"
    assert "Traceback" not in err
    assert list(scratch.glob("edgelens-*")) == []
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("d.edge", EARLIER)]


def test_a_second_signal_ends_at_once_and_a_fork_ends_by_its_own() -> None:
    program = """
import os, signal, sys, time
from edgelens.cli.stopped import StoppedError, stop_in_order
stop_in_order()
there, here = os.pipe()
child = os.fork()
if not child:
    os.write(here, b"forked")
    time.sleep(60)
print(os.read(there, 6).decode(), flush=True)
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
except StoppedError:
    print("putting away", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines() == ["forked", str(-signal.SIGTERM), "putting away"], done.stderr
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == ""


def test_a_signal_that_was_ignored_stays_so() -> None:
    program = "import signal; from edgelens.cli.stopped import stop_in_order; stop_in_order()\n"
    program += "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    words = ["nohup", sys.executable, "-c", program]
    assert subprocess.run(words, capture_output=True, text=True, timeout=30).stdout == "True\n"


def test_the_processes_of_a_distributed_training_end_as_torchrun_expects() -> None:
    program = "import signal; from edgelens.cli.stopped import stop_in_order; stop_in_order()\n"
    program += "print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
    words = [sys.executable, "-c", program]
    for size, left in (("2", "True\n"), ("1", "False\n")):
        env = {**os.environ, "WORLD_SIZE": size}
        assert subprocess.run(words, capture_output=True, text=True, timeout=30, env=env).stdout == left


def _kept_in(folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(folder)}


def _wait_for_a_folder(place: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not list(place.glob("edgelens-*/*")):  # one that is just made is nobody's yet to take away
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)
