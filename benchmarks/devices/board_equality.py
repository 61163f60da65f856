"""Does a board answer as this machine does? Top-1 of built-in bundles in 8 bits, on both engines, image by image.

    python tests/board/start.py pi5 trixie FOLDER && . FOLDER/env
    python benchmarks/devices/board_equality.py "$HOST" digits=DIR sign-digits=DIR --wheels "$WHEELS" [--images 300]

Any board that `--on` reaches will do. Its rows in results/devices_board_equality.json are written anew.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgelens.devices.remote import send_input
from edgelens.devices.ssh.connection import Connection
from edgelens.devices.ssh.environment import prepare
from edgelens.runtime.datasets.catalog import load_images
from edgelens.runtime.model.open import open_model

RESULTS = Path(__file__).resolve().parent.parent / "results" / "devices_board_equality.json"
ENGINES = ("tflite", "onnxruntime")
# runs here and there alike: bundle, engine and frames in, the outputs of every frame out
ANSWER = """
import sys, numpy as np
from edgelens.runtime.bundle.bundle import Bundle
from edgelens.runtime.model.network import LoadedNetwork, choose_file
from edgelens.runtime.preprocess import fit_frame
bundle = Bundle.open(sys.argv[1])
network = bundle.manifest.main
with LoadedNetwork(bundle, network, choose_file(network, sys.argv[2], "int8")) as loaded:
    pictures = [fit_frame(frame, network.pixels)[0] for frame in np.load(sys.argv[3])]
    rows = [next(iter(loaded.outputs(picture).values()))[0].copy() for picture in pictures]
np.save(sys.argv[4], np.array(rows, np.float32))
"""


def here(bundle: Path, engine: str, frames: Path, folder: Path) -> NDArray[np.float32]:
    """This machine's outputs (N, classes)."""
    out = folder / "here.npy"
    subprocess.run([sys.executable, "-c", ANSWER, bundle, engine, frames, out], check=True)
    return np.asarray(np.load(out))


def there(host: str, wheels: str | None, bundle: Path, engine: str, frames: Path) -> NDArray[np.float32]:
    """The board's outputs."""
    with Connection(host) as connection:
        layers = prepare(connection, [engine], wheels, print)
        send_input(connection, bundle, "in/model.edge")
        send_input(connection, frames, "in/frames.npy")
        words = ["{python}", "-c", ANSWER, "in/model.edge", engine, "in/frames.npy", "out.npy"]
        code = connection.run(words, layers, lambda _, data: print(data.decode(), end=""))
        data = connection.fetch("out.npy")
    if code or data is None:
        raise SystemExit(f"{host}: ended with {code}")
    return np.asarray(np.load(io.BytesIO(data)))


def compared(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> dict[str, Any]:
    """How many images get the same answer, and how far the outputs are apart."""
    noise = float(((ours - theirs) ** 2).sum())
    return {
        "images": len(ours),
        "same_top1": int((ours.argmax(1) == theirs.argmax(1)).sum()),
        "identical_outputs": int((ours == theirs).all(axis=1).sum()),
        "snr_db": None if noise == 0 else round(10 * float(np.log10((ours**2).sum() / noise)), 1),
    }


def answers_alike(pair: str, host: str, wheels: str | None, count: int, folder: Path) -> Iterator[dict[str, Any]]:
    """One bundle on both engines, here and there, on pictures drawn from its data set."""
    name, where = pair.split("=", 1)
    images, split = load_images(where).for_evaluation()
    picked = np.random.default_rng(0).choice(len(images), count, replace=False)
    frames = folder / f"{name}.npy"
    np.save(frames, np.stack([images.image(int(i)) for i in picked]))
    bundle = open_model(name).path
    assert bundle is not None
    for engine in ENGINES:
        theirs = there(host, wheels, bundle, engine, frames)
        yield {
            "bundle": name,
            "split": split,
            "engine": engine,
            **compared(here(bundle, engine, frames, folder), theirs),
        }


def main() -> None:
    """Every bundle and engine on one board."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("data", nargs="+", metavar="BUNDLE=DIR")
    parser.add_argument("--wheels")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with Connection(options.host) as connection:
        board = connection.hello.model or options.host
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    rows = [row for row in rows if row["board"] != board]
    with tempfile.TemporaryDirectory() as name:
        for pair in options.data:
            for row in answers_alike(pair, options.host, options.wheels, options.images, Path(name)):
                rows.append({"board": board, **row})
                print(json.dumps(rows[-1]), flush=True)
    met = all(row["same_top1"] == row["images"] for row in rows)
    options.out.write_text(json.dumps({"bar": "top-1 equal on every image", "met": met, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
