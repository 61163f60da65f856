"""The fuzzers start and find nothing in a few cases; the runner finds what is planted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANTED = """
import contextlib, json, sys, time
from tests.fuzz import run
from tests.fuzz.fuzzer import Fuzzer
from edgelens.runtime.errors import UsageError

@contextlib.contextmanager
def opened(folder):
    held = []
    def attempt(chance):
        kind = chance.randrange(40)
        if kind == 0:
            raise UsageError("refused in one line")
        if kind == 1:
            raise KeyError("a defect")
        if kind == 2:
            try:
                time.sleep(3)
            except Exception:
                pass
        if kind == 3:
            return "the password is hunter2"
        return None
    yield attempt

fuzzer = Fuzzer(opened, secrets=("hunter2",), most_mb=10_000, most_s=.05)
outcome = run.run_cases("planted", fuzzer, seed=1, seconds=None, count=400)
print(json.dumps([outcome.cases, outcome.refused > 0, sorted(outcome.findings.values())]))
"""


@pytest.mark.slow
def test_every_fuzzer_starts_and_finds_nothing_in_a_few_cases() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--count", "40"], cwd=ROOT, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_defect_a_hang_and_a_shown_secret_are_found_and_a_refusal_is_none(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PLANTED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert '[400, true, ["case' in done.stdout
    for said in ("KeyError: 'a defect'", "SlowError: more than", "a secret is shown"):
        assert said in done.stdout


def test_the_seconds_begin_after_the_set_up_and_no_case_is_a_failure() -> None:
    slow = PLANTED.replace("    held = []", "    time.sleep(.3)").replace(
        "seconds=None, count=400", "seconds=.2, count=9"
    )
    done = subprocess.run([sys.executable, "-c", slow], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[9,")
    command = [sys.executable, "-m", "tests.fuzz", "config", "--count", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "config: 0 cases" in done.stdout


def test_an_unknown_fuzzer_is_refused_by_name() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.fuzz", "nothing"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no fuzzer is called nothing; there are" in done.stderr
