"""Runs one fuzzer's cases, each with a generator of its own, and says which went wrong and how to see it again."""

from __future__ import annotations

import faulthandler
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from edgelens.runtime.errors import EdgelensError

from .fuzzer import Attempt, Fuzzer

__all__ = ["Outcome", "run_cases"]

STUCK_S = 60.0  # in C, where no alarm reaches it: the process ends and shows where
MOST_FINDINGS = 10


class SlowError(BaseException):
    """A case took too long; no `except Exception` on its way swallows it."""


@dataclass
class Outcome:
    """What came of the cases of one fuzzer; findings are of different places each."""

    cases: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)  # where it went wrong → what is said of it


def run_cases(name: str, fuzzer: Fuzzer, *, seed: int, seconds: float | None, count: int | None) -> Outcome:
    """Try so many cases, or for so long after the set-up."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder, fuzzer.opened(Path(folder)) as attempt:
        ends = time.monotonic() + seconds if seconds is not None else float("inf")
        while time.monotonic() < ends and (count is None or outcome.cases < count):
            _one(name, fuzzer, attempt, seed, outcome)
            if len(outcome.findings) >= MOST_FINDINGS:
                break
    return outcome


def again(name: str, fuzzer: Fuzzer, seed: int, case: int) -> str | None:
    """One case once more; what goes wrong is raised."""
    with tempfile.TemporaryDirectory() as folder, fuzzer.opened(Path(folder)) as attempt:
        return attempt(_chance(name, seed, case))


def _one(name: str, fuzzer: Fuzzer, attempt: Attempt, seed: int, outcome: Outcome) -> None:
    case = outcome.cases
    start = time.monotonic()
    said: str | None = None
    try:
        with _alarm(fuzzer.most_s):
            said = attempt(_chance(name, seed, case))
    except EdgelensError as error:
        said = str(error)
        outcome.refused += 1
    except (Exception, SlowError) as error:
        said = str(error)
        outcome.findings.setdefault(_where(error), f"case {case}: {type(error).__name__}: {str(error)[:300]}")
    for secret in fuzzer.secrets:
        if said and secret in said:
            outcome.findings.setdefault("secret shown", f"case {case}: a secret is shown: {said[:300]}")
    used_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if used_mb > fuzzer.most_mb:
        outcome.findings.setdefault("memory", f"case {case}: {used_mb} MB of memory, at most {fuzzer.most_mb}")
    outcome.cases += 1
    outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - start)


def _chance(name: str, seed: int, case: int) -> random.Random:
    return random.Random(f"{name}/{seed}/{case}")


def _where(error: BaseException) -> str:
    """The kit's own line that it came from, so that one defect is one finding."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = ("site-packages", "/lib/python", __file__)  # the last: where its alarm rings
    own = [frame for frame in frames if not any(part in frame.filename for part in foreign)]
    last = (own or frames)[-1]
    return f"{type(error).__name__} at {last.filename}:{last.lineno}"


@contextmanager
def _alarm(most_s: float) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise SlowError(f"more than {most_s:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, most_s)
    faulthandler.dump_traceback_later(STUCK_S, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
