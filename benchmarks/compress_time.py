"""How long a full `edgelens compress RUN` takes without training, and the memory it needs at its peak.

python benchmarks/compress_time.py runs/resnet8
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--json", default=str(Path(__file__).parent / "results" / "compress_time.json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "x.edge"
        start = time.perf_counter()
        command = [sys.executable, "-m", "edgelens", "compress", options.run, "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {"seconds": seconds, "cpu_s": used.ru_utime + used.ru_stime, "peak_gb": used.ru_maxrss / 1024**2}
    print(done.stderr)
    print(json.dumps(result, indent=1))
    Path(options.json).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
