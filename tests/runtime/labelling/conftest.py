"""Pictures to label, and a desk to label them at."""

from __future__ import annotations

from contextlib import contextmanager

import cv2
import numpy as np
import pytest
from label_page import HEIGHT, WIDTH

from edgelens.runtime.labelling.desk import Desk
from edgelens.runtime.labelling.pictures import pictures_of


@pytest.fixture
def photos(tmp_path):
    """Six pictures of a light square on the dark."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        image = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
        cv2.rectangle(image, (40 + 30 * i, 50), (80 + 30 * i, 110), (60, 200, 240), -1)
        cv2.imwrite(str(folder / f"photo{i}.png"), image)
    return folder


@pytest.fixture
def desk_of(tmp_path):
    """Opens a desk: (photos, **what the verb says), kept in tmp_path/out."""

    @contextmanager
    def opened(where, **options):
        found = pictures_of(str(where), tmp_path / "out/frames", most=50, differ=6.0, say=print)
        with Desk(found, tmp_path / "out", say=print, **options) as desk:
            yield desk

    return opened
