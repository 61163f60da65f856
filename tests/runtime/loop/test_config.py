import pytest

from edgelens.runtime.errors import UsageError
from edgelens.runtime.loop.config import SourcePlan, read_config, with_unique_names
from edgelens.runtime.preprocess import Region

COMMON = SourcePlan("", threshold=0.4, max_fps=5.0, given={"camera_fps": 15.0, "rotate": 180})


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
    assert (door.agree, door.threshold, door.max_fps) == ((2, 4), 0.4, 5.0)
    assert door.given == {"camera_fps": 15.0, "rotate": 90, "size": (1280, 720)}
    assert other.given == COMMON.given
    assert (other.source, other.name, other.threshold, other.motion) == ("0", "0", 0.9, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[source]]\nurl = 'demo'\nregoin = '1,2,3,4'", "'regoin' is not known"),
        ("[[source]]\nname = 'x'", "needs a url"),
        ("[[source]]\nurl = 'demo'\nthreshold = 'high'", "source 1: threshold high: must be a number"),
        ("[[source]]\nurl = 'demo'\nthreshold = 1.5", "threshold 1.5: must be between 0 and 1"),
        ("[[source]]\nurl = 'demo'\nrotate = 45", "rotate 45: must be one of 0, 90, 180, 270"),
        ("[[source]]\nurl = 'demo'\nmotion = 1", "motion 1: must be true or false"),
        ("[[source]]\nurl = 'demo'\nflip = 'round'", "flip round: must be one of horizontal, vertical, both"),
        ("[[source]]\nurl = 'demo'\nsmoothing = 0", "smoothing 0: must be above 0 and at most 1"),
        ("[[source]]\nurl = 'demo'\nmax_fps = true", "max_fps True: must be a number"),
        ("[[source]]\nurl = 'demo'\nmax_fps = 0x" + "f" * 300, "is no number"),  # of more digits than a float holds
        ('[[source]]\nurl = "demo"\nthreshold = "a\\nb"', "threshold a b: must be a number"),
        ("[[source]]\nurl = 'demo'\nname = 3", "name 3: must be a text in quotes"),
        ("[[source]]\nurl = 'demo'\nregion = 3", "x,y,w,h"),
        ("[[source]]\nurl = true", "needs a url"),
        ("[[source]]\nurl = 'demo'\nregion = [1, 2]", "x,y,w,h"),
        ("model = 'x'\n[[source]]\nurl = 'demo'", "'model' is not known here"),
        ("", "no [[source]] table"),
        ("[[source]", "no valid TOML"),
        ("[[source]]\nurl = 'demo'\nname = " + "[" * 5000, "no valid TOML: its brackets go too deep"),
        ("[[source]]\nurl = 'demo'\nthreshold = " + "9" * 5000, "no valid TOML: Exceeds the limit"),
        ("[[source]]\nurl = 0x" + "f" * 5000, "needs a url"),
        ("[[source]]\nurl = -1", "needs a url"),
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
    plans = with_unique_names(tuple(SourcePlan("demo", name=name) for name in ("a", "a", "a #2", "a")))
    assert [plan.name for plan in plans] == ["a", "a #3", "a #2", "a #4"]


def test_a_file_of_an_editor_that_marks_its_encoding(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[[source]]\nurl = 'demo'\n", encoding="utf-8-sig")
    assert read_config(str(path), COMMON)[0].source == "demo"


def test_a_mask_may_be_its_points(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[[source]]\nurl = 'demo'\nmask = [0.1, 0.1, 0.2, 0.2, 0.3, 0.1]\n")
    (mask,) = read_config(str(path), COMMON)[0].places.mask
    assert mask.points == ((0.1, 0.1), (0.2, 0.2), (0.3, 0.1))


def test_one_source_has_one_place(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[[source]]\nurl = 'demo'\nsource = '0'\n")
    with pytest.raises(UsageError, match="source 1: url and source are the same"):
        read_config(str(path), COMMON)


@pytest.mark.parametrize("text", ["'3'", "'0/5'", "'6/5'", "'a/b'", "'3/'", "3", "[3]", "'3/1001'"])
def test_agree_is_n_of_m(tmp_path, text):
    path = tmp_path / "c.toml"
    path.write_text(f"[[source]]\nurl = 'demo'\nagree = {text}")
    with pytest.raises(UsageError, match=r"source 1: agree .*: write N/M"):
        read_config(str(path), COMMON)


@pytest.mark.parametrize("text", ["'1280'", "'0x5'", "[1280]", "'1x2x3'", "'99999x1'", "7"])
def test_a_size_is_width_and_height(tmp_path, text):
    path = tmp_path / "c.toml"
    path.write_text(f"[[source]]\nurl = 'demo'\nsize = {text}")
    with pytest.raises(UsageError, match="source 1"):
        read_config(str(path), COMMON)


def test_every_key_is_told_where_one_is_not_known(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[[source]]\nurl = 'demo'\nzoom = 2")
    with pytest.raises(UsageError) as error:
        read_config(str(path), COMMON)
    assert str(error.value).partition("there are ")[2].split(", ") == [
        "url", "name", "model", "labels", "region", "motion", "threshold", "false_accepts", "smoothing", "agree",
        "max_fps", "track", "track_keep", "track_looks", "track_look_every", "line", "zone", "loiter", "anchor", "mask",
        "size", "camera_fps", "flip", "rotate", "seed",
    ]  # fmt: skip


def test_a_file_that_never_ends_is_refused():
    with pytest.raises(UsageError, match="larger than 4 MB"):
        read_config("/dev/zero", COMMON)


@pytest.mark.parametrize("name", ["9" * 5000, "é" * 300, "x" * 5000 + ".jpg", "²", "csi:²"])
def test_a_source_whose_name_no_file_can_have_is_one_line(name):
    from edgelens.runtime.errors import SourceError
    from edgelens.runtime.sources.catalog import kind_of

    with pytest.raises(SourceError, match=r"no such file, folder or camera|no file, folder or camera"):
        kind_of(name)
