"""How many digits of the demo scene a bundle gets right, frame by frame, for some seeds.

    python benchmarks/builtin/digits_demo.py digits --seeds 0 1 2 3 4 --presentations 200 --out results.json

Every frame is recognized, with the smoothing and announcing that `edgelens run` has for a camera at 30 frames a second.
"""

from __future__ import annotations

import argparse
import json

from edgelens.runtime.api import Recognizer
from edgelens.runtime.bundle.manifest import Manifest
from edgelens.runtime.frame import Frame
from edgelens.runtime.host.files import write_text
from edgelens.runtime.loop.control import Settings
from edgelens.runtime.loop.smoothing import Announcer, Smoother, backgrounds
from edgelens.runtime.model.open import open_model
from edgelens.runtime.result import Result
from edgelens.runtime.sources.demo import DemoJudge, DemoScore
from edgelens.runtime.sources.demo_scene import DemoScene


def main() -> None:
    """Parse the command line, judge each seed, print and write the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default="digits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--presentations", type=int, default=200)
    parser.add_argument("--threshold", type=float)
    parser.add_argument("--engine", default="tflite")
    parser.add_argument("--out")
    options = parser.parse_args()
    rows = []
    bundle = open_model(options.model)
    with Recognizer(bundle, engine=options.engine, threads=1, threshold=options.threshold) as recognizer:
        for seed in options.seeds:
            score, minutes = judge(recognizer, bundle.manifest, seed, options.presentations, options.threshold)
            row = {**score.to_json(), "extra_per_minute": round(score.extra / minutes, 3), "minutes": round(minutes, 2)}
            rows.append(row)
            print(f"seed {seed}: {score}, {score.missed} missed, {row['extra_per_minute']} extra a minute", flush=True)
    right, total = sum(row["right"] for row in rows), sum(row["total"] for row in rows)
    extra = sum(row["extra"] for row in rows) / sum(row["minutes"] for row in rows)
    print(f"all: {right} of {total} ({100 * right / total:.2f} %), {extra:.3f} extra a minute")
    if options.out:
        write_text(
            options.out,
            json.dumps({"model": options.model, "engine": options.engine, "seeds": rows}, indent=1),
            named=True,
        )


def judge(
    recognizer: Recognizer, manifest: Manifest, seed: int, presentations: int, threshold: float | None
) -> tuple[DemoScore, float]:
    """One seed's score over so many presentations, and the scene's minutes."""
    scene, settings = DemoScene(seed), Settings()
    judge_, smoother, announcer = DemoJudge(scene), Smoother(), Announcer()
    last = scene.presentation(presentations).entering
    for index in range(last):
        frame = Frame(scene.render(index), index, source="demo")
        seen = smoother.smooth(recognizer(frame.image), settings.smoothing, manifest, threshold)
        judge_.hear(Result(frame, seen, announced=announcer.hear(seen, settings.agree, backgrounds(manifest))))
    return judge_.score(), last / scene.fps / 60


if __name__ == "__main__":
    main()
