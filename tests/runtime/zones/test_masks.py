"""What is masked cannot be seen any more, and everything else is as it was."""

import numpy as np

from edgelens.runtime.frame import Frame
from edgelens.runtime.zones.masks import PrivacyMask
from edgelens.runtime.zones.options import Zone


def test_a_masked_part_is_blurred_beyond_recognition():
    image = (np.indices((100, 200)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    before = image.copy()
    mask = PrivacyMask((Zone("mask 1", ((0, 0), (0.5, 0), (0.5, 1), (0, 1))),))
    hidden = mask.hide(Frame(image, 3, source="door"))
    assert (hidden.index, hidden.source) == (3, "door")
    assert np.ptp(hidden.image[:, :100]) < 40  # of 255: no pixel tells white from black
    assert (hidden.image[:, 102:] == image[:, 102:]).all()
    assert (image == before).all()


def test_a_mask_of_few_pixels_hides_them_too():
    whole = Zone("mask 1", ((0, 0), (1, 0), (1, 1), (0, 1)))
    for side in (2, 3, 4, 6, 9):
        image = (np.indices((side, side)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
        assert np.ptp(PrivacyMask((whole,)).hide(Frame(image)).image) < 60


def test_a_mask_follows_the_size_of_the_frames_and_may_reach_the_edge():
    mask = PrivacyMask((Zone("mask 1", ((0.9, 0.9), (1, 0.9), (1, 1))),))
    for shape in ((50, 80, 3), (480, 640, 3), (1, 1, 3)):
        assert mask.hide(Frame(np.zeros(shape, np.uint8))).image.shape == shape


def test_a_mask_that_crosses_itself_shows_nothing_of_its_middle():
    star = Zone("star", ((0.5, 0.0), (0.8, 1.0), (0.0, 0.4), (1.0, 0.4), (0.2, 1.0)))
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    hidden = PrivacyMask((star,)).hide(Frame(noise)).image
    assert hidden[90:110, 95:105].std() < 30 < noise[90:110, 95:105].std()
    assert np.array_equal(hidden[:40, :40], noise[:40, :40])
