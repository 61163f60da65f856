"""Instructions an emulated board executes for one inference: 8 bits against float, on each instruction set.

    python tests/board/start.py pi5 trixie FOLDER && . FOLDER/env && edgelens devices prepare "$HOST" --wheels "$WHEELS"
    python benchmarks/devices/instruction_counts.py "$HOME_OF_BOARD" trixie MODEL… [--boards pi4 pi5]

MODELs are .onnx and .tflite files. Emulated milliseconds are not a board's, its instructions are; caches are not seen.
Needs gcc and qemu-user. Writes results/devices_instruction_counts.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BOARD = HERE.parents[1] / "tests" / "board" / "board.sh"
BOARDS = Path(os.environ.get("EDGELENS_BOARDS") or Path.home() / ".cache" / "edgelens" / "boards")
RESULTS = HERE.parent / "results" / "devices_instruction_counts.json"
RUNS = 3
GUEST = f"""
import ctypes, sys
sys.path[:0] = sys.argv[3:]
from edgelens.devices.bench.inputs import random_inputs
from edgelens.runtime.engines.catalog import open_engine
mark = ctypes.CDLL(None).syscall
with open_engine(sys.argv[1], open(sys.argv[2], "rb").read()) as engine:
    inputs = random_inputs(engine.inputs)
    for _ in range(2):
        engine.run(inputs)
    mark(4242, 0)
    for _ in range({RUNS}):
        engine.run(inputs)
    mark(4242, 1)
"""


def plugin(folder: Path) -> None:
    """QEMU, its libraries and the counting plugin, in a folder that the board will see."""
    source, built = HERE / "instructions.c", folder / "instructions.so"
    subprocess.run(["gcc", "-O2", "-fPIC", "-shared", "-o", built, source], check=True)
    qemu = shutil.which("qemu-aarch64")
    if qemu is None:
        raise SystemExit("qemu-aarch64 is missing: apt install qemu-user")
    shutil.copy(qemu, folder)
    for library in re.findall(r"(/\S+)", subprocess.check_output(["ldd", qemu], text=True)):
        shutil.copy(library, folder)


def counted(board: str, suite: str, home: Path, model: Path) -> dict[str, Any]:
    """Instructions of one inference, in millions."""
    engine = {".onnx": "onnxruntime", ".tflite": "tflite"}[model.suffix]
    with tempfile.TemporaryDirectory(dir=home) as name:
        folder, there = Path(name), Path(name).name  # as the board's home has it
        plugin(folder)
        shutil.copy(model, folder / "model")
        (folder / "guest.py").write_text(GUEST)
        sites = [path.relative_to(home) for path in (home / ".local/share/edgelens/site").iterdir()]
        words = [f"{there}/ld-linux-x86-64.so.2", "--library-path", there, f"{there}/qemu-aarch64", "-plugin"]
        words += [f"{there}/instructions.so,out={there}/counts", "/usr/bin/python3", f"{there}/guest.py", engine]
        words += [f"{there}/model", *sites]
        command = [BOARD, BOARDS / suite, board, home, "/bin/sh", "-c", 'cd && exec "$@"', "sh", *words]
        subprocess.run(list(map(str, command)), check=True)
        row = json.loads((folder / "counts").read_text().splitlines()[-1])
    millions = {kind: round(count / RUNS / 1e6, 4) for kind, count in row.items() if kind != "tag"}
    return {
        "board": board,
        "model": model.name,
        "engine": engine,
        "total": round(sum(millions.values()), 3),
        **millions,
    }


def main() -> None:
    """Every model on every board."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("suite")
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--boards", nargs="+", default=["pi4", "pi5"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for board in options.boards:
        for model in options.models:
            rows.append(counted(board, options.suite, options.home.resolve(), model))
            print(json.dumps(rows[-1]), flush=True)
    options.out.write_text(json.dumps({"unit": "million instructions an inference", "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
