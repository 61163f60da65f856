"""Who made which hand sign: the groups file of the sign-digits photos, for splits that keep a signer on one side.

    python benchmarks/builtin/signers.py --signs DIR --out signers.csv

The camera counted on from photo to photo and each signer showed 0 to 9 in order, so in file-number order over all
classes a new signer starts where the digit falls back.
"""

from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path

from edgelens.runtime.host.files import replacing


def main() -> None:
    """Parse the command line and write the groups."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--signs", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    options = parser.parse_args()
    groups = signers(options.signs)
    with replacing(options.out, "w", named=True) as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "group"])
        writer.writerows(sorted(groups.items()))
    print(f"{len(groups)} photos of {len(set(groups.values()))} signers")


def signers(root: Path) -> dict[str, int]:
    """Each photo's path under the root with its signer's number."""
    photos = [(int(re.sub(r"\D", "", file.stem)), int(file.parent.name), file) for file in root.glob("[0-9]/*.*")]
    groups: dict[str, int] = {}
    signer, before = 0, -1
    for _, digit, file in sorted(photos):
        signer += digit < before
        before = digit
        groups[str(file.relative_to(root))] = signer
    return groups


if __name__ == "__main__":
    main()
