"""Damaged bundles: every byte flip, truncation, swap, zip trick and bad manifest is told in one line or harmless.

    python benchmarks/runtime_mutations.py [--bundle digits] [--count 2000] [--out FILE.json]

The bar: a clear error with exit code 2, or bit-identical answers; no traceback, nothing written anywhere. The kinds of
damage are those of `tests/runtime/bundle/test_bundle.py`, here done to a whole bundle of the kit.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "runtime" / "bundle"))
from test_bundle import DAMAGE, answers

from edgelens.runtime.errors import EdgelensError
from edgelens.runtime.model.open import open_model


def outcome(path: Path, wanted: object, frames: list[np.ndarray]) -> str:
    """How a damaged file ends: `told`, `harmless`, or what is wrong with it."""
    try:
        return "harmless" if answers(path, frames) == wanted else "other answers"
    except EdgelensError as error:
        clear = error.exit_code == 2 and str(path) in str(error) and "\n" not in str(error)
        return "told" if clear else f"unclear: {error}"
    except Exception as error:  # noqa: BLE001 (what a user would see as a traceback)
        return f"traceback: {type(error).__name__}: {error}"


def main() -> None:
    """Damage a bundle many times; print and write the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="digits")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    source = open_model(arguments.bundle).path
    data = source.read_bytes()
    frames = [np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)]
    wanted = answers(source, frames)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in DAMAGE}
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "inner" / "damaged.edge"
        path.parent.mkdir()
        for seed in range(arguments.count):
            kind = list(DAMAGE)[seed % len(DAMAGE)]
            path.write_bytes(DAMAGE[kind](data, random.Random(seed)))
            counts[kind][outcome(path, wanted, frames)] += 1
        written = [str(found) for found in Path(root).rglob("*") if found not in (path, path.parent)]
    for kind, ends in counts.items():
        print(f"{kind:24} {dict(ends)}")
    total = sum(counts.values(), Counter())
    print(f"{arguments.count} damaged files: {dict(total)}; written beside them: {written or 'nothing'}")
    if arguments.out:
        found = {"bundle": arguments.bundle, "count": arguments.count, "ends": total, "kinds": counts}
        Path(arguments.out).write_text(json.dumps({**found, "written": written}, indent=1) + "\n")
    sys.exit(bool(set(total) - {"told", "harmless"} or written))


if __name__ == "__main__":
    main()
