"""Which pictures stand for a set: the first of them alone show every class."""

import numpy as np

from edgelens.compress.learn.pictures import pictures_of
from edgelens.runtime.datasets.imageset import ImageSet
from edgelens.runtime.preprocess import PixelContract


def test_the_first_of_a_part_show_every_class_alike():
    labels = np.repeat(np.arange(10), 30).astype(np.int32)
    pixels = np.zeros((300, 4, 4, 3), np.uint8)
    names = [str(label) for label in range(10)]
    images = ImageSet("x", "npz", tuple(names), labels, np.full(300, "train"), [str(i) for i in range(300)], pixels)
    part = pictures_of(images, PixelContract(4, 4, "rgb", "crop"), most=120)
    assert len(part) == len(set(part.rows.tolist())) == 120
    for count in (20, 50, 120):
        assert np.bincount(part.first(count).labels, minlength=10).tolist() == [count // 10] * 10
