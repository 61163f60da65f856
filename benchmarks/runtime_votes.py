"""Plates by votes over a track against single looks: rendered street scenes with known truth, ten seeds.

    python benchmarks/runtime_votes.py [READER.edge] [--detector FINDER.edge]
        [--looks N] [--first-seed N] [--scenes N] [--out results.json]

The scenes come from `tests/fixtures/moving_plates.py`; unless a detector is given, what one would find is rendered with
its noise and misses; all behind it is the kit's own: tracker, crops, engine, decoder, votes, what is announced.
`train_street.py` makes a detector and a reader that learn from other scenes. Unless a reader is given, it is that of
`plate_reader.py`, fitted to 2,500 other plates in some seconds: it reads four of five plates that are large and sharp,
and one of two that are far away. The looks' number and spread were chosen on seeds 100 to 105; that more are taken
where looks disagree, on what seeds 0 to 6 had shown; what looks at the picture's edge weigh, and that a reader has a
threshold, on seeds 100 to 109.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from live_report import write_report
from plate_reader import make_plate_reader

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "fixtures"))
from moving_plates import HEIGHT, WIDTH, Car, Moment, cars_of, is_ever_whole, scene

from edgelens.runtime.bundle.manifest import Decode, Manifest, Step
from edgelens.runtime.frame import Frame
from edgelens.runtime.loop.smoothing import Announcer
from edgelens.runtime.model.later_steps import followed
from edgelens.runtime.model.open import open_model
from edgelens.runtime.model.recognizer import BundleRecognizer
from edgelens.runtime.model.seen import Clock
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.track.follower import TrackFollower
from edgelens.runtime.track.options import TrackOptions

SCENES, AGREE = 10, (3, 5)


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader", nargs="?")
    parser.add_argument("--detector")
    parser.add_argument("--looks", type=int, default=TrackOptions().track_looks)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--out")
    asked = parser.parse_args()
    seeds, report = range(asked.first_seed, asked.first_seed + asked.scenes), dict[str, Any]()
    ways = {"votes": asked.looks, "first look alone": 1, "every frame, no votes": 0}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        bundle = open_model(asked.reader) if asked.reader else make_plate_reader(Path(folder) / "reader.edge")
        reader = stack.enter_context(BundleRecognizer(bundle, engine="onnxruntime"))
        finder = stack.enter_context(Finder(asked.detector)) if asked.detector else None
        found = {name: Tally() for name in ways}
        for seed in seeds:
            moments = list(and_nothing(scene(seed)))
            if finder is not None:
                moments = [finder.looked_at(moment) for moment in moments]
            for name, looks in ways.items():
                found[name].add(watched(reader, seed, moments, looks))
            report = {name: tally.to_json() for name, tally in found.items()}
            print(json.dumps({"seed": seed, **report}), flush=True)
    write_report(
        asked.out, {"seeds": [seeds[0], seeds[-1]], "looks": asked.looks, "detector": bool(asked.detector), **report}
    )


@dataclass
class Tally:
    """What was found of how many cars."""

    cars: int = 0
    exact: int = 0  # cars whose plate was announced as it is
    whole: int = 0  # cars that show their whole plate in some frame: others are behind the pole all the way
    whole_exact: int = 0
    events: int = 0
    wrong: int = 0  # events that say what no car of the scene has
    once: int = 0  # cars with one event
    reads: int = 0  # pictures that the reader was asked about
    right_reads: int = 0
    misread: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Another scene's."""
        for each in dataclasses.fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def to_json(self) -> dict[str, Any]:
        """The figures."""
        return {
            "cars": self.cars,
            "exact": round(self.exact / self.cars, 4),
            "cars_ever_whole": self.whole,
            "exact_of_these": round(self.whole_exact / max(self.whole, 1), 4),
            "events_a_car": round(self.events / self.cars, 3),
            "cars_with_one_event": round(self.once / self.cars, 4),
            "wrong_events": self.wrong,
            "looks_a_car": round(self.reads / self.cars, 1),
            "exact_of_single_looks": round(self.right_reads / max(self.reads, 1), 4),
            "misread": self.misread,
        }


def watched(reader: BundleRecognizer, seed: int, moments: list[Moment], looks: int) -> Tally:
    """One scene through tracker, reader, votes and announcing; 0 looks reads every frame for itself."""
    every = "track" if looks else "frame"
    steps = (Step(network="plates", output="plates"), Step(network="read", region="plates", output="read", every=every))
    network = reader.networks[reader.bundle.manifest.steps[0].network]
    counted = Counted(network)
    follower, announcer, tally = TrackFollower(TrackOptions(track_looks=looks or 1)), Announcer(), Tally()
    heard, times = list[tuple[str, frozenset[Car]]](), defaultdict[Car, list[float]](list)
    for index, moment in enumerate(moments):
        frame = Frame(moment.image, index, position_s=moment.time)
        follower.begin(frame, Decode(threshold=0.4))
        rows = follower.follow(found(moment))
        counted.now = moment
        view = (0, 0, WIDTH, HEIGHT)
        memory = follower.memory if looks else None
        manifest = Manifest("plates", {}, steps)
        seen = followed(manifest, {"read": counted}, moment.image, rows, None, Clock(), view, memory=memory)  # type: ignore[dict-item]
        for car in moment.cars:
            times[car].append(moment.time)
        there = frozenset(car for car, when in times.items() if moment.time - when[-1] < 1.0)
        said = announcer.hear(seen.recognitions, AGREE, moment_s=moment.time)
        if said is not None:
            heard.append((said, there))
    return summed_up(tally, cars_of(seed), heard, counted)


class Finder:
    """A detector in the place of what one would find; a context manager."""

    def __init__(self, path: str) -> None:
        self._recognizer = BundleRecognizer(open_model(path), engine="onnxruntime")

    def __enter__(self) -> Finder:
        self._recognizer.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._recognizer.__exit__(*exc)

    def looked_at(self, moment: Moment) -> Moment:
        """The moment with what it finds there."""
        seen = self._recognizer.recognize(Frame(moment.image, 0)).recognitions
        assert seen.boxes is not None
        return dataclasses.replace(moment, boxes=seen.boxes, scores=seen.scores)


class Counted:
    """The reader, which counts what it is asked and how often that is read as it is."""

    def __init__(self, network: Any) -> None:
        self._network, self.now, self.reads, self.right = network, None, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def decode(self, outputs: Any, *args: Any, **named: Any) -> Recognitions:
        """What one picture says."""
        seen: Recognitions = self._network.decode(outputs, *args, **named)
        texts = {car.text for car in self.now.cars} if self.now is not None else set()
        self.reads += 1
        self.right += bool(seen.texts) and seen.texts[0] in texts
        return seen


def summed_up(tally: Tally, cars: tuple[Car, ...], heard: list[tuple[str, frozenset[Car]]], reader: Counted) -> Tally:
    """Each event belongs to the car that it names, else to the one that was there and is most alike."""
    own, said = Counter[Car](), defaultdict[Car, set[str]](set)
    for text, there in heard:
        car = max(there or cars, key=lambda each: sum(a == b for a, b in zip(each.text, text, strict=False)))
        own[car] += 1
        said[car].add(text)
    tally.cars, tally.events = len(cars), len(heard)
    exact = {car: said[car] == {car.text} for car in cars}
    tally.exact, whole = sum(exact.values()), [car for car in cars if is_ever_whole(car)]
    tally.whole, tally.whole_exact = len(whole), sum(exact[car] for car in whole)
    tally.once = sum(own[car] == 1 for car in cars)
    tally.wrong = sum(text not in {car.text for car in cars} for text, _ in heard)
    tally.reads, tally.right_reads = reader.reads, reader.right
    wrong = [car for car in cars if not exact[car]]
    tally.misread = [f"{car.text}: {' '.join(sorted(said[car])) or 'nothing'}" for car in wrong]
    return tally


def and_nothing(moments: Iterator[Moment]) -> Iterator[Moment]:
    """The scene, and the empty street for a second after it."""
    last = None
    for last in moments:
        yield last
    assert last is not None
    for i in range(1, 16):
        yield dataclasses.replace(last, time=last.time + i / 15, cars=(), boxes=last.boxes[:0], scores=last.scores[:0])


def found(moment: Moment) -> Recognitions:
    """What the detector finds in a moment."""
    ids = np.zeros(len(moment.boxes), np.int32)
    return Recognitions(("plate",), ids, moment.scores, boxes=moment.boxes, task="detect")


if __name__ == "__main__":
    main()
