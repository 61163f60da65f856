"""What the kit takes on a device: packages and megabytes of each engine's environment, with and without the live page.

`python benchmarks/devices/install_size.py [--wheels DIR] [--python 3.11]`; writes results/devices_install_size.json.
The wheels are those that `devices prepare` brings, unpacked as the device's agent unpacks them; there are no .pyc yet.
"""

from __future__ import annotations

import argparse
import io
import json
import zipfile
from pathlib import Path
from typing import Any

from edgelens.devices.ssh.agent.store import placed
from edgelens.devices.ssh.hello import Hello
from edgelens.devices.ssh.kit import pack_kit
from edgelens.devices.ssh.wheels import fetch_wheels

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_install_size.json"
BARS = {  # parts → packages, MB
    ("tflite",): (12, 215),
    ("onnxruntime",): (12, 230),
    ("tflite", "live"): (24, 230),
    ("onnxruntime", "live"): (24, 245),
}


def unpacked(wheel: Path | io.BytesIO) -> int:
    """Bytes that a wheel leaves on the device."""
    with zipfile.ZipFile(wheel) as archive:
        return sum(info.file_size for info in archive.infolist() if placed(info.filename) is not None)


def environment(parts: tuple[str, ...], python: tuple[int, int], wheels: str | None) -> dict[str, Any]:
    """What a 64-bit Raspberry Pi gets for these parts."""
    libc = "glibc 2.36" if python < (3, 13) else "glibc 2.41"
    hello = Hello(python=(*python, 0), machine="aarch64", libc=libc, home="/home/pi", bits=64)
    layers = fetch_wheels(hello, parts, wheels, print)
    rows = {layer.path.name.split("-")[0]: unpacked(layer.path) for layer in layers}
    rows["edgelens"] = unpacked(io.BytesIO(pack_kit()[1]))
    packages, megabytes = BARS[parts]
    total = sum(rows.values()) / 1e6
    return {
        "parts": list(parts),
        "python": ".".join(map(str, python)),
        "packages": len(rows),
        "mb": round(total, 1),
        "bar": {"packages": packages, "mb": megabytes, "met": len(rows) <= packages and total <= megabytes},
        "mb_by_package": {name: round(size / 1e6, 2) for name, size in sorted(rows.items())},
    }


def main() -> None:
    """Every environment, printed and written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", help="a folder of aarch64 wheels instead of the package index")
    parser.add_argument("--python", default="3.11")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    major, minor = map(int, options.python.split("."))
    rows = [environment(parts, (major, minor), options.wheels) for parts in BARS]
    for row in rows:
        print(f"{'+'.join(row['parts']):18} {row['packages']:3} packages {row['mb']:6.1f} MB  {row['bar']}")
    result = {"command": f"python benchmarks/devices/install_size.py --python {options.python}", "environments": rows}
    options.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
