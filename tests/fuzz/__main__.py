"""`python -m tests.fuzz`: all fuzzers, or those named, each in a process of its own."""

from __future__ import annotations

import argparse
import faulthandler
import resource
import subprocess
import sys
from pathlib import Path

from .catalog import FUZZERS, load
from .run import again, run_cases


def main() -> int:
    """1 where anything was found, or nothing was tried."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fixtures"))  # shared with the tests
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FUZZERS))
    parser.add_argument("--seconds", type=float, help="for all of them together (120 unless a count is given)")
    parser.add_argument("--count", type=int, help="cases of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="only this one, with its traceback")
    asked = parser.parse_args()
    names = list(asked.names) or list(FUZZERS)
    if unknown := sorted({*names} - {*FUZZERS}):
        parser.error(f"no fuzzer is called {unknown[0]}; there are {', '.join(FUZZERS)}")
    if asked.seconds is None and asked.count is None:
        asked.seconds = 120.0
    if len(names) > 1:
        return max([_apart(name, asked, len(names)) for name in names])
    if asked.case is not None:
        print(again(names[0], load(names[0]), asked.seed, asked.case))
        return 0
    return _here(names[0], asked)


def _apart(name: str, asked: argparse.Namespace, of: int) -> int:
    command = [sys.executable, "-m", __package__, name, "--seed", str(asked.seed)]
    command += [] if asked.seconds is None else ["--seconds", str(asked.seconds / of)]
    command += [] if asked.count is None else ["--count", str(asked.count)]
    code = subprocess.run(command, check=False).returncode
    if code not in (0, 1):
        print(f"{name}: the process ended with {code}")
    return 0 if code == 0 else 1


def _here(name: str, asked: argparse.Namespace) -> int:
    faulthandler.enable()
    outcome = run_cases(name, load(name), seed=asked.seed, seconds=asked.seconds, count=asked.count)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{name}: {outcome.cases} cases, {outcome.refused} refused, slowest {outcome.slowest_s:.2f} s, "
        f"memory {memory_mb} MB, {len(outcome.findings)} findings",
        flush=True,
    )
    for where, text in outcome.findings.items():
        case = text.partition(":")[0]
        print(f"  {text}\n    {where}\n    again: python -m tests.fuzz {name} --seed {asked.seed} --{case}")
    return 1 if outcome.findings or not outcome.cases else 0  # no case proves nothing


if __name__ == "__main__":
    sys.exit(main())
