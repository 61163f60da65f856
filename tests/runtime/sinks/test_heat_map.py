"""Where things were, as a picture."""

import numpy as np
import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.frame import Frame
from edgelens.runtime.images.read import read_image
from edgelens.runtime.recognitions import Recognitions
from edgelens.runtime.result import Result
from edgelens.runtime.sinks.heat_map import HeatMap


def standing(x: float, source: str = "door") -> Result:
    seen = Recognitions(("cup",), [0], [0.9], boxes=[[x, 40, 40, 80]], task="detect")
    return Result(Frame(np.full((160, 320, 3), 90, np.uint8), source=source), seen)


def test_the_warmest_place_is_where_things_stood_longest(tmp_path):
    path = tmp_path / "heat.png"
    with HeatMap(str(path), several=False) as sink:
        for x, frames in ((40, 30), (220, 4)):
            for _ in range(frames):
                sink.write(standing(x))
        sink.write(Result(Frame(np.full((160, 320, 3), 90, np.uint8), source="door"), Recognitions.nothing()))
    picture = read_image(path).astype(int)
    color = picture.max(axis=2) - picture.min(axis=2)
    warm, mild, cold = color[100:120, 50:70].mean(), color[100:120, 230:250].mean(), color[10:30, 140:180].mean()
    assert picture.shape == (160, 320, 3)
    assert min(warm, mild) > cold + 30
    assert picture[100:120, 50:70, 2].mean() > picture[100:120, 230:250, 2].mean()  # red is warmest
    assert not list(tmp_path.glob(".*"))


def test_several_sources_have_a_picture_each(tmp_path):
    with HeatMap(str(tmp_path / "heat.jpg"), several=True) as sink:
        sink.write(standing(10, "a"))
        sink.write(standing(10, "b"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heat-a.jpg", "heat-b.jpg"]


def test_a_file_of_another_kind_is_refused():
    with pytest.raises(UsageError, match=r"--heat-map heat\.txt: must end in"):
        HeatMap("heat.txt", several=False)
