"""HOTA, IDF1 and MOTA are TrackEval's to the sixth digit."""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from edgelens.runtime.metrics.tracking import Followed, joined_sequences, tracking_scores


def sequence(seed: int) -> tuple[Followed, Followed]:
    """A truth, and a tracker's answer that misses, wobbles, makes up and swaps."""
    random = np.random.RandomState(seed)
    count = random.randint(3, 12)
    places, speeds, names = random.rand(count, 2) * 300, random.normal(0, 3, (count, 2)), np.arange(count)
    truth, found = [], []
    for frame in range(80):
        places = places + speeds
        if frame % 17 == 5:
            random.shuffle(names)
        for i in range(count):
            if random.rand() < 0.9:
                truth.append((frame, i + 3, *places[i], 40.0, 60.0))
            if random.rand() < 0.85:
                made_up = 50 + i if random.rand() < 0.02 else names[i]
                found.append((frame, made_up, *(places[i] + random.normal(0, 5, 2)), 40 + random.normal(0, 3), 60.0))
    return _followed(truth), _followed(found)


def _followed(rows: list) -> Followed:
    table = np.array(rows)
    return Followed(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])


# what TrackEval 1.3.0 says of `sequence(0)`, `sequence(1)` and `sequence(2)`
FIELDS = (
    "hota", "det_a", "ass_a", "loc_a", "idf1", "id_precision",
    "id_recall", "mota", "motp", "switches", "missed", "false",
)  # fmt: skip
REFERENCE = (
    (0.242770954, 0.50746274, 0.116852493, 0.773901823, 0.330027051, 0.337638376,
     0.322751323, 0.53968254, 0.731518887, 46, 120, 95),
    (0.236430692, 0.543307274, 0.103489066, 0.773823939, 0.270703473, 0.279411765,
     0.262521589, 0.635578584, 0.725492196, 48, 99, 64),
    (0.217514755, 0.518817426, 0.091949863, 0.774884519, 0.25504229, 0.265582656,
     0.245306633, 0.580725907, 0.731618528, 74, 161, 100),
)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_equal_to_trackeval(seed):
    found = dataclasses.asdict(tracking_scores(*sequence(seed)))
    assert found == pytest.approx(dict(zip(FIELDS, REFERENCE[seed], strict=True)), abs=1e-6)


def test_several_sequences_count_as_one_by_their_boxes():
    pairs = [sequence(seed) for seed in range(3)]
    short = pairs[1][1]  # nothing is found in the last frames: the sequences behind it must not slip
    early = short.frames < 70
    pairs[1] = pairs[1][0], Followed(short.frames[early], short.ids[early], short.boxes[early])
    together = tracking_scores(*joined_sequences(pairs))
    parts = [tracking_scores(truth, found) for truth, found in pairs]
    assert together.switches == sum(part.switches for part in parts)
    assert together.missed == sum(part.missed for part in parts)
    assert min(part.hota for part in parts) < together.hota < max(part.hota for part in parts)


def test_what_is_perfect_is_one_and_what_is_nothing_nought():
    truth, found = sequence(0)
    perfect = tracking_scores(truth, truth)
    assert (perfect.hota, perfect.idf1, perfect.mota, perfect.switches) == (pytest.approx(1), 1, 1, 0)
    none = Followed(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 4)))
    empty = tracking_scores(truth, none)
    assert (empty.hota, empty.idf1, empty.mota, empty.missed) == (0, 0, 0, len(truth.ids))
    assert tracking_scores(none, found).false == len(found.ids)


def test_a_swap_costs_hota_and_idf1_but_no_boxes():
    truth, _ = sequence(0)
    swapped = dataclasses.replace(
        truth, ids=np.where(truth.frames < 40, truth.ids, truth.ids[::-1].max() + 5 - truth.ids)
    )
    scores = tracking_scores(truth, swapped)
    assert scores.det_a == pytest.approx(1)
    assert scores.ass_a < 0.8
    assert scores.idf1 < 0.8
    assert scores.missed == scores.false == 0


def test_thousands_of_things_take_little_memory():
    frames, each, things = 600, 5, 1500
    number = np.repeat(np.arange(frames), each)
    ids = (number // 2 * each + np.tile(np.arange(each), frames)) % things
    boxes = np.stack([ids % 70 * 20.0, ids // 70 * 20.0, np.full(len(ids), 10.0), np.full(len(ids), 10.0)], axis=1)
    truth = Followed(number, ids, boxes)
    tracemalloc.start()
    try:
        scores = tracking_scores(truth, Followed(number, things - ids, boxes))
        assert tracemalloc.get_traced_memory()[1] < 2e8
    finally:
        tracemalloc.stop()
    assert (scores.hota, scores.idf1, scores.switches) == (pytest.approx(1), 1, 0)
