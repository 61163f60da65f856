import numpy as np

from edgelens.runtime.loop import motion
from edgelens.runtime.loop.motion import MotionGate
from edgelens.runtime.preprocess import Region


def scene(x: int | None = None, noise: int = 0) -> np.ndarray:
    rng = np.random.default_rng(noise)
    image = np.full((480, 640, 3), 120, np.int16) + rng.integers(-8, 9, (480, 640, 3))
    if x is not None:
        image[200:280, x : x + 60] = 230
    return np.clip(image, 0, 255).astype(np.uint8)


def test_noise_is_no_motion_and_an_object_is():
    gate = MotionGate()
    assert gate.changed(scene(noise=1))
    assert not gate.changed(scene(noise=2))
    assert gate.changed(scene(100, noise=3))
    assert not gate.changed(scene(100, noise=4))
    assert gate.changed(scene(140, noise=5))


def test_slow_changes_add_up():
    gate = MotionGate()
    gate.changed(scene(100))
    answers = [gate.changed(scene(x)) for x in range(100, 160, 2)]
    assert 2 <= sum(answers) < 20


def test_motion_outside_the_region_does_not_count():
    gate, region = MotionGate(), Region(0, 0, 0.25, 1)
    gate.changed(scene(), region)
    assert not gate.changed(scene(400), region)
    assert gate.changed(scene(50), region)


def test_a_still_picture_is_looked_at_now_and_then(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(motion.time, "monotonic", lambda: now[0])
    gate, still, looked = MotionGate(), scene(), 0
    for _ in range(100):
        now[0] += 0.1
        looked += gate.changed(still)
    assert looked == 5


def test_who_follows_things_has_it_looked_at_more_often(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(motion.time, "monotonic", lambda: now[0])
    gate, still, looked = MotionGate(refresh_s=0.5), scene(), 0
    for _ in range(100):
        now[0] += 0.1
        looked += gate.changed(still)
    assert 16 <= looked <= 20
