import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.loop.config import SourcePlan, parse_agree, parse_size, read_config, with_unique_names
from edgelens.runtime.preprocess import Region

COMMON = SourcePlan("", threshold=0.4, max_fps=5.0)


def test_a_file_of_sources_with_what_is_their_own(tmp_path):
    path = tmp_path / "cameras.toml"
    path.write_text(
        """
        [[source]]
        url = "rtsp://joe:${PASSWORD}@10.0.0.5/a"
        name = "door"
        model = "faces.edge"
        region = [0.1, 0.2, 0.5, 0.5]
        agree = "2/4"
        size = [1280, 720]
        rotate = 90

        [[source]]
        url = "0"
        threshold = 0.9
        motion = true
        """
    )
    door, other = read_config(str(path), COMMON)
    assert (door.name, door.model, door.region) == ("door", "faces.edge", Region(0.1, 0.2, 0.5, 0.5))
    assert (door.agree, door.size, door.rotate, door.threshold, door.max_fps) == ((2, 4), (1280, 720), 90, 0.4, 5.0)
    assert (other.source, other.name, other.threshold, other.motion) == ("0", "0", 0.9, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[source]]\nurl = 'demo'\nregoin = '1,2,3,4'", "'regoin' is not known"),
        ("[[source]]\nname = 'x'", "needs a url"),
        ("[[source]]\nurl = 'demo'\nthreshold = 'high'", "threshold must be int or float"),
        ("[[source]]\nurl = 'demo'\nthreshold = 1.5", "threshold lies between 0 and 1"),
        ("[[source]]\nurl = 'demo'\nrotate = 45", "rotate is 0, 90, 180 or 270"),
        ("[[source]]\nurl = 'demo'\nmotion = 1", "motion must be bool"),
        ("[[source]]\nurl = 'demo'\nregion = [1, 2]", "x,y,w,h"),
        ("model = 'x'\n[[source]]\nurl = 'demo'", "'model' is not known here"),
        ("", "no [[source]] table"),
        ("[[source]", "no valid TOML"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, text, said):
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read_config(str(path), COMMON)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_names_are_unique_and_hold_no_login():
    plans = with_unique_names((SourcePlan("rtsp://a:b@cam/1"), SourcePlan("rtsp://c:d@cam/1"), SourcePlan("demo")))
    assert [plan.name for plan in plans] == ["rtsp://cam/1", "rtsp://cam/1 #2", "demo"]


@pytest.mark.parametrize("text", ["3", "0/5", "6/5", "a/b", "3/"])
def test_agree_is_n_of_m(text):
    with pytest.raises(UsageError):
        parse_agree(text)


def test_sizes():
    assert parse_size("1280x720") == (1280, 720)
    with pytest.raises(UsageError):
        parse_size("1280")
