"""The three chains of docs/chains.md on their clips: what looking at new things alone saves, and the page's pictures.

    python benchmarks/chain_scenes.py DIR --astronaut PNG
    cd DIR                           # and there the commands of docs/chains.md, up to each `edgelens run`
    python benchmarks/chain_walk.py DIR [--rounds N] [--pictures docs/pictures] [--out results.json]

Of each chain the same parts are joined once more without `--every track`. Both are run over the clip in turn, round by
round, every time with `--track`; what is compared is how often the second network looks, and the processor's time in it
and in both networks.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from click.testing import CliRunner
from live_report import write_report

from edgelens.cli import cli
from edgelens.runtime.bundle.bundle import Bundle, write_bundle
from edgelens.runtime.model.network import LoadedNetwork, Outputs
from edgelens.runtime.model.open import open_alone


@dataclass(frozen=True)
class Walk:
    """One chain of the page: its bundle, the clip, and the frames that are shown."""

    name: str
    bundle: str
    clip: str
    shown: tuple[int, ...]


WALKS = (
    Walk("who", "door.edge", "door/clip.avi", (36, 92, 154)),
    Walk("which", "stock.edge", "shelf/clip.avi", (70, 170)),
    Walk("text", "gate.edge", "street/clip.avi", (60, 120)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=[walk.name for walk in WALKS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--out")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for walk in WALKS:
            if asked.only in (None, walk.name):
                report[walk.name] = measured(walk, asked.folder, asked.rounds, Path(temporary))
                print(json.dumps({walk.name: report[walk.name]}, indent=1), flush=True)
                if asked.pictures is not None:
                    draw_picture(walk, Path(temporary) / walk.name, asked.pictures)
    write_report(asked.out, {"rounds": asked.rounds, **report})


def ran(bundle: Path, clip: Path, lines: Path, *words: str) -> list[dict[str, Any]]:
    """The results of the clip's frames."""
    options = ["--track", "--json", str(lines), "--no-preview", "--quiet", "--threads", "1", *words]
    done = CliRunner().invoke(cli, ["run", str(bundle), "--source", str(clip), *options])
    if done.exit_code:
        raise SystemExit(f"{bundle}: {done.output}{done.exception or ''}")
    return [json.loads(line) for line in lines.read_text().splitlines()]


def measured(walk: Walk, folder: Path, rounds: int, temporary: Path) -> dict[str, Any]:
    """What the chain costs a frame with and without `--every track`."""
    chained = open_alone(str(folder / walk.bundle))
    each_frame = looking_always(chained, temporary / walk.bundle)
    clip = folder / walk.clip
    costs: dict[str, list[Cost]] = {"track": [], "frame": []}
    said, frames = list[tuple[int, str]](), 0
    for i in range(rounds):
        ways = [("track", folder / walk.bundle), ("frame", each_frame)]
        for way, bundle in ways[:: -1 if i % 2 else 1]:
            saving = ["--save", str(temporary / walk.name)] if way == "track" and not i else []
            with counted() as cost:
                results = ran(bundle, clip, temporary / f"{way}.jsonl", *saving)
            costs[way].append(cost)
            frames = len(results)
            if way == "track":
                said = [(result["frame"], result["announced"]) for result in results if result["announced"]]
    pairs = list(zip(costs["track"], costs["frame"], strict=True))
    return {
        "frames": frames,
        "announced": said,
        "looks": {way: each[-1].looks for way, each in costs.items()},
        "second_network_ratios": [round(new.second_s / every.second_s, 3) for new, every in pairs],
        "both_networks_ratios": [round(new.both_s / every.both_s, 3) for new, every in pairs],
    }


@dataclass
class Cost:
    """Seconds of the processor in both networks, in the second alone, and how many pictures that was given."""

    both_s: float = 0.0
    second_s: float = 0.0
    looks: int = 0


@contextlib.contextmanager
def counted() -> Iterator[Cost]:
    """What the networks cost meanwhile; a later step's is asked about several pictures, the first one's about one."""
    cost, one, many = Cost(), LoadedNetwork.outputs, LoadedNetwork.outputs_of_many

    def alone(self: LoadedNetwork, pixels: np.ndarray) -> Outputs:
        start = time.thread_time()
        answer = one(self, pixels)
        cost.both_s += time.thread_time() - start
        return answer

    def together(self: LoadedNetwork, pictures: Sequence[np.ndarray]) -> list[Outputs]:
        start, before = time.thread_time(), cost.both_s
        answers = many(self, pictures)
        spent = time.thread_time() - start
        cost.both_s, cost.second_s, cost.looks = before + spent, cost.second_s + spent, cost.looks + len(pictures)
        return answers

    with (
        mock.patch.object(LoadedNetwork, "outputs", alone),
        mock.patch.object(LoadedNetwork, "outputs_of_many", together),
    ):
        yield cost


def looking_always(chained: Bundle, path: Path) -> Path:
    """The same bundle whose second step looks at everything in every frame."""
    manifest = chained.manifest
    steps = tuple(dataclasses.replace(step, every="frame") for step in manifest.steps)
    entries = {name: chained.read(name) for name in manifest.entries}
    write_bundle(path, dataclasses.replace(manifest, steps=steps), entries)
    return path


def draw_picture(walk: Walk, saved: Path, pictures: Path) -> None:
    """Frames of the clip as `run --save` drew them, one beside the other."""
    files = sorted(file for file in saved.rglob("*") if file.is_file())
    frames = [cv2.imread(str(files[index])) for index in walk.shown]
    sheet = np.hstack([np.asarray(frame, np.uint8) for frame in frames])
    pictures.mkdir(parents=True, exist_ok=True)
    target = pictures / f"chain-{walk.name}.webp"
    cv2.imwrite(str(target), sheet, [cv2.IMWRITE_WEBP_QUALITY, 60])
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
